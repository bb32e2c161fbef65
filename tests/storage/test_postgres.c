/* What is particular to PostgreSQL: isolation by the engine, commit order, connections that die. */
#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "postgres/postgres_store.h"
#include "storage/fixture.h"

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* Runs SQL as the app role; returns the first column of the first row, or -1 when it fails. */
static long long as_app(struct fixture *f, const char *text)
{
    PGconn *pg = PQconnectdb(f->conninfo);
    PGresult *r = PQexec(pg, text);
    long long out = PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r)
                        ? strtoll(PQgetvalue(r, 0, 0), NULL, 10)
                        : -1;

    PQclear(r);
    PQfinish(pg);
    return out;
}

Test(postgres, the_engine_itself_keeps_tenants_apart)
{
    struct fixture f;

    fixture_open(&f, ENGINE_POSTGRES);
    cr_assert_eq(put_lead(&f, &f.call, make_lead(&f.call, "Ada", NULL)), STATUS_OK);
    cr_assert_eq(as_app(&f, "SELECT COUNT(*) FROM lead"), 0);
    cr_assert_eq(as_app(&f, "SET app.tenant = '2'; SELECT COUNT(*) FROM lead"), 0);
    cr_assert_eq(as_app(&f, "SET app.tenant = '0'; SELECT COUNT(*) FROM lead"), 0);
    cr_assert_eq(as_app(&f, "SET app.tenant = '1'; SELECT COUNT(*) FROM lead"), 1);
    cr_assert_eq(as_app(&f, "SET app.tenant = '2'; UPDATE lead SET version = 9 RETURNING version"),
                 -1);
    cr_assert_eq(as_app(&f, "SET app.tenant = '2'; INSERT INTO word SELECT tenant_id, 1, id FROM "
                            "(VALUES (1::bigint, '\\x00'::bytea)) v(tenant_id, id) RETURNING 1"),
                 -1);
    cr_assert_eq(
        as_app(&f, "SET app.tenant = '1'; INSERT INTO word VALUES (1, 1, '\\x00') RETURNING 1"), 1);
    cr_assert_eq(as_app(&f, "SET app.tenant = '2'; SELECT COUNT(*) FROM outbox_visible"), 0);
    cr_assert_eq(as_app(&f, "UPDATE schema_version SET version = 9 RETURNING 1"), -1);
    fixture_close(&f);
}

Test(postgres, a_role_that_is_not_bound_is_refused)
{
    struct fixture f;
    struct store *s;
    char key[256];

    fixture_open(&f, ENGINE_POSTGRES);
    snprintf(key, sizeof key, "%s/master.key", f.dir);
    cr_assert_eq(
        postgres_store_open(
            &f.call, &(struct postgres_options){.conninfo = f.super, .master_key_path = key}, &s),
        STATUS_PRECONDITION);
    cr_assert_str_eq(f.call.fault.reason, "ROLE_UNBOUND");
    call_clear(&f.call);
    fixture_sql(&f, "ALTER TABLE lead NO FORCE ROW LEVEL SECURITY");
    cr_assert_eq(
        postgres_store_open(
            &f.call, &(struct postgres_options){.conninfo = f.admin, .master_key_path = key}, &s),
        STATUS_PRECONDITION);
    cr_assert_str_eq(f.call.fault.reason, "ROLE_UNBOUND");
    call_clear(&f.call);
    cr_assert_eq(fixture_reopen(&f), STATUS_OK); /* the app role owns nothing: still bound */
    fixture_sql(&f, "ALTER TABLE lead DISABLE ROW LEVEL SECURITY");
    cr_assert_eq(fixture_reopen(&f), STATUS_PRECONDITION);
    fixture_close(&f);
}

Test(postgres, a_schema_that_was_not_migrated_is_refused)
{
    struct fixture f;

    fixture_open(&f, ENGINE_POSTGRES);
    fixture_sql(&f, "DELETE FROM schema_version");
    cr_assert_eq(fixture_reopen(&f), STATUS_PRECONDITION);
    cr_assert_str_eq(f.call.fault.reason, "SCHEMA_OLD");
    fixture_close(&f);
}

