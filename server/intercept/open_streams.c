/* Chains in hash buckets under one lock: streams open and end rarely, as calls go. */
#include "intercept/open_streams.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum { N_BUCKETS = 256 }; /* a power of two; tenants are numbered one after the other */

struct tenant_streams {
    int64_t tenant_id, n;
    struct tenant_streams *next;
};

struct open_streams {
    int64_t most;
    pthread_mutex_t lock; /* guards all that follows */
    struct tenant_streams *buckets[N_BUCKETS];
};

struct open_streams *open_streams_new(int64_t most)
{
    struct open_streams *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->most = most;
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void open_streams_free(struct open_streams *s)
{
    for (int i = 0; s && i < N_BUCKETS; i++)
        assert(!s->buckets[i]);
    if (s)
        pthread_mutex_destroy(&s->lock);
    free(s);
}

/* Where the tenant is, or where it would be linked in. */
static struct tenant_streams **link_of(struct open_streams *s, int64_t tenant_id)
{
    struct tenant_streams **at = &s->buckets[(uint64_t)tenant_id & (N_BUCKETS - 1)];

    while (*at && (*at)->tenant_id != tenant_id)
        at = &(*at)->next;
    return at;
}

struct tenant_streams *open_streams_enter(struct open_streams *s, int64_t tenant_id)
{
    struct tenant_streams **at, *t;

    pthread_mutex_lock(&s->lock);
    at = link_of(s, tenant_id);
    if (!*at && (*at = calloc(1, sizeof **at)) != NULL)
        (*at)->tenant_id = tenant_id;
    t = *at && (*at)->n < s->most ? *at : NULL;
    if (t)
        t->n++;
    pthread_mutex_unlock(&s->lock);
    return t;
}

void open_streams_leave(struct open_streams *s, struct tenant_streams *t)
{
    pthread_mutex_lock(&s->lock);
    assert(t->n > 0);
    if (--t->n == 0) {
        struct tenant_streams **at = link_of(s, t->tenant_id);

        assert(*at == t);
        *at = t->next;
        free(t);
    }
    pthread_mutex_unlock(&s->lock);
}
