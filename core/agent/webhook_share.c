/* A handful of places under a lock; what is known is one byte per webhook, without. */
#include "agent/webhook_share.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { KNOWN = 4096 }; /* a power of two; a server's tenants have hundreds */

enum { IS_UNKNOWN, IS_QUICK, IS_SLOW };

static const struct {
    size_t at_once, of_tenant;
} limits[] = {
    [WEBHOOK_QUICK] = {WEBHOOK_PLACES, 5},
    [WEBHOOK_NEW] = {5, 4},
    [WEBHOOK_SLOW] = {2, 1},
};

struct place {
    int64_t tenant_id;
    enum webhook_class class;
};

struct webhook_share {
    pthread_mutex_t lock;
    struct place places[WEBHOOK_PLACES];
    size_t n_places; /* taken ones */
    atomic_uchar known[KNOWN];
};

struct webhook_share *webhook_share_new(void)
{
    struct webhook_share *s = calloc(1, sizeof *s);

    if (s)
        pthread_mutex_init(&s->lock, NULL);
    return s;
}

void webhook_share_free(struct webhook_share *s)
{
    if (!s)
        return;
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* The last bits of a version 7 id are random. */
static atomic_uchar *known(struct webhook_share *s, struct uuid webhook)
{
    return &s->known[(webhook.b[14] << 8 | webhook.b[15]) % KNOWN];
}

enum webhook_class webhook_share_class(struct webhook_share *s, struct uuid webhook)
{
    switch (atomic_load_explicit(known(s, webhook), memory_order_relaxed)) {
    case IS_QUICK: return WEBHOOK_QUICK;
    case IS_SLOW: return WEBHOOK_SLOW;
    default: return WEBHOOK_NEW;
    }
}

void webhook_share_learn(struct webhook_share *s, struct uuid webhook, int64_t took_ns)
{
    bool is_slow = took_ns > (int64_t)WEBHOOK_SLOW_MS * 1000000;

    atomic_store_explicit(known(s, webhook), is_slow ? IS_SLOW : IS_QUICK, memory_order_relaxed);
}

/* Is there room in one class, with what is slower? */
static bool has_room(const struct webhook_share *s, int64_t tenant_id, enum webhook_class class)
{
    size_t n = 0, n_tenant = 0;

    for (size_t i = 0; i < s->n_places; i++) {
        if (s->places[i].class < class)
            continue;
        n++;
        n_tenant += s->places[i].tenant_id == tenant_id;
    }
    return n < limits[class].at_once && n_tenant < limits[class].of_tenant;
}

bool webhook_share_take(struct webhook_share *s, int64_t tenant_id, enum webhook_class class)
{
    bool may = true;

    pthread_mutex_lock(&s->lock);
    for (unsigned k = WEBHOOK_QUICK; k <= class; k++)
        may = may && has_room(s, tenant_id, (enum webhook_class)k);
    if (may)
        s->places[s->n_places++] = (struct place){tenant_id, class};
    pthread_mutex_unlock(&s->lock);
    return may;
}

void webhook_share_give(struct webhook_share *s, int64_t tenant_id, enum webhook_class class)
{
    size_t i = 0;

    pthread_mutex_lock(&s->lock);
    while (i < s->n_places && (s->places[i].tenant_id != tenant_id || s->places[i].class != class))
        i++;
    assert(i < s->n_places);
    s->places[i] = s->places[--s->n_places];
    pthread_mutex_unlock(&s->lock);
}