struct gate {
    struct fixture *f;
    const char *name;
    sem_t inside, go_on;
    bool wait;
    enum status status;
};

/* An event of a transaction that may stay open for a while after it was numbered. */
static enum status event_unit(struct call *c, struct tx *tx, void *arg)
{
    struct gate *g = arg;
    Lead *lead = make_lead(c, g->name, NULL);
    int64_t n;

    TRY(tx_insert_lead(tx, lead));
    TRY(tx_event(tx, g->name, RECORD_LEAD, str_of(lead->id), &lead->base));
    TRY(tx_counter_next(tx, g->name, &n)); /* a read: what is buffered has happened now */
    if (g->wait) {
        sem_post(&g->inside);
        sem_wait(&g->go_on);
        g->wait = false;
    }
    return STATUS_OK;
}

static void *run_gate(void *arg)
{
    struct gate *g = arg;
    struct call c;

    fixture_call(&c, 1);
    g->status = store_run(g->f->store, &c, STORE_WRITE, event_unit, g);
    call_release(&c);
    return NULL;
}

static enum status events_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_event_list(tx, (struct event_cursor){0, 0}, 10, arg);
}

Test(postgres, an_event_that_commits_late_is_not_skipped)
{
    struct gate slow = {.name = "slow", .wait = true}, fast = {.name = "fast"};
    struct event_page page;
    struct fixture f;
    pthread_t t;

    fixture_open(&f, ENGINE_POSTGRES);
    cr_assert_eq(put_lead(&f, &f.call, make_lead(&f.call, "first", NULL)), STATUS_OK);
    slow.f = fast.f = &f;
    sem_init(&slow.inside, 0, 0);
    sem_init(&slow.go_on, 0, 0);
    pthread_create(&t, NULL, run_gate, &slow);
    sem_wait(&slow.inside);
    run_gate(&fast); /* begins later, commits first */
    cr_assert_eq(fast.status, STATUS_OK);
    RUN(&f, STORE_READ, events_unit, &page, STATUS_OK);
    cr_assert_eq(page.n_events, 0); /* showing "fast" now would hide "slow" behind the cursor */
    sem_post(&slow.go_on);
    pthread_join(t, NULL);
    cr_assert_eq(slow.status, STATUS_OK);
    for (int i = 0; i < 500; i++) { /* other tests' transactions may hold them back */
        RUN(&f, STORE_READ, events_unit, &page, STATUS_OK);
        if (page.n_events == 2)
            break;
        pause_ms(20);
    }
    cr_assert_eq(page.n_events, 2);
    cr_assert(str_eq(page.events[0].type, STR("slow")));
    cr_assert(str_eq(page.events[1].type, STR("fast")));
    fixture_close(&f);
}

static void kill_connections(struct fixture *f)
{
    cr_assert_gt(fixture_number(f, "SELECT COUNT(pg_terminate_backend(pid, 5000)) FROM "
                                   "pg_stat_activity WHERE application_name = current_schema()"),
                 0);
}

struct cut {
    struct fixture *f;
    int runs;
};

static enum status cut_unit(struct call *c, struct tx *tx, void *arg)
{
    struct cut *x = arg;
    int64_t n;

    TRY(tx_insert_lead(tx, make_lead(c, "Once", "once@x.org")));
    TRY(tx_counter_next(tx, "cut", &n));
    if (x->runs++ == 0)
        kill_connections(x->f);
    return STATUS_OK;
}

static enum status read_cut_unit(struct call *c, struct tx *tx, void *arg)
{
    struct cut *x = arg;
    struct event_cursor end;
    Lead *lead;

