/* When to try again: one table of statuses and the arithmetic of full jitter. */
#include "client/retry.h"

#include <assert.h>
#include <stdbool.h>

#include "base/banned.h"

enum when { NEVER, ALWAYS, WHEN_ASKED };

static const enum when retry_when[SALES_UNAUTHENTICATED + 1] = {
    [SALES_UNAVAILABLE] = ALWAYS,            /* not there, restarting, draining */
    [SALES_RESOURCE_EXHAUSTED] = WHEN_ASKED, /* a quota may stay used up; admission says when */
    [SALES_ABORTED] = WHEN_ASKED,            /* a stale etag stays stale; a running twin ends */
};

static bool is_retryable(const struct retry_outcome *o)
{
    if (o->status <= SALES_OK || o->status > SALES_UNAUTHENTICATED)
        return false;
    switch (retry_when[o->status]) {
    case ALWAYS: return true;
    case WHEN_ASKED: return o->retry_after_ms > 0;
    case NEVER: return false;
    }
    return false;
}

/* first_ms * 2^(n_attempts - 1), at most most_ms. */
static int64_t bound_ms(const struct retry_policy *p, unsigned n_attempts)
{
    int64_t bound = p->first_ms;

    for (unsigned i = 1; i < n_attempts && bound < p->most_ms; i++)
        bound *= 2;
    return bound < p->most_ms ? bound : p->most_ms;
}

static int64_t jitter_ms(int64_t most, uint32_t random)
{
    return (int64_t)(((uint64_t)most + 1) * random >> 32);
}

int64_t retry_wait_ms(const struct retry_policy *p, const struct retry_outcome *o, uint32_t random)
{
    int64_t wait;

    assert(p->first_ms > 0 && p->most_ms >= p->first_ms && p->most_ms <= INT32_MAX);
    assert(o->n_attempts >= 1);
    if (!is_retryable(o) || o->n_attempts >= p->max_attempts)
        return -1;
    wait = o->retry_after_ms > 0 ? o->retry_after_ms + jitter_ms(p->first_ms, random)
                                 : jitter_ms(bound_ms(p, o->n_attempts), random);
    return wait < o->left_ms ? wait : -1;
}
