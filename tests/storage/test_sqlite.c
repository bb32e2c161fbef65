/* What is particular to SQLite: its writer, its file, its ways to be full and broken. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "sqlite/sqlite_store.h"
#include "storage/fixture.h"

/* Opens the fixture's store again with other options. */
static enum status reopen(struct fixture *f, struct sqlite_options o)
{
    char path[256], key[256];

    snprintf(path, sizeof path, "%s/store.db", f->dir);
    snprintf(key, sizeof key, "%s/master.key", f->dir);
    store_close(f->store);
    f->store = NULL;
    if (!o.path)
        o.path = path;
    o.master_key_path = key;
    return sqlite_store_open(&f->call, &o, &f->store);
}

Test(sqlite, a_full_disk_is_told_and_what_was_acknowledged_stays)
{
    long acknowledged = 0;
    enum status s = STATUS_OK;
    struct fixture f;
    Lead *out;

    fixture_open(&f, ENGINE_SQLITE);
    cr_assert_eq(reopen(&f, (struct sqlite_options){.pages_max = 150}), STATUS_OK);
    while (s == STATUS_OK) {
        Lead *lead = make_lead(&f.call, "Somebody", NULL);

        lead->status_reason = arena_alloc(&f.call.arena, 1, 1, 2000);
        memset(lead->status_reason, 'x', 1999);
        s = put_lead(&f, &f.call, lead);
        acknowledged += s == STATUS_OK;
        cr_assert_lt(acknowledged, 1000);
    }
    cr_assert_eq(s, STATUS_EXHAUSTED, "%s", f.call.fault.why);
    cr_assert_str_eq(f.call.fault.reason, "STORE_FULL");
    call_clear(&f.call);
    cr_assert_gt(acknowledged, 10);
    cr_assert_eq(fixture_number(&f, "SELECT COUNT(*) FROM lead"), acknowledged);
    cr_assert_eq(get_lead(&f, &f.call, "0190d7a0-0000-7000-8000-000000000000", &out),
                 STATUS_NOT_FOUND); /* reads go on */
    call_clear(&f.call);
    cr_assert_eq(reopen(&f, (struct sqlite_options){0}), STATUS_OK); /* room again */
    cr_assert_eq(put_lead(&f, &f.call, make_lead(&f.call, "Next", NULL)), STATUS_OK);
    fixture_close(&f);
}

/* A unit that holds the writer until it is told to go on; once, also if its group is run again. */
struct gate {
    struct fixture *f;
    bool is_open;
    sem_t inside, go_on;
    enum status status;
};

static enum status gate_unit(struct call *c, struct tx *tx, void *arg)
{
    struct gate *g = arg;

    (void)c;
    (void)tx;
    if (g->is_open)
        return STATUS_OK;
    sem_post(&g->inside);
    sem_wait(&g->go_on);
    g->is_open = true;
    return STATUS_OK;
}

static void *hold_writer(void *arg)
{
    struct gate *g = arg;
    struct call c;

    fixture_call(&c, 1);
    g->status = store_run(g->f->store, &c, STORE_WRITE, gate_unit, g);
    call_release(&c);
    return NULL;
}

static pthread_t close_gate(struct gate *g, struct fixture *f)
{
    pthread_t t;

    *g = (struct gate){.f = f, .status = STATUS_INTERNAL};
    sem_init(&g->inside, 0, 0);
    sem_init(&g->go_on, 0, 0);
    cr_assert_eq(put_lead(f, &f->call, make_lead(&f->call, "first", NULL)), STATUS_OK); /* keys */
    pthread_create(&t, NULL, hold_writer, g);
    sem_wait(&g->inside);
    return t;
}

struct insert {
    struct fixture *f;
    const char *name, *external_id;
    enum status status;
};

static void *insert_one(void *arg)
{
    struct insert *i = arg;
    struct call c;
    Lead *lead;

    fixture_call(&c, 1);
    lead = make_lead(&c, i->name, NULL);
    lead->external_id = (char *)i->external_id;
    i->status = put_lead(i->f, &c, lead);
    call_release(&c);
    return NULL;
}

