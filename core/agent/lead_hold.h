/*
 * lead_hold: what a legal hold keeps of a lead: its personal fields, as they are.
 *
 * Erasure and retention pass a held lead by (agent/person.h). A change that would overwrite or
 * empty one of its personal fields is refused; filling one that is empty is not, nor is a change of
 * any other field: a hold keeps evidence, it does not stop the work.
 */
#ifndef AGENT_LEAD_HOLD_H
#define AGENT_LEAD_HOLD_H

#include "base/call.h"
#include "sales/v1/lead.h"

/* The fields that are marked sensitive in the contract. */
#define LEAD_HOLD_LIST(X)                                                                          \
    X(given_name)                                                                                  \
    X(family_name)                                                                                 \
    X(full_name)                                                                                   \
    X(email)                                                                                       \
    X(other_emails)                                                                                \
    X(phone)                                                                                       \
    X(other_phones)                                                                                \
    X(job_title)                                                                                   \
    X(city)                                                                                        \
    X(attributes)

enum {
#define X(name) LEAD_HOLD_##name,
    LEAD_HOLD_LIST(X)
#undef X
        LEAD_HOLD_FIELDS
};

/* The personal fields of a lead before a change. */
struct lead_hold {
    bool is_held;
    str fields[LEAD_HOLD_FIELDS]; /* packed, in the call's arena; empty: not set */
};

/* Before the change. EXHAUSTED. */
MUST_CHECK enum status lead_hold_note(struct call *c, const Lead *lead, struct lead_hold *out);

/* After it, before it is stored. PRECONDITION LEGAL_HOLD: names each field. EXHAUSTED. */
MUST_CHECK enum status lead_hold_check(struct call *c, const struct lead_hold *before,
                                       const Lead *after);

/* Whether a merge of `draft` would overwrite: fields that it does not set stay. As above. */
MUST_CHECK enum status lead_hold_check_merge(struct call *c, const Lead *known, const Lead *draft);

#endif
