/* lead_match: is this lead on record already, and why we think so. */
#ifndef AGENT_LEAD_MATCH_H
#define AGENT_LEAD_MATCH_H

#include "sales/v1/lead.h"
#include "store/store.h"

/* How sure a match by each key is, 0 to 1: an id is given by a system, a mailbox has one owner, a
 * telephone may be a switchboard. */
double lead_match_confidence(MatchReason reason);

/* What is compared: keys of one lead, empty where it has none. */
struct lead_keys {
    str external_id;
    str email; /* mailbox key of the primary address */
    str phone; /* E.164 without extension */
};

/* Keys of a cleaned lead. .email.p is NULL when the arena is full and there was an address. */
struct lead_keys lead_keys_of(struct arena *a, const Lead *lead);

/*
 * Looks for a lead with one of the keys, in the order external id, e-mail, telephone.
 *
 *   out         the lead on record, NULL when there is none
 *   reason_out  the key that matched
 */
MUST_CHECK enum status lead_match(struct tx *tx, const struct lead_keys *keys, Lead **out,
                                  MatchReason *reason_out);

/* A key that leads are compared by. */
enum { LEAD_MATCH_KEYS = 3 };

struct lead_match_key {
    MatchReason reason;
    enum record_column column;
    size_t offset; /* of its str in struct lead_keys */
    double confidence;
};

/* The keys, the surest first. */
extern const struct lead_match_key lead_match_keys[LEAD_MATCH_KEYS];

static inline str lead_key(const struct lead_keys *keys, const struct lead_match_key *k)
{
    return *(const str *)((const char *)keys + k->offset);
}

#endif
