/* Buckets by digest of the address. */
#include "intercept/strangers.h"

#include <assert.h>
#include <stdlib.h>

#include "intercept/lane.h"
#include "obs/bucket.h"

struct strangers {
    uint64_t seed;
    struct bucket buckets[STRANGER_SLOTS];
};

struct strangers *strangers_new(void)
{
    struct strangers *s = calloc(1, sizeof *s);

    static_assert((STRANGER_SLOTS & (STRANGER_SLOTS - 1)) == 0, "an index is cut from a digest");
    if (s)
        system_clock.random(&system_clock, &s->seed, sizeof s->seed);
    return s;
}

void strangers_free(struct strangers *s)
{
    free(s);
}

static struct bucket *bucket_of(struct strangers *s, str host)
{
    return &s->buckets[lane_digest(s->seed, host) >> 52 & (STRANGER_SLOTS - 1)];
}

static struct bucket_rate rate(void)
{
    return bucket_rate_of(STRANGER_FAILURES_S, STRANGER_BURST);
}

void strangers_note(struct strangers *s, str host, int64_t now_ns)
{
    (void)bucket_take(bucket_of(s, host), rate(), now_ns);
}

int64_t strangers_wait_ns(struct strangers *s, str host, int64_t now_ns)
{
    return bucket_wait(bucket_of(s, host), rate(), now_ns);
}
