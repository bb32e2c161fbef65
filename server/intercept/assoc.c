/* One array of sets, each a lock and its slots. */
#include "intercept/assoc.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

struct slot {
    struct assoc_key key;
    int64_t until_ns, used_ns; /* until_ns 0: empty */
    size_t n;
    alignas(max_align_t) unsigned char value[]; /* [value_bytes_max] */
};

struct set {
    pthread_mutex_t lock; /* guards the slots of this set */
};

struct assoc {
    size_t n_sets, slot_bytes;
    size_t value_bytes_max;
    struct set *sets;     /* [n_sets] */
    unsigned char *slots; /* [n_sets * ASSOC_WAYS] of slot_bytes */
};

struct assoc *assoc_new(size_t n_sets, size_t value_bytes_max)
{
    const size_t unit = alignof(max_align_t);
    struct assoc *a = calloc(1, sizeof *a);

    assert(n_sets > 0 && n_sets <= 65536 && (n_sets & (n_sets - 1)) == 0);
    if (!a)
        return NULL;
    a->n_sets = n_sets;
    a->value_bytes_max = value_bytes_max;
    a->slot_bytes = (sizeof(struct slot) + value_bytes_max + unit - 1) / unit * unit;
    a->sets = calloc(n_sets, sizeof *a->sets);
    a->slots = calloc(n_sets * ASSOC_WAYS, a->slot_bytes);
    if (!a->sets || !a->slots) {
        free(a->sets);
        free(a->slots);
        free(a);
        return NULL;
    }
    for (size_t i = 0; i < n_sets; i++)
        pthread_mutex_init(&a->sets[i].lock, NULL);
    return a;
}

void assoc_free(struct assoc *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->n_sets; i++)
        pthread_mutex_destroy(&a->sets[i].lock);
    free(a->sets);
    free(a->slots);
    free(a);
}

static size_t set_of(const struct assoc *a, const struct assoc_key *key)
{
    return ((size_t)key->b[31] << 8 | key->b[15]) & (a->n_sets - 1);
}

static struct slot *slot_at(const struct assoc *a, size_t set, size_t way)
{
    return (struct slot *)(void *)(a->slots + (set * ASSOC_WAYS + way) * a->slot_bytes);
}

static bool is_key(const struct slot *s, const struct assoc_key *key)
{
    return s->until_ns && CRYPTO_memcmp(s->key.b, key->b, sizeof key->b) == 0;
}

bool assoc_get(struct assoc *a, const struct assoc_key *key, int64_t now_ns, void *out)
{
    size_t set = set_of(a, key);
    bool found = false;

    pthread_mutex_lock(&a->sets[set].lock);
    for (size_t i = 0; i < ASSOC_WAYS && !found; i++) {
        struct slot *s = slot_at(a, set, i);

        if (!is_key(s, key) || now_ns >= s->until_ns)
            continue;
        s->used_ns = now_ns;
        memcpy(out, s->value, s->n);
        found = true;
    }
    pthread_mutex_unlock(&a->sets[set].lock);
    return found;
}

/* The slot of the key; else the one that was used least recently, empty ones first. */
static struct slot *victim(const struct assoc *a, size_t set, const struct assoc_key *key)
{
    struct slot *at = slot_at(a, set, 0);

    for (size_t i = 0; i < ASSOC_WAYS; i++) {
        struct slot *s = slot_at(a, set, i);

        if (is_key(s, key))
            return s;
        if (s->used_ns < at->used_ns)
            at = s;
    }
    return at;
}

void assoc_put(struct assoc *a, const struct assoc_key *key, const struct assoc_entry *e)
{
    size_t set = set_of(a, key);
    struct slot *s;

    assert(e->n <= a->value_bytes_max);
    pthread_mutex_lock(&a->sets[set].lock);
    s = victim(a, set, key);
    s->key = *key;
    s->used_ns = e->now_ns;
    s->until_ns = e->until_ns;
    s->n = e->n;
    memcpy(s->value, e->value, e->n);
    pthread_mutex_unlock(&a->sets[set].lock);
}

void assoc_forget(struct assoc *a, const struct assoc_key *key)
{
    size_t set = set_of(a, key);

    pthread_mutex_lock(&a->sets[set].lock);
    for (size_t i = 0; i < ASSOC_WAYS; i++) {
        struct slot *s = slot_at(a, set, i);

        if (is_key(s, key))
            s->until_ns = s->used_ns = 0;
    }
    pthread_mutex_unlock(&a->sets[set].lock);
}

void assoc_forget_all(struct assoc *a)
{
    for (size_t set = 0; set < a->n_sets; set++) {
        pthread_mutex_lock(&a->sets[set].lock);
        for (size_t i = 0; i < ASSOC_WAYS; i++)
            slot_at(a, set, i)->until_ns = slot_at(a, set, i)->used_ns = 0;
        pthread_mutex_unlock(&a->sets[set].lock);
    }
}
