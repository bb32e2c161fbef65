/* guarded_send: asking, with the budget held around each call, and one repair; private to
 * guarded_call. */
#ifndef AI_GUARDED_SEND_H
#define AI_GUARDED_SEND_H

#include "ai/guarded_call.h"
#include "obs/metrics.h"

struct guard {
    struct guard_options o;
    struct ai_price prices[BUDGET_PRICES_MAX];
    struct series ended[AI_TASKS][GUARD_ENDS], cost;
};

/* One question on its way. */
struct guarding {
    struct guard *guard;
    struct call *call;
    const struct guard_ask *ask;
    const struct prompt *prompt;
    const struct ai_price *price; /* of the model that is asked */
    int64_t began_ns;
    struct redaction redaction;
    struct prompt_filled filled;
    struct schema_answer answer; /* .json.p NULL: none yet */
    AiCall **calls; /* [n_calls <= GUARD_CALLS_MAX + 1]: the last may be the local one */
    size_t n_calls;
};

/* Asks up to twice; k->answer is set when *end stays ANSWERED or becomes REPAIRED. A refusal, a
 * failure or a lack of money or time is an *end, not a failure. */
MUST_CHECK enum status guarded_send(struct guarding *k, enum guard_end *end);

/* The question as it is sent, with the message in *m; borrows from k. EXHAUSTED. */
MUST_CHECK enum status guarded_request(struct guarding *k, struct ai_message *m,
                                       struct ai_request *out);

/* The most bytes that it has as JSON. */
size_t guarded_bytes(const struct ai_request *q);

/* The steps before anybody is asked: *end stays ANSWERED, or says why nobody is. k->prompt, .ask,
 * .guard and .call are set; redact_end must follow. */
MUST_CHECK enum status guarded_prepare(struct guarding *k, enum guard_end *end,
                                       struct ai_cache_key *question);

/* A new entry of the ledger; NULL: no memory. */
AiCall *guarded_entry(struct guarding *k);

/* Fills the newest entry. */
MUST_CHECK enum status guarded_note(struct guarding *k, const struct ai_response *r,
                                    int64_t cost_micro);

#endif
