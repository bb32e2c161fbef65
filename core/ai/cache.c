/* A hash table of entries that are also in a list by their last use. An entry without a value is
 * somebody's turn: it is in the table, not in the list, and others wait for it. Whoever has the
 * turn looks at the second level first, without the lock. */
#include "ai/cache.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "ai/cache_shared.h"
#include "base/banned.h"
#include "base/wait.h"
#include "store/seal.h"

enum { BUCKETS = 1 << 12, LOOK_MS = 50 };

struct entry {
    struct ai_cache_key key;
    struct entry *chain;         /* of its bucket */
    struct entry *older, *newer; /* in the list, when it has a value */
    char *value;                 /* owned; NULL: somebody asks */
    size_t n;
    int64_t until_ns;
};

struct ai_cache {
    size_t max_bytes;
    int64_t ttl_ns;
    struct cache_shared *shared; /* NULL: none */
    pthread_mutex_t lock;        /* guards the rest */
    pthread_cond_t ended;        /* of any turn */
    struct entry *buckets[BUCKETS];
    struct entry *oldest, *newest;
    size_t bytes, entries;
};

enum status ai_cache_key(struct call *c, const str *parts, size_t n, struct ai_cache_key *out)
{
    unsigned char *all = arena_take(&c->arena, n * CACHE_KEY_BYTES + 1);

    if (!all)
        return call_nomem(c);
    for (size_t i = 0; i < n; i++) /* digests have one length: no part can be taken for two */
        seal_sha256(parts[i], all + i * CACHE_KEY_BYTES);
    seal_sha256((str){(const char *)all, n * CACHE_KEY_BYTES}, out->b);
    return STATUS_OK;
}

enum status ai_cache_open(struct call *c, const struct ai_cache_options *o, struct ai_cache **out)
{
    struct ai_cache *k = calloc(1, sizeof *k);
    pthread_condattr_t attr;
    enum status s;

    *out = NULL;
    if (!k)
        return call_nomem(c);
    if ((s = cache_shared_open(c, o, &k->shared)) != STATUS_OK) {
        free(k);
        return s;
    }
    k->max_bytes = o->max_bytes ? o->max_bytes : CACHE_BYTES;
    k->ttl_ns = (o->ttl_ms ? o->ttl_ms : CACHE_TTL_MS) * INT64_C(1000000);
    pthread_mutex_init(&k->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&k->ended, &attr);
    pthread_condattr_destroy(&attr);
    *out = k;
    return STATUS_OK;
}

void ai_cache_close(struct ai_cache *k)
{
    if (!k)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct entry *e = k->buckets[i], *next; e; e = next) {
            next = e->chain;
            free(e->value);
            free(e);
        }
    cache_shared_close(k->shared);
    pthread_cond_destroy(&k->ended);
    pthread_mutex_destroy(&k->lock);
    free(k);
}

/* The place that points to the entry, or where it would be. */
static struct entry **place_of(struct ai_cache *k, const struct ai_cache_key *key)
{
    struct entry **p = &k->buckets[(key->b[0] | key->b[1] << 8) % BUCKETS];

    while (*p && memcmp((*p)->key.b, key->b, sizeof key->b) != 0)
        p = &(*p)->chain;
    return p;
}

static void list_take(struct ai_cache *k, struct entry *e)
{
    *(e->older ? &e->older->newer : &k->oldest) = e->newer;
    *(e->newer ? &e->newer->older : &k->newest) = e->older;
    e->older = e->newer = NULL;
}

static void list_put(struct ai_cache *k, struct entry *e)
{
    e->older = k->newest;
    *(k->newest ? &k->newest->newer : &k->oldest) = e;
    k->newest = e;
}

static void drop(struct ai_cache *k, struct entry *e)
{
    struct entry **p = place_of(k, &e->key);

    assert(*p == e);
    *p = e->chain;
    if (e->value)
        list_take(k, e);
    k->bytes -= e->n;
    k->entries--;
    free(e->value);
    free(e);
}

/* A turn for the key; NULL: no room. */
static struct entry *turn_new(struct ai_cache *k, const struct ai_cache_key *key)
{
    struct entry **p, *e;

    if (k->entries == CACHE_ENTRIES_MAX && k->oldest)
        drop(k, k->oldest);
    if (k->entries == CACHE_ENTRIES_MAX || !(e = calloc(1, sizeof *e)))
        return NULL;
    e->key = *key;
    p = place_of(k, key);
    *p = e;
    k->entries++;
    return e;
}

/* Waits a little for any turn to end; a call may be cancelled meanwhile. */
static void wait_some(struct ai_cache *k)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    (void)pthread_cond_timedwait(&k->ended, &k->lock, &until);
}

/* With the lock held. */
static enum status find(struct ai_cache *k, struct call *c, const struct ai_cache_key *key,
                        str *out)
{
    struct entry *e;

    while ((e = *place_of(k, key)) && !e->value) {
        TRY(call_check(c));
        wait_some(k);
    }
    if (e && e->until_ns <= call_monotonic_ns(c)) {
        drop(k, e);
        e = NULL;
    }
    if (!e)
        return turn_new(k, key)
                   ? STATUS_OK
                   : call_fail_as(c, STATUS_EXHAUSTED, "AI_BUSY", "too many AI calls wait");
    list_take(k, e);
    list_put(k, e);
    *out = arena_str(&c->arena, (str){e->value, e->n});
    return out->p ? STATUS_OK : call_nomem(c);
}

/* Ends the turn in memory, with a value that is kept until then, or none. */
static void end_turn(struct ai_cache *k, const struct ai_cache_key *key, str value,
                     int64_t until_ns)
{
    char *copy = value.p && value.n && value.n <= CACHE_VALUE_BYTES ? malloc(value.n) : NULL;
    struct entry *e;

    if (copy)
        memcpy(copy, value.p, value.n);
    pthread_mutex_lock(&k->lock);
    e = *place_of(k, key);
    assert(e && !e->value);
    if (copy) {
        e->value = copy;
        e->n = value.n;
        e->until_ns = until_ns;
        k->bytes += value.n;
        list_put(k, e);
        while (k->bytes > k->max_bytes && k->oldest)
            drop(k, k->oldest);
    } else {
        drop(k, e);
    }
    pthread_cond_broadcast(&k->ended);
    pthread_mutex_unlock(&k->lock);
}

enum status ai_cache_begin(struct ai_cache *k, struct call *c, const struct ai_cache_key *key,
                           str *out)
{
    int64_t left_ms, left_ns;
    enum status s;

    *out = (str){0};
    wait_begins();
    pthread_mutex_lock(&k->lock);
    s = find(k, c, key, out);
    pthread_mutex_unlock(&k->lock);
    if (s == STATUS_OK && !out->p && k->shared) { /* it is our turn */
        *out = cache_shared_get(k->shared, c, key, &left_ms);
        left_ns = left_ms * INT64_C(1000000);
        if (out->p)
            end_turn(k, key, *out,
                     call_monotonic_ns(c) + (left_ns < k->ttl_ns ? left_ns : k->ttl_ns));
    }
    wait_ends();
    return s;
}

void ai_cache_end(struct ai_cache *k, const struct call *c, const struct ai_cache_key *key,
                  str value)
{
    end_turn(k, key, value, call_monotonic_ns(c) + k->ttl_ns);
    if (k->shared) /* after those who wait have it */
        cache_shared_put(k->shared, c, key, value);
}
