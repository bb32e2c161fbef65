/*
 * The store under many threads, for ThreadSanitizer: units that write, read, fail, run out of time
 * and are cancelled, on SQLite (its writer's queue) and PostgreSQL (its pool is smaller than the
 * number of threads). At the end every acknowledged row is there.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "postgres/postgres_store.h"
#include "sqlite/sqlite_store.h"
#include "store/records.h"

enum { THREADS = 8, ROUNDS = 60 };

static struct store *store;
static atomic_long acknowledged, unsure;
static atomic_bool cancelled; /* set and taken back while units wait */

static void die(const char *what, const struct call *c)
{
    fprintf(stderr, "race_store: %s: %s\n", what, c->fault.why);
    exit(1);
}

static enum status write_unit(struct call *c, struct tx *tx, void *arg)
{
    Lead lead = LEAD_INIT;

    lead.full_name = "Race Condition";
    TRY(tx_insert_lead(tx, &lead));
    TRY(tx_event(tx, "sales.lead.created", RECORD_LEAD, str_of(lead.id), &lead.base));
    return *(int *)arg % 7 == 3 ? call_fail(c, STATUS_PRECONDITION, "refused") : STATUS_OK;
}

static enum status read_unit(struct call *c, struct tx *tx, void *arg)
{
    struct list_query q = {.search = STR("race"), .page_size = 10};
    struct list_page page;
    struct event_page events;

    (void)c;
    (void)arg;
    TRY(tx_list(tx, RECORD_LEAD, &q, &page));
    return tx_event_list(tx, (struct event_cursor){0, 0}, 10, &events);
}

static void one(int i)
{
    struct call c;
    enum status s;

    call_init(&c, NULL, CALL_ARENA_BYTES);
    c.principal.tenant_id = 1 + i % 3; /* keys of three tenants come into being at once */
    if (i % 11 == 5)
        c.deadline_ns = call_monotonic_ns(&c) + 1000000;
    if (i % 13 == 6)
        c.cancelled = &cancelled;
    if (i % 5 == 0)
        atomic_store(&cancelled, i % 2);
    s = store_run(store, &c, i % 3 ? STORE_WRITE : STORE_READ, i % 3 ? write_unit : read_unit, &i);
    if (i % 3 && s == STATUS_OK)
        atomic_fetch_add(&acknowledged, 1);
    else if (i % 3 && s != STATUS_PRECONDITION)
        atomic_fetch_add(&unsure, 1);
    if (s != STATUS_OK && s != STATUS_PRECONDITION && s != STATUS_DEADLINE &&
        s != STATUS_CANCELLED && s != STATUS_UNAVAILABLE)
        die(status_name(s), &c);
    call_release(&c);
}

static void *work(void *arg)
{
    for (int i = 0; i < ROUNDS; i++)
        one(*(int *)arg * 1000 + i);
    return NULL;
}

static enum status count_unit(struct call *c, struct tx *tx, void *arg)
{
    struct group_query q = {.n_by = 0};
    struct group_rows rows;

    (void)c;
    TRY(tx_group(tx, RECORD_LEAD, &q, &rows));
    *(long *)arg += rows.rows[0].count;
    return STATUS_OK;
}

static void run(const char *engine)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];
    long rows = 0;
    struct call c;

    acknowledged = unsure = 0;
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, work, &numbers[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    call_init(&c, NULL, CALL_ARENA_BYTES);
    for (int tenant = 1; tenant <= 3; tenant++) {
        c.principal.tenant_id = tenant;
        if (store_run(store, &c, STORE_READ, count_unit, &rows) != STATUS_OK)
            die("count", &c);
    }
    call_release(&c);
    store_close(store);
    printf("%s: %ld acknowledged, %ld unsure, %ld there\n", engine, acknowledged, unsure, rows);
    if (rows < acknowledged || rows > acknowledged + unsure || acknowledged == 0)
        exit(1);
}

/* A schema of its own for this run. */
static void open_postgres(struct call *c, const char *dir)
{
    const char *app = getenv("SALES_TEST_PG"), *admin = getenv("SALES_TEST_PG_ADMIN");
    char *schema = arena_printf(&c->arena, "race%d", (int)getpid());
    char *key = arena_printf(&c->arena, "%s/key", dir);
    char *command = arena_printf(&c->arena, "psql -qX \"%s\" -c 'CREATE SCHEMA %s'", admin, schema);
    char *owner = arena_printf(&c->arena, "%s options='-c search_path=%s'", admin, schema);
    struct postgres_options o = {
        .conninfo = arena_printf(&c->arena, "%s options='-c search_path=%s'", app, schema),
        .master_key_path = key,
        .create_master_key = true,
        .pool_max = 3};

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
    run("sqlite");
    if (!getenv("SALES_TEST_PG")) {
        fprintf(stderr, "race_store: SALES_TEST_PG is not set: run this through ./dev test\n");
        return 1;
    }
    open_postgres(&c, dir);
    run("postgres");
    call_release(&c);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command) != 0;
}
