/*
 * lead_start: what a lead's score starts from, as a message that can be stored, and back. Nothing
 * else reaches a score, so the same message gives the same score.
 */
#ifndef WORKFLOW_LEAD_START_H
#define WORKFLOW_LEAD_START_H

#include "domain/score.h"
#include "internal/v1/lead_score.h"

/* The message of *in; it borrows the lead, the policy and texts. anchor and insight are the
 * caller's. EXHAUSTED: the arena is full, *out is NULL. */
MUST_CHECK enum status lead_start_of(struct arena *a, const struct score_input *in,
                                     LeadScoreStart **out);

/* The input of the message, which it borrows. rules_sha256 is the caller's. INVALID: the message
 * has no lead. EXHAUSTED. */
MUST_CHECK enum status lead_start_read(struct arena *a, const LeadScoreStart *start,
                                       struct score_input *out);

#endif
