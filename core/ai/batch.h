/*
 * batch: many questions at once, answered within a day for half the price: for what can wait, such
 * as scoring all leads again at night. Not every provider has them (ai_provider.batch).
 *
 * The caller stores the id that create gives before it does anything else: nothing else leads back
 * to a batch that is paid for. All of it is for worker threads: requests are sent and awaited.
 */
#ifndef AI_BATCH_H
#define AI_BATCH_H

#include "ai/provider.h"

enum {
    AI_BATCH_ITEMS_MAX = 10000,    /* the service takes 100,000; memory says less */
    AI_BATCH_BYTES_MAX = 16 << 20, /* of all requests; it takes 256 MB */
    AI_BATCH_KEY_BYTES = 64,       /* [a-zA-Z0-9_-]{1,64} */
    AI_BATCH_LINE_BYTES = 2 << 20, /* of one result */
    AI_BATCH_TIMEOUT_MS = 60000,   /* of one request about a batch */
    AI_BATCH_RESULTS_MS = 600000,  /* of reading all results */
};

struct ai_batch_item {
    const char *key;           /* the caller's, unique within the batch */
    struct ai_request request; /* timeout and delivery do not count */
};

enum ai_batch_state { AI_BATCH_RUNNING, AI_BATCH_CANCELLING, AI_BATCH_ENDED };

struct ai_batch_view {
    enum ai_batch_state state;
    /* 0 until it has ended */
    int64_t n_running, n_succeeded, n_errored, n_cancelled, n_expired;
};

/* What became of one item. */
enum ai_batch_outcome {
    AI_BATCH_SUCCEEDED,
    AI_BATCH_ERRORED,
    AI_BATCH_CANCELLED,
    AI_BATCH_EXPIRED
};

struct ai_batch_result {
    str key;
    enum ai_batch_outcome outcome;
    struct ai_response response; /* error: of an errored item, AI_ERROR_CANCELLED and _DEADLINE of
                                    the two below; received: the line; no times */
};

/* Borrowed until it returns. A failure ends the reading and is its result. */
typedef enum status (*ai_batch_take)(void *self, const struct ai_batch_result *r);

struct ai_batch_ops {
    enum status (*create)(struct ai_provider *p, struct call *c, const struct ai_batch_item *items,
                          size_t n, str *id_out);
    enum status (*look)(struct ai_provider *p, struct call *c, str id, struct ai_batch_view *out);
    enum status (*cancel)(struct ai_provider *p, struct call *c, str id, struct ai_batch_view *out);
    enum status (*results)(struct ai_provider *p, struct call *c, str id, ai_batch_take take,
                           void *self);
};

static inline bool ai_has_batches(const struct ai_provider *p)
{
    return p->batch != NULL;
}

/*
 * Starts a batch of n items, 1 to AI_BATCH_ITEMS_MAX. Sent once, never repeated by itself.
 *
 *   id_out   in the call's arena, [<= AI_ID_BYTES]
 *
 * INVALID: an item breaks a bound, or two have one key. Else as ai_send; after AI_CONNECTION,
 * AI_CUT and DEADLINE the batch may exist.
 */
MUST_CHECK enum status ai_batch_create(struct ai_provider *p, struct call *c,
                                       const struct ai_batch_item *items, size_t n, str *id_out);

/* How it is doing. UNAVAILABLE AI_MODEL: no such batch. */
MUST_CHECK enum status ai_batch_look(struct ai_provider *p, struct call *c, str id,
                                     struct ai_batch_view *out);

/* Asks the service to end it; some items may still be answered. */
MUST_CHECK enum status ai_batch_cancel(struct ai_provider *p, struct call *c, str id,
                                       struct ai_batch_view *out);

/* Reads the results of a batch that has ended, one by one, in the service's own order. A result may
 * be told again when the reading is repeated. UNAVAILABLE AI_ANSWER: a line is none. Connections
 * fail as http_send says. */
MUST_CHECK enum status ai_batch_results(struct ai_provider *p, struct call *c, str id,
                                        ai_batch_take take, void *self);

#endif
