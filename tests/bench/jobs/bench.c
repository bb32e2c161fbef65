/*
 * What the job engine does per second: `bench_jobs sqlite|postgres DIR JOBS WORKERS` (postgres:
 * SALES_TEST_PG and SALES_TEST_PG_ADMIN). Beside it the bare engine: the same effect, a counter
 * row, as a unit of its own on as many threads. One JSON object per measurement.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "job/engine.h"
#include "postgres/postgres_store.h"
#include "sqlite/sqlite_store.h"

enum { UNIT = 500, TENANTS = 8, SAMPLES_MAX = 1 << 20 };

static struct store *store;
static const char *engine;
static atomic_long n_done, next_unit, n_samples;
static int64_t samples[SAMPLES_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all_done = PTHREAD_COND_INITIALIZER;
static long goal;

static void die(struct call *c, const char *what)
{
    fprintf(stderr, "bench_jobs: %s: %s\n", what, c->fault.why);
    exit(1);
}

static int64_t now_ns(void)
{
    return system_clock.monotonic_ns(&system_clock);
}

/* A counter of the thread's own: what is measured is not the queue before one row. */
static const char *counter_name(void)
{
    static atomic_int n_threads;
    static _Thread_local char name[16];

    if (!name[0])
        snprintf(name, sizeof name, "bench%d", atomic_fetch_add(&n_threads, 1));
    return name;
}

struct effect {
    const char *counter;
    struct job *job; /* NULL: the effect alone */
};

static enum status effect_unit(struct call *c, struct tx *tx, void *arg)
{
    struct effect *e = arg;
    int64_t n;

    (void)c;
    TRY(tx_counter_next(tx, e->counter, &n));
    return e->job ? tx_job_done(tx, e->job) : STATUS_OK;
}

static void note(int64_t took_ns)
{
    long at = atomic_fetch_add(&n_samples, 1);

    if (at < SAMPLES_MAX)
        samples[at] = took_ns;
    if (atomic_fetch_add(&n_done, 1) + 1 == goal) {
        pthread_mutex_lock(&lock);
        pthread_cond_signal(&all_done);
        pthread_mutex_unlock(&lock);
    }
}

static enum status handle(void *self, struct call *c, struct job *job)
{
    struct effect e = {counter_name(), job};
    int64_t began = now_ns();

    (void)self;
    TRY(store_run(store, c, STORE_WRITE, effect_unit, &e));
    note(now_ns() - began);
    return STATUS_OK;
}

static const struct job_kind kind = {.name = "bench.effect",
                                     .handle = handle,
                                     .lease_ms = 30000,
                                     .attempts_max = 3,
                                     .first_ms = 10,
                                     .most_ms = 1000};

