/*
 * person: what is on record about one person (a lead), taken out again. One way for DeleteLead,
 * EraseSubject and retention.
 *
 * Gone afterwards: the lead with its index columns and search words, its activities and those of
 * its deals that name no other lead, what deals say about the person, the data of events about any
 * of these, and stored answers to requests that hold them. Deals stay, as the firm's own records:
 * amounts, stages and dates without the person. An event `sales.lead.erased` with nothing but the
 * id remains, and the audit trail, which holds no personal data.
 */
#ifndef AGENT_PERSON_H
#define AGENT_PERSON_H

#include "sales/v1/deal.h"
#include "sales/v1/lead.h"
#include "store/store.h"

struct person_counts {
    uint64_t leads, activities, deals;
};

/* OK when the lead may go; PRECONDITION, LEGAL_HOLD, with what would satisfy it. */
MUST_CHECK enum status person_free(struct call *c, const Lead *lead);

/*
 * Erases the lead, in a write unit that has read it. Adds to *counts. The unit must be followed by
 * store_scrub, so that the engine's files forget as well.
 *
 * PRECONDITION: LEGAL_HOLD. EXHAUSTED, TOO_MANY_RECORDS: more than one transaction should hold.
 */
MUST_CHECK enum status person_erase(struct tx *tx, const Lead *lead, struct person_counts *counts);

/* Erases the activities of the deal that name no lead: nothing but the deal leads to them. Adds to
 * *n. EXHAUSTED as above. */
MUST_CHECK enum status person_erase_notes(struct tx *tx, const Deal *deal, uint64_t *n);

/* Records that hang on the lead: itself, its activities, its deals. */
MUST_CHECK enum status person_count(struct tx *tx, const Lead *lead, struct person_counts *out);

#endif
