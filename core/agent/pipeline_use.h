/* pipeline_use: whether a change of the policy takes away what deals stand in. */
#ifndef AGENT_PIPELINE_USE_H
#define AGENT_PIPELINE_USE_H

#include "sales/v1/tenant.h"
#include "store/store.h"

/*
 * Compares the pipelines before and after a change; only when one or a stage of one is gone does it
 * ask how many deals are in which. One query, at most GROUP_ROWS_MAX rows.
 *
 * PRECONDITION (PIPELINE_USED): a violation for each that is gone and has deals, with their number.
 */
MUST_CHECK enum status pipeline_check_unused(struct tx *tx, const TenantPolicy *before,
                                             const TenantPolicy *after);

#endif
