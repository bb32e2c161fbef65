/* pipeline: which pipelines a tenant has. Their rules are domain/pipeline.h. */
#ifndef AGENT_PIPELINE_H
#define AGENT_PIPELINE_H

#include "agent/context.h"
#include "sales/v1/sales_agent.h"

/*
 * The pipeline with this id, the default one for "". Pure, so units may ask it. The built-in one
 * serves tenants that define none, and deals that were begun in it before the tenant defined its
 * own. NULL: there is none with this id. Lives as long as the policy.
 */
const Pipeline *pipeline_find(const TenantPolicy *policy, const char *id);

/* As pipeline_find for a deal on record. PRECONDITION (PIPELINE_GONE): the tenant dropped it. */
MUST_CHECK enum status pipeline_of_deal(struct call *c, const TenantPolicy *policy,
                                        const Deal *deal, const Pipeline **out);

/* The tenant's pipelines, the default one first. INVALID: page_token is none of ours. */
MUST_CHECK enum status pipeline_list(struct call *c, struct agents *a,
                                     const ListPipelinesRequest *in, ListPipelinesResponse *out);

#endif