    if (x->runs++ == 0)
        kill_connections(x->f);
    TRY(tx_event_end(tx, &end));
    if (tx_find_lead(tx, LEAD_BY_email, STR("once@x.org"), &lead) != STATUS_OK) {
        if (c->fault.status != STATUS_NOT_FOUND)
            return c->fault.status;
        call_clear(c);
    }
    return STATUS_OK;
}

Test(postgres, a_connection_lost_in_a_transaction_is_retried_or_told)
{
    struct cut x = {.runs = 0};
    struct fixture f;
    enum status s;

    fixture_open(&f, ENGINE_POSTGRES);
    x.f = &f;
    cr_assert_eq(put_lead(&f, &f.call, make_lead(&f.call, "first", NULL)), STATUS_OK);
    kill_connections(&f); /* while idle: nobody notices */
    cr_assert_eq(put_lead(&f, &f.call, make_lead(&f.call, "second", NULL)), STATUS_OK, "%s",
                 f.call.fault.why);
    RUN(&f, STORE_READ, read_cut_unit, &x, STATUS_OK); /* before a read: run again */
    cr_assert_eq(x.runs, 2);
    x.runs = 0;
    s = store_run(f.store, &f.call, STORE_WRITE, cut_unit, &x); /* before the commit: who knows? */
    cr_assert_eq(s, STATUS_UNAVAILABLE, "%s", f.call.fault.why);
    cr_assert_str_eq(f.call.fault.reason, "COMMIT_UNKNOWN");
    call_clear(&f.call);
    cr_assert_eq(fixture_number(&f, "SELECT COUNT(*) FROM lead"), 2);
    fixture_close(&f);
}

struct lock {
    struct fixture *f;
    const char *id;
    sem_t inside, go_on;
};

static enum status touch_unit(struct call *c, struct tx *tx, void *arg)
{
    Lead *lead;

    (void)c;
    TRY(tx_get_lead(tx, str_of(arg), &lead));
    return tx_update_lead(tx, lead);
}

static enum status lock_unit(struct call *c, struct tx *tx, void *arg)
{
    struct lock *l = arg;
    Lead *lead;

    TRY(touch_unit(c, tx, (void *)l->id));
    TRY(tx_get_lead(tx, str_of(l->id), &lead)); /* flushes the update: the row is locked */
    sem_post(&l->inside);
    sem_wait(&l->go_on);
    return STATUS_OK;
}

static void *hold_lock(void *arg)
{
    struct lock *l = arg;
    struct call c;

    fixture_call(&c, 1);
    if (store_run(l->f->store, &c, STORE_WRITE, lock_unit, l) != STATUS_OK)
        fprintf(stderr, "%s\n", c.fault.why);
    call_release(&c);
    return NULL;
}

Test(postgres, a_statement_ends_with_the_deadline_of_its_call)
{
    struct fixture f;
    struct lock l;
    pthread_t t;
    Lead *lead;

    fixture_open(&f, ENGINE_POSTGRES);
    lead = make_lead(&f.call, "Locked", NULL);
    cr_assert_eq(put_lead(&f, &f.call, lead), STATUS_OK);
    l = (struct lock){.f = &f, .id = lead->id};
    sem_init(&l.inside, 0, 0);
    sem_init(&l.go_on, 0, 0);
    pthread_create(&t, NULL, hold_lock, &l);
    sem_wait(&l.inside);
    f.call.deadline_ns = call_monotonic_ns(&f.call) + 300000000;
    cr_assert_eq(store_run(f.store, &f.call, STORE_WRITE, touch_unit, lead->id), STATUS_DEADLINE,
                 "%s", f.call.fault.why);
    sem_post(&l.go_on); /* not before: the lock was held all the time */
    pthread_join(t, NULL);
    fixture_close(&f);
}

static enum status refuse_unit(struct call *c, struct tx *tx, void *arg)
{
    Lead *lead;

    TRY(tx_get_lead(tx, str_of(arg), &lead));
    return call_fail(c, STATUS_PRECONDITION, "no");
}

