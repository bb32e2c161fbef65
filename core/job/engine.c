/* Threads and their ends: one claims, the others run. */
#include "job/engine.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "job/internal.h"
#include "obs/log.h"

enum {
    CANCEL_MS = 2000, /* a cancelled handler has this long to see it */
    SPARE_PART = 4,   /* workers that one kind leaves to others: 1 / 4 */
};

static const char *const outcome_labels[OUTCOMES] = {
#define X(name, label) [OUTCOME_##name] = (label),
    OUTCOME_LIST(X)
#undef X
};

static struct timespec in_ms(int64_t ms)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

/* A unit of this process put a job; see store_watch_jobs. */
static void kick(void *arg, int64_t due_us)
{
    struct job_engine *e = arg;

    pthread_mutex_lock(&e->lock);
    if (due_us < e->kick_us) {
        e->kick_us = due_us;
        pthread_cond_signal(&e->claim);
    }
    pthread_mutex_unlock(&e->lock);
}

static void *claim_thread(void *arg)
{
    struct job_engine *e = arg;
    size_t n;

    pthread_mutex_lock(&e->lock);
    while (!e->is_stopping) {
        int64_t ms = engine_claim_in_ms(e);

        if (ms > 0) {
            struct timespec until = in_ms(ms);

            if (pthread_cond_timedwait(&e->claim, &e->lock, &until) == 0)
                continue; /* somebody knows better */
        }
        if (e->is_stopping)
            break;
        pthread_mutex_unlock(&e->lock);
        (void)!engine_claim(e, &n); /* it said why */
        pthread_mutex_lock(&e->lock);
    }
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

static void *work_thread(void *arg)
{
    struct job_engine *e = arg;
    struct item *item;

    pthread_mutex_lock(&e->lock);
    while (!e->is_stopping) {
        if ((item = engine_take(e)) == NULL) {
            pthread_cond_wait(&e->work, &e->lock);
            continue;
        }
        e->n_busy++;
        pthread_mutex_unlock(&e->lock);
        engine_run(e, item);
        pthread_mutex_lock(&e->lock);
        e->n_busy--;
    }
    pthread_cond_signal(&e->quiet);
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

static void check_kind(const struct job_kind *k)
{
    assert(k->name && k->name[0] && strlen(k->name) <= JOB_KIND_BYTES_MAX && k->handle);
    assert(k->lease_ms > 0 && k->attempts_max > 0);
    assert(k->first_ms > 0 && k->most_ms >= k->first_ms && k->every_ms >= 0);
}

static void add_kind(struct job_engine *e, const struct job_kind *row, void *self)
{
    struct kind *k = &e->kinds[e->n_kinds++];

    check_kind(row);
    *k = (struct kind){.row = row, .self = self, .turn = JOB_TURN_NONE};
    k->limit = row->limit ? row->limit : e->n_workers - e->n_workers / SPARE_PART;
    k->limit = k->limit < e->n_workers ? k->limit : e->n_workers;
    k->tenant_limit = e->tenant_jobs < k->limit ? e->tenant_jobs : 0;
    k->run_ns = row->lease_ms * 1000000; /* until it is measured: one per worker */
    k->tail = &k->head;
    if (!e->metrics)
        return;
    for (int i = 0; i < OUTCOMES; i++)
        k->results[i] = metrics_series(e->metrics, METRIC_JOB_RUNS,
                                       (const char *[]){row->name, outcome_labels[i]});
    k->seconds = metrics_series(e->metrics, METRIC_JOB_SECONDS, (const char *[]){row->name});
    k->delay = metrics_series(e->metrics, METRIC_JOB_DELAY, (const char *[]){row->name});
    k->held = metrics_series(e->metrics, METRIC_JOB_HELD, (const char *[]){row->name});
    k->oldest = metrics_series(e->metrics, METRIC_JOB_OLDEST, (const char *[]){row->name});
}

static void init_waits(struct job_engine *e)
{
    pthread_condattr_t monotonic;

    pthread_mutex_init(&e->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&e->work, &monotonic);
    pthread_cond_init(&e->claim, &monotonic);
    pthread_cond_init(&e->quiet, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

enum status job_engine_open(struct call *c, const struct job_engine_options *o,
                            struct job_engine **out)
{
    struct job_engine *e = calloc(1, sizeof *e);

    *out = NULL;
    assert(o->store && o->poll_ms > 0 && o->n_workers <= JOB_WORKERS_MAX);
    assert(o->n_kinds < JOB_KINDS_MAX);
    if (!e)
        return call_nomem(c);
    e->store = o->store;
    e->metrics = o->metrics;
    e->clock = o->clock ? o->clock : &system_clock;
    e->n_workers = o->n_workers ? o->n_workers : JOB_WORKERS_DEFAULT;
    e->tenant_jobs = o->tenant_jobs;
    e->poll_ms = e->pause_ms = o->poll_ms;
    e->held_most = JOB_HELD_MAX;
    e->kick_us = 0; /* the first look is at once */
    init_waits(e);
    if (e->metrics)
        e->damaged = metrics_series(e->metrics, METRIC_TENANTS_DAMAGED, NULL);
    for (size_t i = 0; i < o->n_kinds; i++)
        add_kind(e, o->kinds[i].kind, o->kinds[i].self);
    add_kind(e, &plan_kind, e);
    store_watch_jobs(e->store, kick, e);
    *out = e;
    return STATUS_OK;
}

enum status job_engine_start(struct job_engine *e, struct call *c)
{
    assert(!e->n_threads && !e->is_stopping);
    for (; e->n_threads < e->n_workers; e->n_threads++)
        if (pthread_create(&e->workers[e->n_threads], NULL, work_thread, e))
            return call_fail(c, STATUS_EXHAUSTED, "the threads of jobs cannot be started");
    if (pthread_create(&e->claimer, NULL, claim_thread, e))
        return call_fail(c, STATUS_EXHAUSTED, "the threads of jobs cannot be started");
    e->has_claimer = true;
    return STATUS_OK;
}

enum status job_engine_turn(struct job_engine *e, size_t *n_run_out)
{
    struct item *item;

    *n_run_out = 0;
    assert(!e->n_threads);
    TRY(engine_claim(e, n_run_out));
    for (size_t i = 0; i < *n_run_out; i++) {
        pthread_mutex_lock(&e->lock);
        item = engine_take(e);
        pthread_mutex_unlock(&e->lock);
        if (item)
            engine_run(e, item);
    }
    return STATUS_OK;
}

/* With the lock held: true when no worker is busy any more. */
static bool wait_quiet(struct job_engine *e, int64_t ms)
{
    struct timespec until = in_ms(ms);

    while (e->n_busy && pthread_cond_timedwait(&e->quiet, &e->lock, &until) == 0)
        ;
    return e->n_busy == 0;
}

static void join(struct job_engine *e)
{
    for (size_t i = 0; i < e->n_threads; i++)
        pthread_join(e->workers[i], NULL);
    e->n_threads = 0;
}

enum status job_engine_stop(struct job_engine *e, int64_t grace_ms)
{
    bool is_quiet;

    if (!e)
        return STATUS_OK;
    atomic_store(&e->is_over, true);
    pthread_mutex_lock(&e->lock);
    e->is_stopping = true;
    pthread_cond_broadcast(&e->claim);
    pthread_cond_broadcast(&e->work);
    pthread_mutex_unlock(&e->lock);
    if (e->has_claimer)
        pthread_join(e->claimer, NULL);
    e->has_claimer = false;
    engine_release_queued(e);
    pthread_mutex_lock(&e->lock);
    if (!wait_quiet(e, grace_ms))
        atomic_store(&e->cancelled, true);
    is_quiet = wait_quiet(e, CANCEL_MS);
    pthread_mutex_unlock(&e->lock);
    if (!is_quiet)
        return STATUS_DEADLINE;
    join(e);
    engine_release_queued(e); /* beyond the limit of a kind whose jobs ran until now */
    return STATUS_OK;
}

void job_engine_close(struct job_engine *e)
{
    if (!e)
        return;
    assert(!e->n_threads && !e->has_claimer && !e->n_held);
    store_watch_jobs(e->store, NULL, NULL);
    pthread_cond_destroy(&e->work);
    pthread_cond_destroy(&e->claim);
    pthread_cond_destroy(&e->quiet);
    pthread_mutex_destroy(&e->lock);
    free(e);
}