static void wait_for_all(void)
{
    pthread_mutex_lock(&lock);
    while (atomic_load(&n_done) < goal)
        pthread_cond_wait(&all_done, &lock);
    pthread_mutex_unlock(&lock);
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static void report(const char *what, long n, long workers, int64_t took_ns)
{
    long have = atomic_load(&n_samples);

    qsort(samples, (size_t)have, sizeof *samples, by_number);
    printf("{\"engine\": \"%s\", \"what\": \"%s\", \"n\": %ld, \"workers\": %ld, "
           "\"per_second\": %.0f, \"unit_p50_us\": %.1f, \"unit_p99_us\": %.1f}\n",
           engine, what, n, workers, (double)n / ((double)took_ns / 1e9),
           (double)samples[have / 2] / 1e3, (double)samples[have * 99 / 100] / 1e3);
    fflush(stdout);
}

static void begin(long n)
{
    goal = n;
    atomic_store(&n_done, 0);
    atomic_store(&n_samples, 0);
    atomic_store(&next_unit, 0);
}

static void *bare_thread(void *arg)
{
    (void)arg;
    for (long i; (i = atomic_fetch_add(&next_unit, 1)) < goal;) {
        struct effect e = {counter_name(), NULL};
        int64_t began = now_ns();
        struct call c;

        call_init(&c, NULL, CALL_ARENA_BYTES);
        c.principal.tenant_id = 1 + i % TENANTS;
        if (store_run(store, &c, STORE_WRITE, effect_unit, &e) != STATUS_OK)
            die(&c, "bare unit");
        call_release(&c);
        note(now_ns() - began);
    }
    return NULL;
}

static void bare(long n, long workers)
{
    pthread_t threads[JOB_WORKERS_MAX];
    int64_t began = now_ns();

    begin(n);
    for (long i = 0; i < workers; i++)
        pthread_create(&threads[i], NULL, bare_thread, NULL);
    for (long i = 0; i < workers; i++)
        pthread_join(threads[i], NULL);
    report("bare commits", n, workers, now_ns() - began);
}

struct putting {
    long from, to;
};

static enum status put_unit(struct call *c, struct tx *tx, void *arg)
{
    struct putting *p = arg;

    for (long i = p->from; i < p->to; i++) {
        struct job_put put = {.kind = STR("bench.effect"), .payload = STR("a record's id")};

        put.key = str_of(arena_printf(&c->arena, "%ld", i));
        TRY(tx_job_put(tx, &put));
    }
    return STATUS_OK;
}

static void put_all(long n)
{
    int64_t began = now_ns();

    begin(n);
    for (struct putting p = {0, 0}; p.from < n; p.from = p.to) {
        int64_t unit_ns = now_ns();
        struct call c;

        p.to = p.from + UNIT < n ? p.from + UNIT : n;
        call_init(&c, NULL, CALL_ARENA_BYTES);
        c.principal.tenant_id = 1 + p.from / UNIT % TENANTS;
        if (store_run(store, &c, STORE_WRITE, put_unit, &p) != STATUS_OK)
            die(&c, "put");
        call_release(&c);
        samples[atomic_fetch_add(&n_samples, 1)] = now_ns() - unit_ns;
    }
    report("puts, units of 500", n, 1, now_ns() - began);
}

static void drain(struct call *c, long n, long workers)
{
    const struct job_binding kinds[] = {{&kind, NULL}};
    struct job_engine *e;
    int64_t began;

    begin(n);
    if (job_engine_open(c,
                        &(struct job_engine_options){.store = store,
                                                     .kinds = kinds,
                                                     .n_kinds = 1,
                                                     .n_workers = (size_t)workers,
                                                     .poll_ms = 1000},
                        &e) != STATUS_OK)
        die(c, "engine");
    began = now_ns();
    if (job_engine_start(e, c) != STATUS_OK)
        die(c, "start");
    wait_for_all();
    report("jobs", n, workers, now_ns() - began);
    if (job_engine_stop(e, 10000) != STATUS_OK)
        exit(1);
    job_engine_close(e);
}

static void open_store(struct call *c, const char *dir, long workers)
{
    const char *path = arena_printf(&c->arena, "%s/store.db", dir),
               *key = arena_printf(&c->arena, "%s/key", dir);
    const char *app = getenv("SALES_TEST_PG"), *admin = getenv("SALES_TEST_PG_ADMIN");

    if (strcmp(engine, "sqlite") == 0) {
        if (sqlite_store_open(c, &(struct sqlite_options){.path = path, .master_key_path = key},
                              &store) != STATUS_OK)
            die(c, "open");
        return;
    }
    if (!app || !admin) {
        fprintf(stderr, "bench_jobs: SALES_TEST_PG and SALES_TEST_PG_ADMIN are not set\n");
        exit(2);
    }
    if (postgres_migrate(c, admin, "salesd_app") != STATUS_OK ||
        postgres_store_open(c,
                            &(struct postgres_options){.conninfo = app,
                                                       .master_key_path = key,
                                                       .create_master_key = true,
                                                       .pool_max = (size_t)workers + 2},
                            &store) != STATUS_OK)
        die(c, "open");
}

int main(int argc, char **argv)
{
    long n, workers;
    struct call c;

    if (argc != 5) {
        fprintf(stderr, "usage: bench_jobs sqlite|postgres DIR JOBS WORKERS\n");
        return 2;
    }
    engine = argv[1];
    n = strtol(argv[3], NULL, 10);
    workers = strtol(argv[4], NULL, 10);
    call_init(&c, NULL, CALL_ARENA_BYTES);
    open_store(&c, argv[2], workers);
    bare(n, workers);
    put_all(n);
    drain(&c, n, workers);
    store_close(store);
    call_release(&c);
    return 0;
}
