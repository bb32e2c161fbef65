/*
 * guarded_call: the only way to a language model. Everything that has to be so around a call is
 * here, in this order:
 *
 *     may it        the tenant's switches, the mode (compliance.def), the caller's insight mode
 *     what of it    redaction of every text, then the prompt
 *     known         the cache; an answer from it costs nothing
 *     affordable    the worst case held against month, user's day and workflow
 *     asked         within the time, also of the retries
 *     believed      schema and ranges; one more call that names what was wrong
 *     settled       what it did cost, whatever became of it
 *
 * When any of it says no, the local provider answers at once: the caller always has an answer, and
 * `quality` and `why` say which. What a model says is a proposal: texts, and for a lead an
 * adjustment within the tenant's bound. Nothing here changes a record.
 */
#ifndef AI_GUARDED_CALL_H
#define AI_GUARDED_CALL_H

#include "ai/budget.h"
#include "ai/cache.h"
#include "ai/prompt.h"
#include "ai/redact.h"
#include "sales/v1/decision.h"

struct metrics;

enum {
    GUARD_CALLS_MAX = 2,          /* the call and its repair */
    GUARD_MARGIN_MS = 100,        /* of the caller's time, kept for what follows the call */
    GUARD_TIMEOUT_MS = 10000,     /* of a question that says none */
    GUARD_ADJUSTMENT_POINTS = 10, /* AiPolicy.max_adjustment_points 0 */
    GUARD_MODELS_MAX = AI_TASKS,
};

/* clang-format off */
/* What became of a question. The FULL ones are as good as it gets: a model answered, or nothing but
 * the local provider was asked for. After all others the answer is degraded.
 *    id           name                quality    what happened */
#define GUARD_END_LIST(X)                                                                          \
    X(ANSWERED,    "answered",         FULL,      "the model answered")                            \
    X(CACHED,      "cached",           FULL,      "the model answered this before")                \
    X(REPAIRED,    "repaired",         FULL,      "the model answered at the second attempt")      \
    X(BATCHED,     "batched",          FULL,      "the model answered in a batch")                 \
    X(OFF,         "off",              FULL,      "the caller or the tenant wants no model")       \
    X(COMPLIANCE,  "compliance",       FULL,      "no text may leave the server")                  \
    X(UNCONFIGURED, "unconfigured",    FULL,      "no model is configured for it")                 \
    X(UNFUNDED,    "unfunded",         FULL,      "the tenant gives no budget")                    \
    X(TEXT,        "text",             DEGRADED,  "a text could not be searched for personal data") \
    X(BUDGET,      "budget",           DEGRADED,  "the budget does not cover it")                  \
    X(STORE,       "store",            DEGRADED,  "the budget could not be asked")                 \
    X(TIME,        "time",             DEGRADED,  "no time was left for it")                       \
    X(FAILED,      "failed",           DEGRADED,  "the provider failed")                           \
    X(REFUSED,     "refused",          DEGRADED,  "the model refused")                             \
    X(STALE,       "stale",            DEGRADED,  "the facts have changed since it was asked")     \
    X(INVALID,     "invalid",          DEGRADED,  "the answer broke its schema, twice")
/* clang-format on */

enum guard_end {
#define X(id, name, quality, text) GUARD_##id,
    GUARD_END_LIST(X)
#undef X
        GUARD_ENDS
};

const char *guard_end_name(enum guard_end e);
const char *guard_end_text(enum guard_end e);

enum guard_purpose { GUARD_SCORING, GUARD_DRAFTING, GUARD_COACHING, GUARD_FORECAST };

struct guard; /* one per process; immutable, thread-safe */

/* All borrowed for the life of the guard, but prices, which are copied. */
struct guard_options {
    struct ai_provider *external; /* NULL: none; every answer is local */
    const struct prompts *prompts;
    const struct redactor *redactor;
    struct store *store;           /* of the budgets */
    struct ai_cache *cache;        /* NULL: none */
    struct metrics *metrics;       /* NULL: nothing is counted */
    const char *models[AI_TASKS];  /* by task; NULL or "": the task is answered locally */
    const struct ai_price *prices; /* [n_prices]; a model without a price is not asked */
    size_t n_prices;
};

MUST_CHECK enum status guard_open(struct call *c, const struct guard_options *o,
                                  struct guard **out);
void guard_close(struct guard *g); /* NULL is allowed */

/* An answer that came in a batch, for the question that it answers: guarded_batch.h. */
struct guard_given {
    struct ai_cache_key question;
    const struct ai_response *response; /* NULL, or with an error: there is no answer */
    int64_t cost_micro;                 /* settled by whoever made the batch */
};

struct guard_ask {
    enum ai_task task;
    enum guard_purpose purpose;
    InsightMode mode;              /* OFF: the local provider; else as the policy says */
    const TenantPolicy *policy;    /* of the call's tenant */
    const struct ai_input *inputs; /* [n_inputs] the slots of the task's prompt, as the record has
                                      them: they are redacted here */
    size_t n_inputs;
    const str *names; /* [n_names] people that the record knows, to be redacted */
    size_t n_names;
    str workflow;                    /* "": none */
    int64_t workflow_limit_micro;    /* of one run */
    int64_t timeout_ms;              /* 0: GUARD_TIMEOUT_MS; the call's deadline counts too */
    const struct guard_given *given; /* NULL: ask. Else nobody is asked: this is the answer, when it
                                        is to the same question, and else the local provider's */
};

struct guard_answer {
    enum guard_end end;
    AnswerQuality quality;
    struct schema_answer fields; /* for the user: personal data is in it again */
    int32_t adjustment;          /* lead.insight: points, within the policy's bound; else 0 */
    const char *prompt_id, *prompt_sha256; /* of the prompts; they live as long as those */
    int32_t prompt_version;
    AiCall **calls; /* [n_calls <= GUARD_CALLS_MAX + 1] for the ledger: redacted, in the order made;
                       the local provider's, if it answered, is the last, without its texts */
    size_t n_calls;
};

/*
 * Asks, and always answers, in c->arena. Returns within the call's deadline, but for at most
 * BUDGET_SETTLE_MS in which a cost is written down.
 *
 * INVALID, AI_SLOT: the inputs do not fit the prompt. EXHAUSTED: the arena. CANCELLED, DEADLINE:
 * the caller has gone, or its time was over before we began; there is no answer then.
 */
MUST_CHECK enum status guarded_call(struct guard *g, struct call *c, const struct guard_ask *ask,
                                    struct guard_answer *out);

/* The most points by which this policy lets an adjustment move a score. */
int32_t guard_adjustment_max(const TenantPolicy *policy);

#endif
