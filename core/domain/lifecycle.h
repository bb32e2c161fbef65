/*
 * lifecycle: the moves a lead can make. Deals move by their pipeline (pipeline.h).
 *
 *     created -> NEW -> QUALIFIED -> CONVERTED        with NURTURE, DISQUALIFIED and MERGED beside
 *
 * Every legal move is a row of lifecycle.def; what is no row is refused.
 */
#ifndef DOMAIN_LIFECYCLE_H
#define DOMAIN_LIFECYCLE_H

#include "base/status.h"
#include "domain/precondition.h"
#include "sales/v1/lead.h"

/* Who moves a lead: a status changes by one of these operations only. */
enum lifecycle_step { LIFECYCLE_QUALIFY, LIFECYCLE_CONVERT, LIFECYCLE_MERGE, LIFECYCLE_UNDO_MERGE };

/* OK, or PRECONDITION with the reason in why (static texts). Staying in the same status is a move
 * like any other: qualifying a QUALIFIED lead again is legal, converting a CONVERTED one is not. */
MUST_CHECK enum status lifecycle_check(LeadStatus from, enum lifecycle_step step, LeadStatus to,
                                       struct precondition *why);

#endif
