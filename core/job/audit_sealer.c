/*
 * The table holds tenants that have entries to seal. Marking one that is there already is one load;
 * the thread takes a tenant out before it seals, so that no commit is missed.
 */
#include "job/audit_sealer.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "job/audit_seal.h"
#include "store/audit.h"

enum {
    PROBES = 8,
    CALL_BYTES = 1 << 20,
    CALL_S = 10,
    PAUSE_TIMES = 4, /* a pass is followed by a pause of so many times its length: a fifth of the
                        store's time at most, however many tenants there are */
    PAUSE_MOST_MS = AUDIT_SEAL_EVERY_MS,
    NS_PER_MS = 1000000,
};

struct audit_sealer {
    struct store *store;
    pthread_t thread;
    pthread_mutex_t lock; /* guards pending, stop */
    pthread_cond_t wake;
    bool pending, stop;
    _Atomic int64_t tenants[AUDIT_SOON_TENANTS]; /* id + 1; 0: empty */
};

static void wake(struct audit_sealer *a)
{
    pthread_mutex_lock(&a->lock);
    a->pending = true;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->lock);
}

/* On the thread of the unit that has committed. Ids are counted up: neighbours do not collide. */
static void mark(void *arg, int64_t tenant_id)
{
    struct audit_sealer *a = arg;
    int64_t want = tenant_id + 1;

    for (uint64_t i = 0; i < PROBES; i++) {
        _Atomic int64_t *slot = &a->tenants[((uint64_t)tenant_id + i) % AUDIT_SOON_TENANTS];
        int64_t found = atomic_load(slot);

        if (found == 0 && atomic_compare_exchange_strong(slot, &found, want)) {
            wake(a);
            return;
        }
        if (found == want)
            return;
    }
}

static void begin_call(struct call *c)
{
    call_init(c, NULL, CALL_BYTES);
    c->method = "audit.seal";
    c->deadline_ns = call_monotonic_ns(c) + CALL_S * INT64_C(1000000000);
}

/* What fails here the job tries again, and says. */
static void seal_tenant(struct audit_sealer *a, int64_t tenant_id)
{
    struct call c;
    uint64_t n;

    begin_call(&c);
    c.principal.tenant_id = tenant_id;
    if (audit_seal(&c, a->store, &n) != STATUS_OK)
        call_clear(&c);
    call_release(&c);
}

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void seal_marked(struct audit_sealer *a, int64_t until_ns)
{
    for (size_t i = 0; i < AUDIT_SOON_TENANTS && now_ns() < until_ns; i++)
        if (atomic_load(&a->tenants[i])) {
            int64_t taken = atomic_exchange(&a->tenants[i], 0);

            assert(taken > 0);
            seal_tenant(a, taken - 1);
        }
}

static void seal_left(struct audit_sealer *a)
{
    struct call c;

    begin_call(&c);
    if (audit_seal_waiting(&c, a->store) != STATUS_OK)
        call_clear(&c);
    call_release(&c);
}

/* With the lock held; ends early for the stop only. */
static void rest(struct audit_sealer *a, int64_t ms)
{
    int64_t until = now_ns() + ms * NS_PER_MS;
    const struct timespec t = {until / 1000000000, until % 1000000000};

    while (!a->stop && pthread_cond_timedwait(&a->wake, &a->lock, &t) == 0)
        ;
}

/* Sleeps until there is something, then as long as a pass takes to fill. False: it is the end. */
static bool wait_for_pass(struct audit_sealer *a, int64_t pause_ms)
{
    bool go_on;

    pthread_mutex_lock(&a->lock);
    while (!a->stop && !a->pending)
        pthread_cond_wait(&a->wake, &a->lock);
    rest(a, pause_ms);
    go_on = !a->stop;
    a->pending = false;
    pthread_mutex_unlock(&a->lock);
    return go_on;
}

static void *work(void *arg)
{
    struct audit_sealer *a = arg;
    int64_t pause_ms = AUDIT_SOON_MS, began_ns;

    seal_left(a);
    while (wait_for_pass(a, pause_ms)) {
        began_ns = now_ns();
        seal_marked(a, INT64_MAX);
        pause_ms = (now_ns() - began_ns) / NS_PER_MS * PAUSE_TIMES;
        if (pause_ms < AUDIT_SOON_MS)
            pause_ms = AUDIT_SOON_MS;
        if (pause_ms > PAUSE_MOST_MS)
            pause_ms = PAUSE_MOST_MS;
    }
    seal_marked(a, now_ns() + CALL_S * INT64_C(1000000000));
    return NULL;
}

struct audit_sealer *audit_sealer_new(struct store *s)
{
    struct audit_sealer *a = calloc(1, sizeof *a);
    pthread_condattr_t attr;

    if (!a)
        return NULL;
    a->store = s;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->wake, &attr);
    pthread_condattr_destroy(&attr);
    store_watch_audit(s, mark, a);
    if (pthread_create(&a->thread, NULL, work, a) == 0)
        return a;
    store_watch_audit(s, NULL, NULL);
    free(a);
    return NULL;
}

void audit_sealer_free(struct audit_sealer *a)
{
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
    store_watch_audit(a->store, NULL, NULL);
    pthread_mutex_destroy(&a->lock);
    pthread_cond_destroy(&a->wake);
    free(a);
}
