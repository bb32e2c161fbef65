/*
 * bucket: a token bucket in one atomic word (the generic cell rate algorithm).
 *
 * The word holds the time at which the bucket would be full again; taking a token moves it one
 * interval further, and a token is refused once that time lies more than the burst ahead of now.
 * Thread-safe without a lock. A zeroed bucket is full.
 */
#ifndef OBS_BUCKET_H
#define OBS_BUCKET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct bucket {
    _Atomic int64_t full_at_ns;
};

struct bucket_rate {
    int64_t interval_ns; /* one token each; > 0 */
    int64_t burst;       /* tokens in a full bucket; > 0 */
};

/* per_second > 0 and <= 1e9. */
static inline struct bucket_rate bucket_rate_of(int64_t per_second, int64_t burst)
{
    return (struct bucket_rate){1000000000 / per_second, burst};
}

/* Takes a token: 0. None left: the nanoseconds until there is one, > 0, and nothing is taken. */
static inline int64_t bucket_take(struct bucket *b, struct bucket_rate rate, int64_t now_ns)
{
    int64_t full_at = atomic_load_explicit(&b->full_at_ns, memory_order_relaxed), from, excess;

    do {
        from = full_at > now_ns ? full_at : now_ns;
        excess = from - now_ns - (rate.burst - 1) * rate.interval_ns;
        if (excess > 0)
            return excess;
    } while (!atomic_compare_exchange_weak_explicit(&b->full_at_ns, &full_at,
                                                    from + rate.interval_ns, memory_order_relaxed,
                                                    memory_order_relaxed));
    return 0;
}

/* As bucket_take, and takes nothing. */
static inline int64_t bucket_wait(struct bucket *b, struct bucket_rate rate, int64_t now_ns)
{
    int64_t full_at = atomic_load_explicit(&b->full_at_ns, memory_order_relaxed);
    int64_t excess = full_at - now_ns - (rate.burst - 1) * rate.interval_ns;

    return excess > 0 ? excess : 0;
}

#endif
