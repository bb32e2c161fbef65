/* Open addressing; a slot is claimed once by a compare-and-swap of its owner and never moves. */
#include "intercept/tenant_rate.h"

#include <assert.h>
#include <stdlib.h>

struct slot {
    _Atomic int64_t tenant_id; /* 0: free */
    struct bucket bucket;
};

struct tenant_rate {
    struct bucket_rate rate;
    struct slot slots[TENANT_RATE_SLOTS];
};

struct tenant_rate *tenant_rate_new(struct bucket_rate rate)
{
    struct tenant_rate *t = calloc(1, sizeof *t);

    if (t)
        t->rate = rate;
    return t;
}

void tenant_rate_free(struct tenant_rate *t)
{
    free(t);
}

static bool owns(struct slot *s, int64_t tenant_id)
{
    int64_t owner = atomic_load_explicit(&s->tenant_id, memory_order_relaxed);

    if (owner == 0 && atomic_compare_exchange_strong(&s->tenant_id, &owner, tenant_id))
        return true;
    return owner == tenant_id;
}

int64_t tenant_rate_take(struct tenant_rate *t, int64_t tenant_id, int64_t now_ns)
{
    uint64_t hash = (uint64_t)tenant_id * UINT64_C(0x9E3779B97F4A7C15);
    struct slot *s = NULL;

    assert(tenant_id > 0);
    for (uint64_t i = 0; i < TENANT_RATE_PROBES; i++) {
        s = &t->slots[((hash >> 40) + i) % TENANT_RATE_SLOTS];
        if (owns(s, tenant_id))
            break;
    }
    return bucket_take(&s->bucket, t->rate, now_ns);
}
