/* A ring under a lock, and a thread that empties it. */
#include "server/key_use.h"

#include <pthread.h>
#include <stdlib.h>

#include "store/records.h"

enum { WRITE_TIMEOUT_MS = 5000, WRITE_ARENA_BYTES = 1 << 20, NS_PER_MS = 1000000 };

struct use {
    struct uuid id;
    int64_t hour_us;
};

struct key_use {
    struct store *store;
    pthread_t thread;

    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t changed;
    struct use ring[KEY_USE_QUEUE];
    size_t first, n;
    bool stopping;
};

/* A key that was used later already, or is gone, is left alone. */
static enum status write_unit(struct call *c, struct tx *tx, void *arg)
{
    const struct use *use = arg;
    Timestamp at = TIMESTAMP_INIT;
    char id[UUID_TEXT_BYTES + 1];
    ApiKeyRecord *r;

    (void)c;
    uuid_format(use->id, id);
    TRY(tx_get_api_key(tx, str_of(id), &r));
    at.seconds = use->hour_us / 1000000;
    if (!r->api_key ||
        (r->api_key->last_use_time && r->api_key->last_use_time->seconds >= at.seconds))
        return STATUS_OK;
    r->api_key->last_use_time = &at;
    return tx_update_api_key(tx, r);
}

/* Another server, or the admin, may have been faster: then there is nothing left to say. */
static void write_down(struct key_use *k, struct use use)
{
    enum status s;
    struct call c;

    call_init(&c, NULL, WRITE_ARENA_BYTES);
    c.deadline_ns = call_monotonic_ns(&c) + (int64_t)WRITE_TIMEOUT_MS * NS_PER_MS;
    s = store_run_system(k->store, &c, STORE_WRITE, write_unit, &use);
    (void)s;
    call_release(&c);
}

static void *run(void *self)
{
    struct key_use *k = self;

    pthread_mutex_lock(&k->lock);
    while (!k->stopping) {
        struct use use = k->ring[k->first];

        if (k->n == 0) {
            pthread_cond_wait(&k->changed, &k->lock);
            continue;
        }
        k->first = (k->first + 1) % KEY_USE_QUEUE;
        k->n--;
        pthread_mutex_unlock(&k->lock);
        write_down(k, use);
        pthread_mutex_lock(&k->lock);
    }
    pthread_mutex_unlock(&k->lock);
    return NULL;
}

struct key_use *key_use_new(struct store *store)
{
    struct key_use *k = calloc(1, sizeof *k);

    if (!k)
        return NULL;
    k->store = store;
    pthread_mutex_init(&k->lock, NULL);
    pthread_cond_init(&k->changed, NULL);
    if (pthread_create(&k->thread, NULL, run, k) == 0)
        return k;
    free(k);
    return NULL;
}

void key_use_free(struct key_use *k)
{
    if (!k)
        return;
    pthread_mutex_lock(&k->lock);
    k->stopping = true;
    pthread_cond_signal(&k->changed);
    pthread_mutex_unlock(&k->lock);
    pthread_join(k->thread, NULL);
    pthread_cond_destroy(&k->changed);
    pthread_mutex_destroy(&k->lock);
    free(k);
}

void key_use_note(struct key_use *k, struct uuid id, int64_t hour_us)
{
    pthread_mutex_lock(&k->lock);
    if (k->n < KEY_USE_QUEUE)
        k->ring[(k->first + k->n++) % KEY_USE_QUEUE] = (struct use){id, hour_us};
    pthread_cond_signal(&k->changed);
    pthread_mutex_unlock(&k->lock);
}
