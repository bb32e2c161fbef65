/*
 * deal_move: a deal from stage to stage. The rules are data of the pipeline (domain/pipeline.h);
 * here they meet the record, its lead and its activities, in one unit of work.
 */
#ifndef AGENT_DEAL_MOVE_H
#define AGENT_DEAL_MOVE_H

#include "agent/context.h"
#include "domain/pipeline.h"
#include "sales/v1/sales_agent.h"

/*
 * Moves the deal, appends to its history, emits sales.deal.updated and, when it closes,
 * sales.deal.closed; a closed deal sets the outcome of its lead. validate_only shows the same and
 * stores nothing.
 *
 * NOT_FOUND, CONFLICT (ETAG_MISMATCH). PRECONDITION (MOVE_REFUSED): one violation per rule that
 * stands against it, each with what would satisfy it. DENIED (STAGE_ROLE): the pipeline keeps the
 * move for other roles. INVALID: no such stage, a time in the future or before the last move, a
 * close reason for a stage that does not close.
 */
MUST_CHECK enum status deal_progress(struct call *c, struct agents *a,
                                     const ProgressDealRequest *in, ProgressDealResponse *out);

/* The same as a unit to be run inside of another (or by mutate): *plan_out, in c->arena; `in` and
 * `out` outlive it. */
struct mutation;
MUST_CHECK enum status deal_plan_progress(struct call *c, struct agents *a,
                                          const ProgressDealRequest *in, ProgressDealResponse *out,
                                          struct mutation *plan_out);

/* Opens a closed deal again, in the stage named or the last open one, and takes back the outcome it
 * gave to its lead. Fails as deal_progress does. */
MUST_CHECK enum status deal_reopen(struct call *c, struct agents *a, const ReopenDealRequest *in,
                                   ReopenDealResponse *out);

/* Inside of a unit: a closed deal tells its lead how the story ended, with sales.lead.updated. A
 * won one always, a lost one unless the lead has an outcome already. Open deals and leads that are
 * gone are passed over. */
MUST_CHECK enum status deal_tell_lead(struct tx *tx, const Deal *deal);

/* The pure part of deal_tell_lead: true when the lead changed. */
bool deal_set_outcome(const Deal *deal, Lead *lead);

/* The part of deal_reopen: takes back the outcome if it is the one that `closed` (the deal as it
 * was) gave. True when the lead changed. */
bool deal_clear_outcome(const Deal *closed, Lead *lead);

/* Where the failures of a verdict point to in the request. */
enum deal_refused_in { DEAL_REFUSED_BEGIN, DEAL_REFUSED_MOVE };

/* Records why the pipeline refused (s is not OK) and returns the status to answer with: what the
 * request got wrong becomes field violations (INVALID), what the state forbids precondition
 * failures. */
MUST_CHECK enum status deal_refuse(struct call *c, enum status s, enum deal_refused_in where,
                                   const struct pipeline_verdict *verdict);

/* Key of the last open stage in the deal's history, else the pipeline's first. */
const char *deal_last_open_stage(const Pipeline *p, const Deal *deal);

#endif
