/* Chains in hash buckets, each bucket with its own lock. Ids are hashed with a random key: clients
 * choose them. */
#include "intercept/running.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { N_BUCKETS = 1024 }; /* a power of two; calls at once are some thousands at most */

struct bucket {
    pthread_mutex_t lock; /* guards first and the links of its entries */
    struct running_entry *first;
};

struct running {
    uint64_t key[2];
    struct bucket buckets[N_BUCKETS];
};

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

static struct bucket *bucket_of(struct running *r, const struct running_entry *e)
{
    uint64_t half[2];

    memcpy(half, e->request_id.b, sizeof half);
    half[0] = mix(half[0] ^ r->key[0]);
    return &r->buckets[mix(half[1] ^ half[0] ^ r->key[1] ^ (uint64_t)e->tenant_id) &
                       (N_BUCKETS - 1)];
}

struct running *running_new(void)
{
    struct running *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    system_clock.random(&system_clock, r->key, sizeof r->key);
    for (int i = 0; i < N_BUCKETS; i++)
        pthread_mutex_init(&r->buckets[i].lock, NULL);
    return r;
}

void running_free(struct running *r)
{
    for (int i = 0; r && i < N_BUCKETS; i++) {
        assert(!r->buckets[i].first);
        pthread_mutex_destroy(&r->buckets[i].lock);
    }
    free(r);
}

static bool is_same(const struct running_entry *a, const struct running_entry *b)
{
    return a->tenant_id == b->tenant_id && a->method == b->method &&
           memcmp(&a->request_id, &b->request_id, sizeof a->request_id) == 0;
}

bool running_enter(struct running *r, struct running_entry *e)
{
    struct bucket *b = bucket_of(r, e);
    const struct running_entry *other;

    pthread_mutex_lock(&b->lock);
    for (other = b->first; other && !is_same(other, e); other = other->next)
        ;
    if (!other) {
        e->next = b->first;
        b->first = e;
    }
    pthread_mutex_unlock(&b->lock);
    return !other;
}

void running_leave(struct running *r, struct running_entry *e)
{
    struct bucket *b = bucket_of(r, e);
    struct running_entry **at = &b->first;

    pthread_mutex_lock(&b->lock);
    while (*at != e) {
        assert(*at);
        at = &(*at)->next;
    }
    *at = e->next;
    pthread_mutex_unlock(&b->lock);
}