/* Touches a lead that another holds, with so long to live; how long it took, in milliseconds. */
static int64_t touch_in_ms(struct fixture *f, char *id, int64_t ms, enum status want)
{
    int64_t from = call_monotonic_ns(&f->call);

    f->call.deadline_ns = ms ? from + ms * 1000000 : 0;
    cr_assert_eq(store_run(f->store, &f->call, STORE_WRITE, touch_unit, id), want, "%s",
                 f->call.fault.why);
    call_clear(&f->call);
    return (call_monotonic_ns(&f->call) - from) / 1000000;
}

static void *let_go(void *arg)
{
    pause_ms(900);
    sem_post(&((struct lock *)arg)->go_on);
    return NULL;
}

/* The timeout stays with the session: it must be neither that of a call before, nor one that went
 * away with a transaction that failed. */
Test(postgres, a_deadline_is_of_its_call_alone)
{
    struct fixture f;
    struct lock l;
    pthread_t holder, opener;
    Lead *lead;

    fixture_open(&f, ENGINE_POSTGRES);
    lead = make_lead(&f.call, "Locked", NULL);
    cr_assert_eq(put_lead(&f, &f.call, lead), STATUS_OK);
    l = (struct lock){.f = &f, .id = lead->id};
    sem_init(&l.inside, 0, 0);
    sem_init(&l.go_on, 0, 0);
    pthread_create(&holder, NULL, hold_lock, &l);
    sem_wait(&l.inside);
    f.call.deadline_ns = call_monotonic_ns(&f.call) + 400000000;
    cr_assert_eq(store_run(f.store, &f.call, STORE_READ, refuse_unit, lead->id),
                 STATUS_PRECONDITION);
    call_clear(&f.call);
    cr_assert_lt(touch_in_ms(&f, lead->id, 400, STATUS_DEADLINE), 1500);
    f.call.deadline_ns = call_monotonic_ns(&f.call) + 400000000;
    cr_assert_eq(get_lead(&f, &f.call, lead->id, &lead), STATUS_OK);
    pthread_create(&opener, NULL, let_go, &l);
    cr_assert_geq(touch_in_ms(&f, lead->id, 0, STATUS_OK), 500);
    pthread_join(opener, NULL);
    pthread_join(holder, NULL);
    fixture_close(&f);
}

/* A server of the test's own, killed and started again under load. */
enum { WRITERS = 4 };

struct writer {
    struct store *store;
    atomic_bool *stop;
    long acknowledged, unknown, refused;
    char why[300];
};

static enum status insert_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)arg;
    TRY(tx_insert_lead(tx, make_lead(c, "Load", NULL)));
    return tx_event(tx, "sales.lead.created", RECORD_LEAD, STR(""),
                    &make_lead(c, "Load", NULL)->base);
}

static void *write_on(void *arg)
{
    struct writer *w = arg;

    while (!atomic_load(w->stop)) {
        struct call c;
        enum status s;

        fixture_call(&c, 1);
        c.deadline_ns = call_monotonic_ns(&c) + 20000000000;
        s = store_run(w->store, &c, STORE_WRITE, insert_unit, NULL);
        w->acknowledged += s == STATUS_OK;
        w->unknown += s != STATUS_OK && str_eq(str_of(c.fault.reason), STR("COMMIT_UNKNOWN"));
        if (s != STATUS_OK && !str_eq(str_of(c.fault.reason), STR("COMMIT_UNKNOWN"))) {
            w->refused++;
            snprintf(w->why, sizeof w->why, "%s: %s", status_name(s), c.fault.why);
        }
        call_release(&c);
    }
    return NULL;
}

static void pg(const char *word, const char *dir, const char *env)
{
    char command[512];

    snprintf(command, sizeof command, "tests/support/pg.sh %s '%s' > '%s' 2>/dev/null", word, dir,
             env);
    cr_assert_eq(system(command), 0, "%s", command);
}

