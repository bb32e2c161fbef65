/* Open addressing; a slot is claimed once by a compare-and-swap of its owner and never moves. */
#include "intercept/tenant_rate.h"

#include <assert.h>
#include <stdlib.h>

#include "intercept/rate_share.h"
#include "obs/bucket.h"

enum { NS_PER_US = 1000, LEASES_PER_S = 1000 / RATE_LEASE_MS };

static const struct {
    const char *text;
    int percent;
} classes[RATE_CLASSES] = {
#define X(class, text, percent) {text, percent},
    RATE_CLASS_LIST(X)
#undef X
};

struct slot {
    _Atomic int64_t tenant_id; /* 0: free */
    struct bucket bucket[RATE_CLASSES];
    _Atomic int64_t leased[RATE_CLASSES];          /* tokens of Redis, paid for and not used yet */
    _Atomic int64_t closed_until_ns[RATE_CLASSES]; /* when the next token comes, once refused */
    _Atomic int64_t closed_rate[RATE_CLASSES];     /* the limit that refused */
};

struct tenant_rate {
    int64_t calls_per_second, burst;
    struct rate_share *share; /* NULL: none */
    struct slot slots[TENANT_RATE_SLOTS];
};

enum rate_class rate_class_of(const struct method *m)
{
    return m->shape != METHOD_UNARY ? RATE_STREAM : m->mutating ? RATE_WRITE : RATE_READ;
}

const char *rate_class_text(enum rate_class class)
{
    return classes[class].text;
}

struct tenant_rate *tenant_rate_new(struct call *c, const struct tenant_rate_options *o)
{
    struct tenant_rate *t = calloc(1, sizeof *t);

    assert(o->calls_per_second > 0 && o->burst > 0);
    if (!t) {
        (void)call_nomem(c);
        return NULL;
    }
    t->calls_per_second = o->calls_per_second;
    t->burst = o->burst;
    if (o->redis_url && o->redis_url[0] &&
        rate_share_open(c, &(struct secret_source){o->redis_url, o->redis_url_path}, RATE_REDIS_MS,
                        &t->share) != STATUS_OK) {
        free(t);
        return NULL;
    }
    return t;
}

void tenant_rate_free(struct tenant_rate *t)
{
    if (!t)
        return;
    rate_share_close(t->share);
    free(t);
}

static bool owns(struct slot *s, int64_t tenant_id)
{
    int64_t owner = atomic_load_explicit(&s->tenant_id, memory_order_relaxed);

    if (owner == 0 && atomic_compare_exchange_strong(&s->tenant_id, &owner, tenant_id))
        return true;
    return owner == tenant_id;
}

static struct slot *slot_of(struct tenant_rate *t, int64_t tenant_id)
{
    uint64_t hash = (uint64_t)tenant_id * UINT64_C(0x9E3779B97F4A7C15);
    struct slot *s = NULL;

    for (uint64_t i = 0; i < TENANT_RATE_PROBES; i++) {
        s = &t->slots[((hash >> 40) + i) % TENANT_RATE_SLOTS];
        if (owns(s, tenant_id))
            break;
    }
    return s;
}

static int64_t at_least_one(int64_t n)
{
    return n > 0 ? n : 1;
}

/* Tokens paid for are used first; more cost a round trip. False: Redis does not answer. */
static bool take_shared(struct tenant_rate *t, struct call *c, struct rate_lease *l,
                        _Atomic int64_t *leased)
{
    int64_t left = atomic_load_explicit(leased, memory_order_relaxed);

    while (left > 0)
        if (atomic_compare_exchange_weak_explicit(leased, &left, left - 1, memory_order_relaxed,
                                                  memory_order_relaxed)) {
            l->granted = 1;
            return true;
        }
    if (!rate_share_lease(t->share, c, l))
        return false;
    if (l->granted > 1)
        atomic_fetch_add_explicit(leased, l->granted - 1, memory_order_relaxed);
    return true;
}

struct rate_answer tenant_rate_take(struct tenant_rate *t, struct call *c,
                                    const struct rate_ask *ask)
{
    struct slot *s = slot_of(t, ask->tenant_id);
    int64_t whole = ask->calls_per_second ? ask->calls_per_second : t->calls_per_second;
    int64_t rate = at_least_one(whole * classes[ask->class].percent / 100);
    int64_t burst = at_least_one(rate * t->burst / t->calls_per_second);
    struct rate_lease l = {.tenant_id = ask->tenant_id,
                           .class = classes[ask->class].text,
                           .calls_per_second = rate,
                           .burst = burst,
                           .want = at_least_one(rate / LEASES_PER_S)};
    struct rate_answer out = {.calls_per_second = rate};

    assert(ask->tenant_id > 0 && ask->calls_per_second >= 0);
    if (t->share && take_shared(t, c, &l, &s->leased[ask->class]))
        out.wait_ns = l.granted ? 0 : at_least_one(l.wait_us * NS_PER_US);
    else
        out.wait_ns =
            bucket_take(&s->bucket[ask->class], bucket_rate_of(rate, burst), call_monotonic_ns(c));
    if (out.wait_ns) {
        atomic_store_explicit(&s->closed_rate[ask->class], rate, memory_order_relaxed);
        atomic_store_explicit(&s->closed_until_ns[ask->class], call_monotonic_ns(c) + out.wait_ns,
                              memory_order_relaxed);
    }
    return out;
}

struct rate_answer tenant_rate_closed(struct tenant_rate *t, int64_t tenant_id,
                                      enum rate_class class, int64_t now_ns)
{
    struct slot *s = slot_of(t, tenant_id);
    int64_t until = atomic_load_explicit(&s->closed_until_ns[class], memory_order_relaxed);

    return (struct rate_answer){
        .wait_ns = until > now_ns ? until - now_ns : 0,
        .calls_per_second = atomic_load_explicit(&s->closed_rate[class], memory_order_relaxed)};
}