Test(sqlite, a_unit_that_fails_takes_nothing_of_its_group)
{
    enum { UNITS = 12 };
    struct insert units[UNITS];
    pthread_t holder, threads[UNITS];
    struct fixture f;
    struct gate g;
    int taken = 0;

    fixture_open(&f, ENGINE_SQLITE);
    holder = close_gate(&g, &f);
    for (int i = 0; i < UNITS; i++) {
        units[i] = (struct insert){&f, "P", i % 3 == 0 ? "same" : "", STATUS_INTERNAL};
        pthread_create(&threads[i], NULL, insert_one, &units[i]);
    }
    nanosleep(&(struct timespec){0, 100000000}, NULL); /* they wait behind the gate */
    sem_post(&g.go_on);
    for (int i = 0; i < UNITS; i++) {
        pthread_join(threads[i], NULL);
        cr_assert(units[i].status == STATUS_OK || (i % 3 == 0 && units[i].status == STATUS_EXISTS));
        taken += units[i].status == STATUS_EXISTS;
    }
    pthread_join(holder, NULL);
    cr_assert_eq(taken, UNITS / 3 - 1);
    cr_assert_eq(fixture_number(&f, "SELECT COUNT(*) FROM lead"), 1 + UNITS - taken);
    fixture_close(&f);
}

/* Refuses because of a row that is there, and breaks the commit of its group. */
static enum status refuse_unit(struct call *c, struct tx *tx, void *arg)
{
    struct fixture *f = arg;
    Lead *lead;

    TRY(tx_find_lead(tx, LEAD_BY_external_id, STR("same"), &lead));
    f->fault.error = SQL_ERROR_FULL;
    atomic_store(&f->fault.countdown, 1);
    return call_fail(c, STATUS_EXISTS, "there is one");
}

static void *refuse_one(void *arg)
{
    struct insert *i = arg;
    struct call c;

    fixture_call(&c, 1);
    i->status = store_run(i->f->store, &c, STORE_WRITE, refuse_unit, i->f);
    call_release(&c);
    return NULL;
}

Test(sqlite, a_refusal_does_not_rest_on_rows_that_were_not_committed)
{
    struct insert insert, refusal;
    pthread_t holder, threads[2];
    struct fixture f;
    struct gate g;

    fixture_open(&f, ENGINE_SQLITE);
    holder = close_gate(&g, &f);
    insert = refusal = (struct insert){&f, "P", "same", STATUS_INTERNAL};
    pthread_create(&threads[0], NULL, insert_one, &insert);
    nanosleep(&(struct timespec){0, 100000000}, NULL); /* behind the gate, in this order */
    pthread_create(&threads[1], NULL, refuse_one, &refusal);
    nanosleep(&(struct timespec){0, 100000000}, NULL);
    sem_post(&g.go_on);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    pthread_join(holder, NULL);
    cr_assert_eq(insert.status, STATUS_EXHAUSTED);
    cr_assert_eq(refusal.status, STATUS_EXHAUSTED, "%s", status_name(refusal.status));
    cr_assert_eq(fixture_number(&f, "SELECT COUNT(*) FROM lead WHERE external_id IS NOT NULL"), 0);
    fixture_close(&f);
}

Test(sqlite, a_full_queue_refuses_and_a_deadline_leaves_the_queue)
{
    struct insert waiting;
    pthread_t holder, waiter;
    struct fixture f;
    struct gate g;
    enum status s;

    fixture_open(&f, ENGINE_SQLITE);
    cr_assert_eq(reopen(&f, (struct sqlite_options){.queue_max = 1}), STATUS_OK);
    holder = close_gate(&g, &f);
    f.call.deadline_ns = call_monotonic_ns(&f.call) + 50000000;
    cr_assert_eq(put_lead(&f, &f.call, make_lead(&f.call, "late", NULL)), STATUS_DEADLINE);
    call_clear(&f.call);
    f.call.deadline_ns = 0;
    waiting = (struct insert){&f, "waits", "", STATUS_INTERNAL};
    pthread_create(&waiter, NULL, insert_one, &waiting);
    nanosleep(&(struct timespec){0, 100000000}, NULL); /* it fills the queue */
    s = put_lead(&f, &f.call, make_lead(&f.call, "no", NULL));
    cr_assert_eq(s, STATUS_EXHAUSTED);
    cr_assert_str_eq(f.call.fault.reason, "STORE_QUEUE");
    sem_post(&g.go_on);
    pthread_join(holder, NULL);
    pthread_join(waiter, NULL);
    cr_assert_eq(g.status, STATUS_OK);
    cr_assert_eq(waiting.status, STATUS_OK);
    cr_assert_eq(fixture_number(&f, "SELECT COUNT(*) FROM lead"), 2);
    fixture_close(&f);
}

