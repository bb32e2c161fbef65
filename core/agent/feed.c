/* Watchers in hash buckets by tenant, each bucket with its own lock. */
#include "agent/feed.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum { N_BUCKETS = 64 }; /* a power of two; tenants spread evenly by number */

struct bucket {
    pthread_mutex_t lock; /* guards first and the links of its watchers */
    struct feed_watcher *first;
};

struct feed {
    struct bucket buckets[N_BUCKETS];
};

static struct bucket *bucket_of(struct feed *f, int64_t tenant_id)
{
    return &f->buckets[(uint64_t)tenant_id & (N_BUCKETS - 1)];
}

struct feed *feed_new(void)
{
    struct feed *f = calloc(1, sizeof *f);

    for (int i = 0; f && i < N_BUCKETS; i++)
        pthread_mutex_init(&f->buckets[i].lock, NULL);
    return f;
}

void feed_free(struct feed *f)
{
    for (int i = 0; f && i < N_BUCKETS; i++) {
        assert(!f->buckets[i].first);
        pthread_mutex_destroy(&f->buckets[i].lock);
    }
    free(f);
}

void feed_join(struct feed *f, struct feed_watcher *w)
{
    struct bucket *b = bucket_of(f, w->tenant_id);

    pthread_mutex_lock(&b->lock);
    w->prev = NULL;
    w->next = b->first;
    if (b->first)
        b->first->prev = w;
    b->first = w;
    pthread_mutex_unlock(&b->lock);
}

void feed_leave(struct feed *f, struct feed_watcher *w)
{
    struct bucket *b = bucket_of(f, w->tenant_id);

    pthread_mutex_lock(&b->lock);
    if (w->prev)
        w->prev->next = w->next;
    else
        b->first = w->next;
    if (w->next)
        w->next->prev = w->prev;
    w->next = w->prev = NULL;
    pthread_mutex_unlock(&b->lock);
}

void feed_tell(struct feed *f, int64_t tenant_id)
{
    struct bucket *b = bucket_of(f, tenant_id);

    pthread_mutex_lock(&b->lock);
    for (struct feed_watcher *w = b->first; w; w = w->next)
        if (w->tenant_id == tenant_id)
            w->wake(w);
    pthread_mutex_unlock(&b->lock);
}
