/*
 * lead_past: what was known of a lead at an instant, as an input of score and features.
 *
 * Its activities (the newest LEAD_PAST_ACTIVITIES_MAX) and the other leads of its company, both as
 * of the instant; see domain/feature.h for what that means. The same for training and for scoring.
 */
#ifndef WORKFLOW_LEAD_PAST_H
#define WORKFLOW_LEAD_PAST_H

#include "domain/score.h"
#include "store/store.h"

enum {
    LEAD_PAST_ACTIVITIES_MAX = 5000, /* of one lead; more add nothing to a score */
    LEAD_PAST_ACCOUNT_MAX = 100,     /* leads of one company: more contacts change no score */
};

/* Reads, in a unit, what *lead needs as of an instant. *out borrows the lead; the rest lives in the
 * call's arena. policy and rules_sha256 are the caller's. */
MUST_CHECK enum status lead_past_read(struct tx *tx, const Lead *lead, int64_t as_of_us,
                                      struct score_input *out);

#endif
