/*
 * deal: what may be done with one deal, but for its moves (agent/deal_move.h). Each function is one
 * unit of work: the record, its event and nothing else change together, a refusal changes nothing.
 *
 * Messages returned live in c->arena. Every function: NOT_FOUND for an unknown or foreign id,
 * CONFLICT (ETAG_MISMATCH) for a stale etag, and the failures of store_run.
 */
#ifndef AGENT_DEAL_H
#define AGENT_DEAL_H

#include "agent/context.h"
#include "sales/v1/sales_agent.h"

/* A deal on its way in: cleaned, with its pipeline, not begun. Units may run over it again. */
struct deal_draft {
    const Deal *deal;
    const Pipeline *pipeline;
    Actor *actor;
};

/*
 * Makes a draft of what a client sent: server's fields emptied, texts cleaned, defaults set. Needs
 * no store. INVALID: see deal_clean; no such pipeline; created_at in the future; a close reason or
 * close time without the history that leads to it.
 */
MUST_CHECK enum status deal_prepare(struct call *c, const TenantPolicy *policy, const Deal *in,
                                    struct deal_draft *out);

/*
 * Inside of a unit: begins the deal in its pipeline and stores it with sales.deal.created.
 *
 * INVALID: stage, history or close reason do not fit the pipeline, or the deal came about after its
 * first move. PRECONDITION: a guard of the stage fails. NOT_FOUND: its lead.
 */
MUST_CHECK enum status deal_begin(struct tx *tx, const struct deal_draft *draft, Deal **out);

/* deal_prepare and deal_begin as one request, and the outcome of its lead when its past ends
 * closed. An external_id that is on record returns what is there, created = false. */
MUST_CHECK enum status deal_create(struct call *c, struct agents *a, const CreateDealRequest *in,
                                   CreateDealResponse *out);

MUST_CHECK enum status deal_get(struct call *c, struct agents *a, const char *id, Deal **out);

MUST_CHECK enum status deal_list(struct call *c, struct agents *a, const ListDealsRequest *in,
                                 ListDealsResponse *out);

/* Changes the fields that the mask names; see schema/mask.h. A close date that moves to a later
 * month counts as a push; an emptied category becomes the stage's. */
MUST_CHECK enum status deal_update(struct call *c, struct agents *a, const UpdateDealRequest *in,
                                   UpdateDealResponse *out);

/* How often the expected close date moved to a later month in a history that ends with `last`.
 * Dates are "YYYY-MM-DD" or empty; empty ones are passed over. */
int32_t deal_pushes(StageChange *const *history, size_t n, const char *last);

#endif