Test(sqlite, readers_do_not_wait_for_the_writer)
{
    struct fixture f;
    struct gate g;
    pthread_t holder;
    Lead *out;

    fixture_open(&f, ENGINE_SQLITE);
    holder = close_gate(&g, &f);
    f.call.deadline_ns = call_monotonic_ns(&f.call) + 5000000000;
    cr_assert_eq(get_lead(&f, &f.call, "0190d7a0-0000-7000-8000-000000000000", &out),
                 STATUS_NOT_FOUND);
    sem_post(&g.go_on);
    pthread_join(holder, NULL);
    fixture_close(&f);
}

Test(sqlite, another_process_writing_is_waited_for)
{
    struct fixture f, other;

    fixture_open(&f, ENGINE_SQLITE);
    other = f;
    fixture_call(&other.call, 1);
    other.store = NULL;
    cr_assert_eq(reopen(&other, (struct sqlite_options){0}), STATUS_OK, "%s", other.call.fault.why);
    for (int i = 0; i < 20; i++) {
        cr_assert_eq(put_lead(&f, &f.call, make_lead(&f.call, "mine", NULL)), STATUS_OK);
        cr_assert_eq(put_lead(&other, &other.call, make_lead(&other.call, "its", NULL)), STATUS_OK);
    }
    cr_assert_eq(fixture_number(&f, "SELECT COUNT(*) FROM lead"), 40);
    store_close(other.store);
    call_release(&other.call);
    fixture_close(&f);
}

Test(sqlite, a_place_that_cannot_be_written_is_told)
{
    struct fixture f;
    char path[256];

    fixture_open(&f, ENGINE_SQLITE);
    snprintf(path, sizeof path, "%s/missing/store.db", f.dir);
    cr_assert_eq(reopen(&f, (struct sqlite_options){.path = path}), STATUS_UNAVAILABLE);
    cr_assert_str_eq(f.call.fault.reason, "STORE_IO");
    call_clear(&f.call);
    cr_assert_eq(reopen(&f, (struct sqlite_options){.path = f.dir}), STATUS_UNAVAILABLE);
    fixture_close(&f);
}

Test(sqlite, a_file_that_is_no_database_is_told)
{
    struct fixture f;
    char path[256];
    FILE *file;

    fixture_open(&f, ENGINE_SQLITE);
    snprintf(path, sizeof path, "%s/other.db", f.dir);
    cr_assert((file = fopen(path, "w")) != NULL);
    for (int i = 0; i < 5000; i++)
        fputs("no database ", file);
    fclose(file);
    cr_assert_eq(reopen(&f, (struct sqlite_options){.path = path}), STATUS_DATA_LOSS, "%s",
                 f.call.fault.why);
    fixture_close(&f);
}

Test(sqlite, a_database_of_a_newer_program_or_a_changed_migration_is_refused)
{
    struct fixture f;

    fixture_open(&f, ENGINE_SQLITE);
    fixture_sql(&f, "INSERT INTO schema_version VALUES(9999, 'x', x'00', 0)");
    cr_assert_eq(reopen(&f, (struct sqlite_options){0}), STATUS_PRECONDITION);
    cr_assert_str_eq(f.call.fault.reason, "SCHEMA_NEWER");
    call_clear(&f.call);
    fixture_sql(&f, "DELETE FROM schema_version WHERE version = 9999");
    fixture_sql(&f, "UPDATE schema_version SET checksum = x'00'");
    cr_assert_eq(reopen(&f, (struct sqlite_options){0}), STATUS_PRECONDITION);
    cr_assert_str_eq(f.call.fault.reason, "SCHEMA_CHANGED");
    fixture_close(&f);
}

Test(sqlite, its_files_are_for_their_owner_only)
{
    struct fixture f;
    char command[256];

    fixture_open(&f, ENGINE_SQLITE);
    cr_assert_eq(put_lead(&f, &f.call, make_lead(&f.call, "Ada", NULL)), STATUS_OK);
    snprintf(command, sizeof command, "test -z \"$(find '%s' -type f -perm /077)\"", f.dir);
    cr_assert_eq(system(command), 0);
    fixture_close(&f);
}
