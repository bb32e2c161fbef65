/*
 * lead_decision: a lead's score in the ledger (agent/decision.h), and computed again from there.
 *
 * The decision holds the vector of features as inputs, the answer, what AI was asked and said, and
 * a LeadScoreStart from which lead_score.h gives the same answer, byte for byte.
 */
#ifndef WORKFLOW_LEAD_DECISION_H
#define WORKFLOW_LEAD_DECISION_H

#include "agent/decision.h"
#include "workflow/lead_score.h"

struct lead_decision {
    const struct lead_scored *scored; /* its score names the decision's id */
    LeadScoreStart *start;            /* what it was computed from */
    AiCall **calls;                   /* [n_calls] */
    size_t n_calls;
    int64_t began_ns; /* call_monotonic_ns when the computation began */
};

/* Stores it as *d, which decision_new has made in this unit. Before the lead is changed: the start
 * borrows it. Failures of decision_put. */
MUST_CHECK enum status lead_decision_put(struct tx *tx, const struct lead_decision *k, Decision *d);

/* The replay_fn of DECISION_KIND_LEAD_SCORE. */
MUST_CHECK enum status lead_decision_replay(struct call *c, struct agents *a,
                                            const DecisionRecord *record, ProtobufCMessage **out);

#endif
