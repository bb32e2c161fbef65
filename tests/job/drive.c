/*
 * A process that runs jobs, to be killed: `drive_jobs put STORE KEY TENANT N`, `drive_jobs run
 * STORE KEY [apart]`, `drive_jobs migrate CONNINFO ROLE`. STORE is sqlite:PATH or a libpq
 * connection.
 *
 * Each job raises a counter of its own, in the unit that ends it: 1 is once, 2 is twice. Some runs
 * fail first, some take longer than their lease. With `apart` effect and end are two units, as they
 * must not be. It runs until its stdin ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "job/engine.h"
#include "postgres/postgres_store.h"
#include "sqlite/sqlite_store.h"

enum { LEASE_MS = 400, UNIT = 100, WORKERS = 4, POLL_MS = 200 };

struct driver {
    struct store *store;
    bool is_apart;
};

static void die(const struct call *c, const char *what)
{
    fprintf(stderr, "drive_jobs: %s: %s\n", what, c->fault.why);
    exit(1);
}

static struct store *open_store(struct call *c, const char *where, const char *key)
{
    struct store *s = NULL;
    enum status r;

    if (strncmp(where, "sqlite:", 7) == 0)
        r = sqlite_store_open(
            c, &(struct sqlite_options){.path = where + 7, .master_key_path = key}, &s);
    else
        r = postgres_store_open(c,
                                &(struct postgres_options){.conninfo = where,
                                                           .master_key_path = key,
                                                           .create_master_key = true},
                                &s);
    if (r != STATUS_OK)
        die(c, "open");
    return s;
}

struct putting {
    long from, n;
};

static enum status put_unit(struct call *c, struct tx *tx, void *arg)
{
    struct putting *p = arg;

    for (long i = p->from; i < p->from + UNIT && i < p->n; i++) {
        struct job_put put = {.kind = STR("test.effect")};

        put.payload = put.key = str_of(arena_printf(&c->arena, "%ld", i));
        TRY(tx_job_put(tx, &put));
    }
    return STATUS_OK;
}

static void put(struct store *s, long tenant, long n)
{
    for (struct putting p = {0, n}; p.from < n; p.from += UNIT) {
        struct call c;

        call_init(&c, NULL, CALL_ARENA_BYTES);
        c.principal.tenant_id = tenant;
        if (store_run(s, &c, STORE_WRITE, put_unit, &p) != STATUS_OK)
            die(&c, "put");
        call_release(&c);
    }
}

struct effect {
    struct job *job;
    bool ends;
};

static enum status effect_unit(struct call *c, struct tx *tx, void *arg)
{
    struct effect *e = arg;
    char *name = arena_printf(&c->arena, "job_" STR_FMT, STR_ARG(e->job->payload));
    int64_t n;

    TRY(tx_counter_next(tx, name, &n));
    return e->ends ? tx_job_done(tx, e->job) : STATUS_OK;
}

/* Most take some milliseconds, one in 20 fails first, one in 50 outlives its lease. */
static enum status handle(void *self, struct call *c, struct job *job)
{
    struct driver *d = self;
    struct effect effect = {job, !d->is_apart};
    uint32_t random;
    long ms;

    c->clock->random(c->clock, &random, sizeof random);
    ms = random % 50 == 0 ? LEASE_MS * 3 / 2 : (long)(random >> 8) % 40;
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
    if (random % 20 == 1)
        return call_fail(c, STATUS_UNAVAILABLE, "not this time");
    c->deadline_ns = 0; /* the fence must hold, not the deadline */
    return store_run(d->store, c, STORE_WRITE, effect_unit, &effect);
}

static const struct job_kind kind = {.name = "test.effect",
                                     .handle = handle,
                                     .lease_ms = LEASE_MS,
                                     .attempts_max = 1000,
                                     .first_ms = 5,
                                     .most_ms = 50};

static void run(struct call *c, struct driver *d)
{
    const struct job_binding kinds[] = {{&kind, d}};
    struct job_engine *e;
    char byte;

    if (job_engine_open(c,
                        &(struct job_engine_options){.store = d->store,
                                                     .kinds = kinds,
                                                     .n_kinds = 1,
                                                     .n_workers = WORKERS,
                                                     .poll_ms = POLL_MS},
                        &e) != STATUS_OK ||
        job_engine_start(e, c) != STATUS_OK)
        die(c, "engine");
    printf("ready\n");
    fflush(stdout);
    while (read(0, &byte, 1) > 0)
        ;
    if (job_engine_stop(e, 5000) != STATUS_OK)
        die(c, "stop");
    job_engine_close(e);
}

int main(int argc, char **argv)
{
    struct driver d = {0};
    struct call c;

    call_init(&c, NULL, CALL_ARENA_BYTES);
    if (argc == 4 && strcmp(argv[1], "migrate") == 0) {
        if (postgres_migrate(&c, argv[2], argv[3]) != STATUS_OK)
            die(&c, "migrate");
    } else if (argc == 6 && strcmp(argv[1], "put") == 0) {
        d.store = open_store(&c, argv[2], argv[3]);
        put(d.store, strtol(argv[4], NULL, 10), strtol(argv[5], NULL, 10));
    } else if ((argc == 4 || argc == 5) && strcmp(argv[1], "run") == 0) {
        d.store = open_store(&c, argv[2], argv[3]);
        d.is_apart = argc == 5;
        run(&c, &d);
    } else {
        fprintf(stderr, "usage: drive_jobs put|run|migrate ...\n");
        return 2;
    }
    store_close(d.store);
    call_release(&c);
    return 0;
}
