/*
 * lead: what may be done with one lead. Each function is one unit of work: the record, its event
 * and nothing else change together, and a refusal changes nothing.
 *
 * Messages returned live in c->arena. Every function: NOT_FOUND for an unknown or foreign id,
 * CONFLICT (ETAG_MISMATCH) for a stale etag, and the failures of store_run.
 */
#ifndef AGENT_LEAD_H
#define AGENT_LEAD_H

#include "agent/context.h"
#include "agent/lead_clean.h"
#include "agent/lead_match.h"
#include "sales/v1/sales_agent.h"
#include "store/prepare.h"

/* A lead on its way in: cleaned, with defaults, not stored. */
struct lead_draft {
    Lead *lead;
    struct lead_keys keys;
    struct lead_changed changed;
    struct prepared *prepared; /* by lead_ready; NULL: none */
};

/* What became of a draft. */
struct lead_stored {
    Lead *lead; /* as stored, or the one on record */
    bool created, updated;
    MatchReason reason; /* why it was taken for a known one; unspecified: it was not */
};

/*
 * Makes a draft of what a client sent: server's fields emptied, texts cleaned, defaults set. Needs
 * no store. INVALID: see lead_clean, or nothing identifies the lead. *out borrows from in.
 */
MUST_CHECK enum status lead_prepare(struct call *c, const TenantPolicy *policy, const Lead *in,
                                    struct lead_draft *out);

/* Inside of store_prepare: for the case that the draft is nobody known. */
MUST_CHECK enum status lead_ready(struct tx *tx, struct lead_draft *draft);

/*
 * Inside of a unit: stores the draft with its event, or deals with the duplicate as `policy` says.
 *
 *   known  the lead on record that the draft repeats, found by lead_match; NULL: none
 *   out    .reason is the caller's; the rest is set
 *
 * EXISTS (DUPLICATE_LEAD, metadata lead_id and match): the policy refuses duplicates.
 */
MUST_CHECK enum status lead_settle(struct tx *tx, struct lead_draft *draft, DuplicatePolicy policy,
                                   Lead *known, struct lead_stored *out);

/* lead_prepare, lead_match and lead_settle as one request. */
MUST_CHECK enum status lead_create(struct call *c, struct agents *a, const CreateLeadRequest *in,
                                   CreateLeadResponse *out);

MUST_CHECK enum status lead_get(struct call *c, struct agents *a, const char *id, Lead **out);

MUST_CHECK enum status lead_list(struct call *c, struct agents *a, const ListLeadsRequest *in,
                                 ListLeadsResponse *out);

/* Changes the fields that the mask names; see schema/mask.h. PRECONDITION: the lead was merged. */
MUST_CHECK enum status lead_update(struct call *c, struct agents *a, const UpdateLeadRequest *in,
                                   UpdateLeadResponse *out);

/* Erases the lead, its activities and the answers kept for request ids that hold its data; an event
 * with nothing but the id stays. PRECONDITION (LEGAL_HOLD). */
MUST_CHECK enum status lead_delete(struct call *c, struct agents *a, const DeleteLeadRequest *in,
                                   DeleteLeadResponse *out);

/* Fields of a Lead that only the server sets, NULL-terminated. */
extern const char *const lead_output_only[];

#endif
