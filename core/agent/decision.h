/*
 * decision: the ledger of what was decided, from what, by which rules, models and prompts.
 *
 * A decision is written in the unit that acts on it and never changed. It holds the inputs as they
 * were used, so that it can be read and computed again when the records have moved on. Erasing the
 * person it is about erases it; policy says how long the others are kept (DATA_CLASS_DECISION).
 *
 *     struct decision_draft d = {.decision = &decision, .answer = &score->base,
 *                                .replay = &inputs->base};
 *
 *     TRY(decision_new(c, a, &decision));        // id, actor, code version: the answer names the
 * id score->decision_id = decision.id;
 *     ...
 *     TRY(decision_put(tx, &d));                 // in the unit
 */
#ifndef AGENT_DECISION_H
#define AGENT_DECISION_H

#include "agent/context.h"
#include "sales/v1/decision.h"
#include "sales/v1/sales_agent.h"
#include "store/record_types.h"

enum { DECISION_PART_BYTES = 1 << 20 }; /* of the packed answer and of what a replay starts from */

/* A decision of kind, of now, with a new id, the actor and the code's version. The rest is the
 * caller's. A unit that runs twice calls it in each run. */
MUST_CHECK enum status decision_new(struct call *c, const struct agents *a, DecisionKind kind,
                                    Decision *out);

struct decision_draft {
    Decision *decision; /* of decision_new; output, output_type, output_sha256 are set here */
    const ProtobufCMessage *answer; /* what the caller is told */
    const ProtobufCMessage *replay; /* what a replay starts from; NULL: it cannot be replayed */
};

/* Stores it. EXHAUSTED, DECISION_SIZE: the answer or the replay is over DECISION_PART_BYTES. DENIED
 * as store/reach.h says: a decision is as its lead or deal. */
MUST_CHECK enum status decision_put(struct tx *tx, const struct decision_draft *draft);

/* The record with this id. NOT_FOUND: also what is out of the caller's reach. */
MUST_CHECK enum status decision_read(struct call *c, struct agents *a, const char *id,
                                     DecisionRecord **out);

MUST_CHECK enum status decision_explain(struct call *c, struct agents *a,
                                        const ExplainDecisionRequest *in,
                                        ExplainDecisionResponse *out);

/* SHA-256 as 64 lower-case hex digits, in the arena; NULL: no room. */
char *decision_sha256(struct arena *a, str bytes);

#endif