static void read_env(const char *path)
{
    char command[512], line[512];
    FILE *p;

    snprintf(command, sizeof command,
             ". '%s' && printf '%%s\\n' \"$SALES_TEST_PG\" "
             "\"$SALES_TEST_PG_ADMIN\" \"$SALES_TEST_PG_SUPER\"",
             path);
    cr_assert((p = popen(command, "r")) != NULL);
    for (int i = 0; i < 3; i++) {
        cr_assert(fgets(line, sizeof line, p));
        line[strcspn(line, "\n")] = 0;
        setenv((const char *[]){"SALES_TEST_PG", "SALES_TEST_PG_ADMIN", "SALES_TEST_PG_SUPER"}[i],
               line, 1);
    }
    pclose(p);
}

Test(postgres, killed_and_restarted_under_load_it_loses_nothing, .timeout = 120)
{
    char dir[] = "/tmp/salesd-pg.XXXXXX", data[64], env[64], command[128];
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    atomic_bool stop = false;
    long acknowledged = 0, unknown = 0, rows;
    struct fixture f;

    cr_assert(mkdtemp(dir));
    snprintf(data, sizeof data, "%s/pg", dir);
    snprintf(env, sizeof env, "%s/env", dir);
    pg("start", data, env);
    read_env(env);
    fixture_open(&f, ENGINE_POSTGRES);
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.store = f.store, .stop = &stop};
        pthread_create(&threads[i], NULL, write_on, &writers[i]);
    }
    for (int round = 0; round < 3; round++) {
        pause_ms(300);
        pg("kill", data, env);
        pause_ms(200);
        pg("resume", data, env);
        pause_ms(300);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
        acknowledged += writers[i].acknowledged;
        unknown += writers[i].unknown;
        cr_assert_eq(writers[i].refused, 0, "%s", writers[i].why);
    }
    rows = (long)fixture_number(&f, "SELECT COUNT(*) FROM lead");
    cr_assert_geq(rows, acknowledged);
    cr_assert_leq(rows, acknowledged + unknown);
    cr_assert_eq(fixture_number(&f, "SELECT COUNT(*) FROM outbox"), rows);
    cr_assert_gt(acknowledged, 50);
    fixture_close(&f);
    pg("stop", data, env);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    cr_assert_eq(system(command), 0);
}

static enum status lists_unit(struct call *c, struct tx *tx, void *arg)
{
    int *n = arg;
    struct list_page page;

    /* one statement per number of terms and order: more than a session keeps prepared */
    for (int i = 0; i < 600; i++, ++*n) {
        static const char *const orders[] = {"", "score", "score desc", "create_time",
                                             "created_at"};
        struct buf b;

        buf_init(&b, &c->arena, FILTER_BYTES_MAX);
        for (int k = 0; k <= i / 5 % 30; k++)
            buf_printf(&b, "%sscore %s 1", k ? " AND " : "", i / 150 % 2 ? "<" : ">");
        TRY(tx_list(tx, RECORD_LEAD,
                    &(struct list_query){.filter = buf_str(&b), .order_by = str_of(orders[i % 5])},
                    &page));
    }
    return STATUS_OK;
}

/* Statements push each other out of what a session keeps, and BEGIN with them: whatever a unit has
 * to throw out first, its transaction begins with BEGIN. */
Test(postgres, begins_however_many_statements_there_were)
{
    struct fixture f;
    int n = 0;

    fixture_open(&f, ENGINE_POSTGRES);
    for (int i = 0; i < 3; i++) {
        RUN(&f, STORE_READ, lists_unit, &n, STATUS_OK);
        cr_assert_eq(put_lead(&f, &f.call, make_lead(&f.call, "Ada", NULL)), STATUS_OK, "%d: %s", i,
                     f.call.fault.why);
    }
    cr_assert_eq(n, 1800);
    cr_assert_eq(fixture_number(&f, "SELECT COUNT(*) FROM lead"), 3);
    fixture_close(&f);
}
