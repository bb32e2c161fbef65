/*
 * person: what is on record about one person (a lead), taken out again. One way for DeleteLead,
 * EraseSubject and retention.
 *
 * Gone afterwards: the lead with its index columns and search words, the decisions about it,
 * proposals and mails, what others said of them (enrichment), its activities and those of its deals
 * that name no other lead, what deals say about the person (their own, and those that have them as
 * a contact by id or by any of their addresses), the data of events about any of these, and stored
 * answers to requests that hold them. Where to look is said in one place, person_place.h. Deals
 * stay, as the firm's own records: amounts, stages and dates without the person. An event
 * `sales.lead.erased` with nothing but the id remains, and the audit trail, which holds no personal
 * data.
 *
 * It is complete or refused: who may delete the lead also takes the person out of records that are
 * out of their own reach. Only what hangs on another lead under legal hold stays, and is counted.
 */
#ifndef AGENT_PERSON_H
#define AGENT_PERSON_H

#include "sales/v1/deal.h"
#include "sales/v1/lead.h"
#include "store/store.h"

struct person_counts {
    uint64_t leads, activities, decisions, deals, proposals, emails, enrichments, recommendations;
    uint64_t held; /* deals that name the person and stay: of somebody else under legal hold; found
                      by several addresses they count for each */
};

/* All of them but what is held. */
static inline uint64_t person_records(const struct person_counts *n)
{
    return n->leads + n->activities + n->decisions + n->deals + n->proposals + n->emails +
           n->enrichments + n->recommendations;
}

/* OK when the lead may go; PRECONDITION, LEGAL_HOLD, with what would satisfy it. */
MUST_CHECK enum status person_free(struct call *c, const Lead *lead);

/* The lead if it is under legal hold; NULL: it is not, it is gone, or the id is "". */
MUST_CHECK enum status person_held(struct tx *tx, const char *lead_id, Lead **out);

/*
 * Erases the lead, in a write unit that has read it. Adds to *counts. A job makes the engine's
 * files forget as well, soon after the commit (job/house.h).
 *
 * PRECONDITION: LEGAL_HOLD. EXHAUSTED, TOO_MANY_RECORDS: more than one transaction should hold.
 */
MUST_CHECK enum status person_erase(struct tx *tx, const Lead *lead, struct person_counts *counts);

/* Erases the activities of the deal that name no lead: nothing but the deal leads to them. Adds to
 * *n. EXHAUSTED as above. */
MUST_CHECK enum status person_erase_notes(struct tx *tx, const Deal *deal, uint64_t *n);

/* Records that hang on the lead: itself, its activities, deals, proposals and mails. */
MUST_CHECK enum status person_count(struct tx *tx, const Lead *lead, struct person_counts *out);

#endif
