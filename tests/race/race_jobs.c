/*
 * The job engine under ThreadSanitizer: threads put, replace and cancel jobs while an engine runs
 * them, some of which fail, put others or meet a limit; then it is stopped in the middle and
 * another one goes on. At the end no job is left.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "job/engine.h"
#include "obs/metrics.h"
#include "postgres/postgres_store.h"
#include "sqlite/sqlite_store.h"

enum { PUTTERS = 4, ROUNDS = 40, WAIT_MS = 60000 };

static struct store *store;
static atomic_long n_runs;

static void die(const char *what, const struct call *c)
{
    fprintf(stderr, "race_jobs: %s: %s\n", what, c->fault.why);
    exit(1);
}

static enum status end_unit(struct call *c, struct tx *tx, void *arg)
{
    struct job *job = arg;
    struct job_put next = {.kind = STR("race.next"), .key = job->key, .rule = JOB_EARLIER};
    int64_t n;

    (void)c;
    TRY(tx_counter_next(tx, "race", &n));
    if (n % 3 == 0)
        TRY(tx_job_put(tx, &next));
    return tx_job_done(tx, job);
}

static enum status work(void *self, struct call *c, struct job *job)
{
    long n = atomic_fetch_add(&n_runs, 1);

    (void)self;
    if (n % 7 == 3)
        return call_fail(c, STATUS_UNAVAILABLE, "not this time");
    return n % 2 ? store_run(store, c, STORE_WRITE, end_unit, job) : STATUS_OK;
}

#define KIND(name_, ...)                                                                           \
    {                                                                                              \
        .name = (name_), .handle = work, .lease_ms = 5000, .attempts_max = 1000, .first_ms = 1,    \
        .most_ms = 4, __VA_ARGS__                                                                  \
    }

static const struct job_kind kinds[] = {KIND("race.put", .limit = 0), KIND("race.next", .limit = 2),
                                        KIND("race.tick", .every_ms = 5)};

static enum status put_unit(struct call *c, struct tx *tx, void *arg)
{
    long n = *(long *)arg;
    struct job_put put = {.kind = STR("race.put"), .payload = STR("payload")};
    struct job_query q = {.limit = 10};
    struct job_list l;

    put.key = str_of(arena_printf(&c->arena, "%ld", n % 50));
    put.rule = (enum job_put_rule)(n % 3);
    TRY(tx_job_put(tx, &put));
    if (n % 5 == 0)
        TRY(tx_job_cancel(tx, STR("race.put"), put.key));
    return tx_job_list(tx, &q, &l);
}

static void *putter(void *arg)
{
    for (long i = 0; i < ROUNDS; i++) {
        long n = *(int *)arg * 7 + i;
        struct call c;

        call_init(&c, NULL, CALL_ARENA_BYTES);
        c.principal.tenant_id = 1 + n % 3;
        if (store_run(store, &c, STORE_WRITE, put_unit, &n) != STATUS_OK)
            die("put", &c);
        call_release(&c);
    }
    return NULL;
}

static struct job_engine *start(struct call *c, struct metrics *m)
{
    const struct job_binding bindings[] = {{&kinds[0], NULL}, {&kinds[1], NULL}, {&kinds[2], NULL}};
    struct job_engine *e;

    if (job_engine_open(c,
                        &(struct job_engine_options){.store = store,
                                                     .metrics = m,
                                                     .kinds = bindings,
                                                     .n_kinds = 3,
                                                     .n_workers = 6,
                                                     .poll_ms = 20},
                        &e) != STATUS_OK ||
        job_engine_plan(e, c) != STATUS_OK || job_engine_start(e, c) != STATUS_OK)
        die("start", c);
    return e;
}

static enum status left_unit(struct call *c, struct tx *tx, void *arg)
{
    struct job_query q = {.limit = PAGE_SIZE_MAX};
    struct job_list l;

    (void)c;
    TRY(tx_job_list(tx, &q, &l));
    *(size_t *)arg += l.n_jobs;
    return STATUS_OK;
}

static size_t n_left(void)
{
    size_t n = 0;

    for (int tenant = 1; tenant <= 3; tenant++) {
        struct call c;

        call_init(&c, NULL, CALL_ARENA_BYTES);
        c.principal.tenant_id = tenant;
        if (store_run(store, &c, STORE_READ, left_unit, &n) != STATUS_OK)
            die("count", &c);
        call_release(&c);
    }
    return n;
}

static void nap(void)
{
    nanosleep(&(struct timespec){0, 10000000}, NULL);
}

/* One engine at a time watches a store: the putters end before the first engine is closed. */
static void run(struct call *c, const char *name)
{
    struct metrics *m = metrics_open();
    struct job_engine *e = start(c, m);
    pthread_t threads[PUTTERS];
    int numbers[PUTTERS], waits = 0;

    for (int i = 0; i < PUTTERS; i++) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, putter, &numbers[i]);
    }
    nap();
    if (job_engine_stop(e, 1000) != STATUS_OK)
        die("stop", c);
    for (int i = 0; i < PUTTERS; i++)
        pthread_join(threads[i], NULL);
    job_engine_close(e);
    e = start(c, m);
    while (n_left() && waits++ < WAIT_MS / 10)
        nap();
    if (job_engine_stop(e, 1000) != STATUS_OK)
        die("stop", c);
    job_engine_close(e);
    printf("%s: %ld runs, %zu left\n", name, atomic_load(&n_runs), n_left());
    if (n_left())
        exit(1);
    metrics_close(m);
    store_close(store);
}

/* A schema of its own for this run. */
static void open_postgres(struct call *c, const char *dir)
{
    const char *app = getenv("SALES_TEST_PG"), *admin = getenv("SALES_TEST_PG_ADMIN");
    char *schema = arena_printf(&c->arena, "racejobs%d", (int)getpid());
    char *command = arena_printf(&c->arena, "psql -qX \"%s\" -c 'CREATE SCHEMA %s'", admin, schema);
    char *owner = arena_printf(&c->arena, "%s options='-c search_path=%s'", admin, schema);
    struct postgres_options o = {
        .conninfo = arena_printf(&c->arena, "%s options='-c search_path=%s'", app, schema),
        .master_key_path = arena_printf(&c->arena, "%s/key", dir),
        .create_master_key = true,
        .pool_max = 5};

    if (system(command) != 0 || postgres_migrate(c, owner, "salesd_app") != STATUS_OK ||
        postgres_store_open(c, &o, &store) != STATUS_OK)
        die("open postgres", c);
}

int main(void)
{
    char dir[] = "/tmp/salesd-race.XXXXXX", command[64];
    struct call c;

    call_init(&c, NULL, CALL_ARENA_BYTES);
    if (!mkdtemp(dir))
        return 1;
    char *path = arena_printf(&c.arena, "%s/store.db", dir);

    if (sqlite_store_open(&c, &(struct sqlite_options){.path = path, .n_readers = 2}, &store) !=
        STATUS_OK)
        die("open sqlite", &c);
    run(&c, "sqlite");
    if (!getenv("SALES_TEST_PG")) {
        fprintf(stderr, "race_jobs: SALES_TEST_PG is not set: run this through ./dev test\n");
        return 1;
    }
    open_postgres(&c, dir);
    run(&c, "postgres");
    call_release(&c);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command) != 0;
}
