/*
 * budget: what a call of a model may cost at most, and did cost, against the tenant's limits.
 *
 * The store is the only authority (store/spend.h): all servers share it, and no cache that is lost
 * can let anybody spend twice. Money is whole millionths of a US dollar, rounded up.
 */
#ifndef AI_BUDGET_H
#define AI_BUDGET_H

#include "ai/provider.h"
#include "sales/v1/policy.h"
#include "store/spend.h"

enum {
    BUDGET_PRICES_MAX = 16,
    BUDGET_LEASE_MS = 10 * 60 * 1000, /* of a hold: longer than any call with its repair */
    BUDGET_SETTLE_MS = 1000,          /* settling may take as long beyond the caller's deadline */
};

/* Millionths of a US dollar per million tokens, as configured. */
struct ai_price {
    char model[AI_MODEL_BYTES + 1];
    int64_t input, output, cache_read, cache_write;
};

/*
 * Reads "MODEL=IN/OUT[/READ/WRITE], ..." in US dollars per million tokens, at most six decimals:
 * "claude-haiku-5-5=0.10/0.50". READ and WRITE default to a tenth and to twice of IN.
 *
 *   out   [BUDGET_PRICES_MAX]
 *
 * INVALID, AI_PRICES.
 */
MUST_CHECK enum status budget_prices_read(struct call *c, const char *text, struct ai_price *out,
                                          size_t *n_out);

/* The price of a model; NULL: it has none, and so may not be asked. */
const struct ai_price *budget_price(const struct ai_price *prices, size_t n, const char *model);

/* The most that one attempt can cost: no tokenizer makes more tokens than there are bytes, all of
 * them new to the provider's cache, and the longest answer. */
int64_t budget_worst_micro(const struct ai_price *p, size_t request_bytes, int32_t max_tokens);

/* What an answered attempt did cost. */
int64_t budget_cost_micro(const struct ai_price *p, const struct ai_usage *u);

struct budget_ask {
    const AiPolicy *policy; /* NULL: no budget, as 0 */
    str user;               /* "": the server itself, without a limit of its own */
    str workflow;           /* run; "": none */
    int64_t workflow_limit_micro;
    int64_t amount_micro;
    int64_t lease_ms; /* 0: BUDGET_LEASE_MS */
};

/* The hold that budget_hold makes, for a unit that does more: tx_spend_hold. */
struct spend_hold budget_hold_of(const struct call *c, const struct budget_ask *ask);

/* Holds the amount; budget_settle must follow. EXHAUSTED, AI_BUDGET: it does not fit, also after
 * holds that have run out were given back. */
MUST_CHECK enum status budget_hold(struct store *s, struct call *c, const struct budget_ask *ask,
                                   struct spend_hold *out);

/* Ends the hold: actual_micro (0: nothing was sent) is spent. Runs also when the call is cancelled
 * or out of time, BUDGET_SETTLE_MS at most; its failure is the caller's to log: the hold then stays
 * until it runs out. The call's fault is left alone. */
MUST_CHECK enum status budget_settle(struct store *s, struct call *c, const struct spend_hold *hold,
                                     int64_t actual_micro);

#endif
