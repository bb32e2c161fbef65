/* conversion: a qualified lead becomes a deal. */
#ifndef WORKFLOW_CONVERSION_H
#define WORKFLOW_CONVERSION_H

#include "agent/context.h"
#include "sales/v1/sales_agent.h"

/*
 * Begins a deal from the lead and what the request says, and makes the lead CONVERTED: both, with
 * sales.deal.created and sales.lead.converted, in one unit of work. What the request leaves empty
 * is taken from the lead: name (company or person), company, contact, owner, team, tags; and the
 * default pipeline.
 *
 * NOT_FOUND: the lead. CONFLICT (ETAG_MISMATCH). PRECONDITION (LEAD_STATUS): the lead is not
 * QUALIFIED. EXISTS: the deal's external id is taken. Else as deal_begin.
 */
MUST_CHECK enum status conversion_run(struct call *c, struct agents *a,
                                      const ConvertLeadRequest *in, ConvertLeadResponse *out);

/* The pure part: fills what the deal leaves empty. False: the arena is full. */
MUST_CHECK bool conversion_fill(struct arena *a, const Lead *lead, Deal *deal);

#endif
