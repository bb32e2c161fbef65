/* webhook_meter: what the operator sees of deliveries: results, latency, age. */
#ifndef AGENT_WEBHOOK_METER_H
#define AGENT_WEBHOOK_METER_H

#include "base/arena.h"
#include "obs/metrics.h"

/* What an attempt came to; the label of sales_webhook_attempts_total. */
#define WEBHOOK_RESULT_LIST(X)                                                                     \
    X(DELIVERED, "delivered")                                                                      \
    X(REJECTED, "rejected")     /* an answer that is not 2xx */                                    \
    X(OVERLOADED, "overloaded") /* 429, 502, 504 */                                                \
    X(GONE, "gone")             /* 410 */                                                          \
    X(TIMEOUT, "timeout")                                                                          \
    X(REFUSED, "refused")         /* by the guard of addresses: nothing was sent */                \
    X(UNREACHABLE, "unreachable") /* name, connection, TLS */                                      \
    X(SHED, "shed")               /* no attempt: no place for this address now */

enum webhook_result {
#define X(id, text) WEBHOOK_RESULT_##id,
    WEBHOOK_RESULT_LIST(X)
#undef X
        WEBHOOK_RESULTS
};

struct webhook_meter {
    struct series results[WEBHOOK_RESULTS];
    struct series seconds, wait, age;
    struct series given_up;
};

/* In the arena; NULL: no memory. Registers its series: at start-up. */
struct webhook_meter *webhook_meter_new(struct arena *a, struct metrics *metrics);

/* One attempt; m NULL: nobody counts.
 *
 *   took_ns   of the attempt
 *   wait_ns   since it was due */
void webhook_meter_attempt(const struct webhook_meter *m, enum webhook_result r, int64_t took_ns,
                           int64_t wait_ns);

/* A lane had to wait for a place. */
void webhook_meter_shed(const struct webhook_meter *m);

/* A delivery came to its end, `age_ns` after its event. */
void webhook_meter_end(const struct webhook_meter *m, bool is_delivered, int64_t age_ns);

#endif
