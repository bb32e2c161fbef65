/*
 * replay: a decision computed again, from what it was taken from, by the rules and the model it
 * names.
 *
 * What a kind needs is one row of the table in replay.c. A replay takes nothing from the records of
 * today, from the clock or from an AI provider: answers of AI are those that the decision holds.
 */
#ifndef WORKFLOW_REPLAY_H
#define WORKFLOW_REPLAY_H

#include "agent/context.h"
#include "sales/v1/sales_agent.h"
#include "store/record_types.h"

/*
 * Computes the answer of a decision again.
 *
 *   out   the same kind of message as the stored answer, in the call's arena
 *
 * PRECONDITION: it cannot be computed by this build (REPLAY_RULES: other rules; REPLAY_MODEL: the
 * model is gone).
 */
typedef enum status (*replay_fn)(struct call *c, struct agents *a, const DecisionRecord *record,
                                 ProtobufCMessage **out);

/* NOT_FOUND. PRECONDITION: REPLAY_NONE: nothing was kept to start from, or the kind is not
 * replayed; and as replay_fn. That the answers differ is no failure. */
MUST_CHECK enum status replay_run(struct call *c, struct agents *a, const ReplayDecisionRequest *in,
                                  ReplayDecisionResponse *out);

#endif
