/* The contract of store/store.h, run on both engines. Here: events, the system's records,
 * concurrency, failures. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STORE_SUITE unit
#include "storage/store_test.h"

static enum status event_unit(struct call *c, struct tx *tx, void *arg)
{
    Lead *lead = make_lead(c, arg, NULL);

    TRY(tx_insert_lead(tx, lead));
    return tx_event(tx, "sales.lead.created", RECORD_LEAD, str_of(lead->id), &lead->base);
}

struct feed {
    struct event_cursor after, end;
    struct event_page page;
};

static enum status feed_unit(struct call *c, struct tx *tx, void *arg)
{
    struct feed *d = arg;

    (void)c;
    TRY(tx_event_end(tx, &d->end));
    return tx_event_list(tx, d->after, 2, &d->page);
}

/* Another test's transaction on the same server may hold events back for a moment. */
static void wait_for_events(struct fixture *f, long long n)
{
    for (int i = 0; fixture_number(f, "SELECT COUNT(*) FROM outbox_visible") < n; i++) {
        cr_assert_lt(i, 500, "events do not become visible");
        nanosleep(&(struct timespec){0, 20000000}, NULL);
    }
}

struct two_reads {
    const char *id;
    int n;
    Lead *lead;
};

static enum status reads_unit(struct call *c, struct tx *tx, void *arg)
{
    struct two_reads *r = arg;

    (void)c;
    for (int i = 0; i < r->n; i++)
        TRY(tx_get_lead(tx, str_of(r->id), &r->lead));
    return STATUS_OK;
}

/* One connection serves one tenant after the other: what the first statement of a unit said of its
 * tenant must not outlive the unit. */
STORE_TEST(a_unit_of_one_statement_knows_only_its_tenant_and_runs_no_second)
{
    Lead *mine = make_lead(&f->call, "Ada", NULL), *theirs;
    struct two_reads one = {.n = 1}, two = {.n = 2}, none = {.n = 0};
    struct call other;

    fixture_call(&other, 2);
    theirs = make_lead(&other, "Bob", NULL);
    cr_assert_eq(put_lead(f, &f->call, mine), STATUS_OK);
    cr_assert_eq(put_lead(f, &other, theirs), STATUS_OK);
    one.id = two.id = none.id = mine->id;
    for (int i = 0; i < 3; i++) {
        RUN(f, STORE_READ_ONE, reads_unit, &one, STATUS_OK);
        cr_assert_str_eq(one.lead->full_name, "Ada");
        cr_assert_eq(store_run(f->store, &other, STORE_READ_ONE, reads_unit, &one),
                     STATUS_NOT_FOUND);
        call_clear(&other);
        RUN(f, STORE_READ_ONE, reads_unit, &none, STATUS_OK);
        RUN(f, STORE_READ_ONE, reads_unit, &two, STATUS_INTERNAL);
        RUN(f, STORE_READ, reads_unit, &two, STATUS_OK);
        RUN(f, STORE_READ_ONE, event_unit, "x", STATUS_INTERNAL);
    }
    call_release(&other);
}

STORE_TEST(events_come_in_order_to_their_tenant_and_to_the_system)
{
    struct feed d = {.after = {0, 0}};
    struct call other;
    Lead *lead;
    char names[8] = "";

    RUN(f, STORE_READ, feed_unit, &d, STATUS_OK);
    cr_assert_eq(d.page.n_events, 0);
    RUN(f, STORE_WRITE, event_unit, "a", STATUS_OK);
    RUN(f, STORE_WRITE, event_unit, "b", STATUS_OK);
    RUN(f, STORE_WRITE, event_unit, "c", STATUS_OK);
    fixture_call(&other, 2);
    cr_assert_eq(store_run(f->store, &other, STORE_WRITE, event_unit, "z"), STATUS_OK);
    wait_for_events(f, 4);
    do {
        RUN(f, STORE_READ, feed_unit, &d, STATUS_OK);
        for (size_t i = 0; i < d.page.n_events; i++) {
            const struct event *e = &d.page.events[i];

            lead = (Lead *)protobuf_c_message_unpack(&sales__v1__lead__descriptor, NULL, e->data.n,
                                                     (const uint8_t *)e->data.p);
            strncat(names, lead->full_name, 1);
            cr_assert_eq(e->kind, RECORD_LEAD);
            cr_assert_eq(e->tenant_id, 1);
            protobuf_c_message_free_unpacked(&lead->base, NULL);
        }
        d.after = d.page.next;
    } while (d.page.n_events);
    cr_assert_str_eq(names, "abc");
    cr_assert_eq(memcmp(&d.after, &d.end, sizeof d.end), 0);
    d.after = (struct event_cursor){0, 0};
    cr_assert_eq(fixture_reopen(f), STATUS_OK); /* the system has not the tenants' keys in memory */
    cr_assert_eq(store_run_system(f->store, &other, STORE_READ, feed_unit, &d), STATUS_OK, "%s",
                 other.fault.why);
    d.after = d.page.next;
    cr_assert_eq(store_run_system(f->store, &other, STORE_READ, feed_unit, &d), STATUS_OK);
    cr_assert_eq(d.page.n_events, 2);
    cr_assert_eq(d.page.events[1].tenant_id, 2);
    call_release(&other);
}

struct system_records {
    TenantRecord tenant;
    Tenant shown;
    ApiKeyRecord key;
    ApiKey shown_key;
    int64_t number;
};

static enum status system_unit(struct call *c, struct tx *tx, void *arg)
{
    struct system_records *s = arg;

    (void)c;
    TRY(tx_counter_next(tx, "tenant", &s->number));
    s->tenant.number = s->number;
    TRY(tx_insert_tenant(tx, &s->tenant));
    s->key.tenant_id = s->shown.id;
    return tx_insert_api_key(tx, &s->key);
}

static enum status authenticate_unit(struct call *c, struct tx *tx, void *arg)
{
    struct system_records *s = arg;
    ApiKeyRecord *key;
    TenantRecord *tenant;

    (void)c;
    TRY(tx_find_api_key(tx, API_KEY_BY_secret_sha256, STR("0123456789abcdef0123456789abcdef"),
                        &key));
    TRY(tx_get_tenant(tx, str_of(key->tenant_id), &tenant));
    s->number = tenant->number;
    return STATUS_OK;
}

STORE_TEST(tenants_and_keys_are_the_systems_own)
{
    struct system_records s = {.number = 0};
    unsigned char secret[] = "0123456789abcdef0123456789abcdef";

    s.tenant = (TenantRecord)TENANT_RECORD_INIT;
    s.shown = (Tenant)TENANT_INIT;
    s.key = (ApiKeyRecord)API_KEY_RECORD_INIT;
    s.shown_key = (ApiKey)API_KEY_INIT;
    s.tenant.tenant = &s.shown;
    s.shown.key = "demo";
    s.key.api_key = &s.shown_key;
    s.key.secret_sha256 = (ProtobufCBinaryData){32, secret};
    cr_assert_eq(store_run_system(f->store, &f->call, STORE_WRITE, system_unit, &s), STATUS_OK,
                 "%s", f->call.fault.why);
    cr_assert_eq(s.number, 1);
    s.number = 0;
    cr_assert_eq(store_run_system(f->store, &f->call, STORE_READ, authenticate_unit, &s), STATUS_OK,
                 "%s", f->call.fault.why);
    cr_assert_eq(s.number, 1);
    s.shown.id = "";
    cr_assert_eq(store_run_system(f->store, &f->call, STORE_WRITE, system_unit, &s), STATUS_EXISTS);
    cr_assert(has_detail(&f->call, "column", "key"));
}

static enum status pipeline_unit(struct call *c, struct tx *tx, void *arg)
{
    Pipeline p = PIPELINE_INIT, *got;

    (void)c;
    (void)arg;
    p.id = "default";
    p.name = "Default";
    TRY(tx_insert_pipeline(tx, &p));
    TRY(tx_get_pipeline(tx, STR("default"), &got));
    cr_assert_str_eq(got->id, "default");
    got->name = "Changed";
    TRY(tx_update_pipeline(tx, got));
    TRY(tx_get_pipeline(tx, STR("default"), &got));
    cr_assert_str_eq(got->name, "Changed");
    return STATUS_OK;
}

STORE_TEST(a_record_may_have_a_name_for_an_id)
{
    RUN(f, STORE_WRITE, pipeline_unit, NULL, STATUS_OK);
    RUN(f, STORE_WRITE, pipeline_unit, NULL, STATUS_EXISTS);
}

/* Eight threads add one to the same lead's score, each by read and update. */
enum { THREADS = 8, ROUNDS = 20 };

struct adder {
    struct fixture *f;
    const char *id;
    int done;
};

static enum status add_unit(struct call *c, struct tx *tx, void *arg)
{
    Lead *lead;

    TRY(tx_get_lead(tx, str_of(arg), &lead));
    if (!lead->score) {
        lead->score = NEW(&c->arena, LeadScoreSummary, 1);
        *lead->score = (LeadScoreSummary)LEAD_SCORE_SUMMARY_INIT;
    }
    lead->score->score++;
    return tx_update_lead(tx, lead);
}

static void *add_many(void *arg)
{
    struct adder *a = arg;

    for (int i = 0; i < ROUNDS; i++) {
        struct call c;

        fixture_call(&c, 1);
        a->done += store_run(a->f->store, &c, STORE_WRITE, add_unit, (void *)a->id) == STATUS_OK;
        call_release(&c);
    }
    return NULL;
}

STORE_TEST(concurrent_changes_of_one_record_all_count)
{
    Lead *lead = make_lead(&f->call, "Counter", NULL), *out;
    pthread_t threads[THREADS];
    struct adder adders[THREADS];
    int done = 0;

    cr_assert_eq(put_lead(f, &f->call, lead), STATUS_OK);
    for (int i = 0; i < THREADS; i++) {
        adders[i] = (struct adder){f, lead->id, 0};
        pthread_create(&threads[i], NULL, add_many, &adders[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        done += adders[i].done;
    }
    cr_assert_eq(get_lead(f, &f->call, lead->id, &out), STATUS_OK);
    cr_assert_eq(out->score->score, done);
    cr_assert_geq(done, THREADS * ROUNDS * 9 / 10, "only %d of %d", done, THREADS * ROUNDS);
}

/* Looks for a duplicate, then inserts: the way of CreateLead. */
static enum status create_unit(struct call *c, struct tx *tx, void *arg)
{
    bool *created = arg;
    Lead *lead;

    *created = false;
    if (tx_find_lead(tx, LEAD_BY_email, STR("one@x.org"), &lead) == STATUS_OK)
        return STATUS_OK;
    if (c->fault.status != STATUS_NOT_FOUND)
        return c->fault.status;
    call_clear(c);
    *created = true;
    return tx_insert_lead(tx, make_lead(c, "One", "one@x.org"));
}

static void *create_once(void *arg)
{
    struct adder *a = arg;
    struct call c;
    bool created = false;

    fixture_call(&c, 1);
    if (store_run(a->f->store, &c, STORE_WRITE, create_unit, &created) != STATUS_OK)
        a->done = -100;
    else
        a->done += created;
    call_release(&c);
    return NULL;
}

STORE_TEST(concurrent_creations_of_one_email_make_one_lead)
{
    pthread_t threads[THREADS];
    struct adder adders[THREADS];
    int done = 0;

    for (int i = 0; i < THREADS; i++) {
        adders[i] = (struct adder){f, NULL, 0};
        pthread_create(&threads[i], NULL, create_once, &adders[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        done += adders[i].done;
    }
    cr_assert_eq(done, 1);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM lead"), 1);
}

STORE_TEST(a_passed_deadline_or_a_cancelled_call_does_nothing)
{
    atomic_bool cancelled = true;

    f->call.deadline_ns = call_monotonic_ns(&f->call) - 1;
    cr_assert_eq(put_lead(f, &f->call, make_lead(&f->call, "x", NULL)), STATUS_DEADLINE);
    call_clear(&f->call);
    f->call.deadline_ns = 0;
    f->call.cancelled = &cancelled;
    cr_assert_eq(put_lead(f, &f->call, make_lead(&f->call, "x", NULL)), STATUS_CANCELLED);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM lead"), 0);
}

static const struct {
    enum sql_error error;
    enum status status;
} failures[] = {
    {SQL_ERROR_FULL, STATUS_EXHAUSTED},   {SQL_ERROR_READONLY, STATUS_UNAVAILABLE},
    {SQL_ERROR_IO, STATUS_UNAVAILABLE},   {SQL_ERROR_CORRUPT, STATUS_DATA_LOSS},
    {SQL_ERROR_TIMEOUT, STATUS_DEADLINE},
};

static enum status change_unit(struct call *c, struct tx *tx, void *arg)
{
    Lead *lead;

    TRY(tx_get_lead(tx, str_of(arg), &lead));
    lead->full_name = "Changed Name";
    TRY(tx_update_lead(tx, lead));
    TRY(tx_insert_lead(tx, make_lead(c, "Second", "second@x.org")));
    return tx_event(tx, "sales.lead.updated", RECORD_LEAD, str_of(lead->id), &lead->base);
}

/* Whichever operation fails, the unit fails with that status and leaves nothing. */
STORE_TEST(every_failure_of_the_engine_is_clean)
{
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        Lead *lead = make_lead(&f->call, "First Name", NULL), *out;
        enum status s = STATUS_INTERNAL;
        long n;

        cr_assert_eq(put_lead(f, &f->call, lead), STATUS_OK);
        f->fault.error = failures[i].error;
        for (n = 1; s != STATUS_OK; n++) {
            cr_assert_leq(n, 50);
            atomic_store(&f->fault.countdown, n);
            s = store_run(f->store, &f->call, STORE_WRITE, change_unit, lead->id);
            atomic_store(&f->fault.countdown, 0);
            if (s == STATUS_OK)
                break;
            cr_assert_eq(s, failures[i].status, "operation %ld: %s", n, f->call.fault.why);
            call_clear(&f->call);
            cr_assert_eq(get_lead(f, &f->call, lead->id, &out), STATUS_OK, "%s", f->call.fault.why);
            cr_assert_str_eq(out->full_name, "First Name", "operation %ld", n);
            cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM outbox"), 0);
        }
        cr_assert_geq(n, 4); /* it did fail at the read, the writes and the commit */
        cr_assert_eq(get_lead(f, &f->call, lead->id, &out), STATUS_OK);
        cr_assert_str_eq(out->full_name, "Changed Name");
        fixture_sql(f, "DELETE FROM lead");
        fixture_sql(f, "DELETE FROM outbox");
        fixture_sql(f, "DELETE FROM word");
    }
}

STORE_TEST(passing_failures_are_retried)
{
    static const enum sql_error passing[] = {SQL_ERROR_BUSY, SQL_ERROR_SERIALIZE,
                                             SQL_ERROR_CONNECTION};

    for (size_t i = 0; i < 3; i++)
        for (long n = 1; n < 6; n++) {
            f->fault.error = passing[i];
            atomic_store(&f->fault.countdown, n);
            cr_assert_eq(put_lead(f, &f->call, make_lead(&f->call, "x", NULL)), STATUS_OK, "%s",
                         f->call.fault.why);
        }
    atomic_store(&f->fault.countdown, 0);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM lead"), 15);
}

STORE_TEST(what_was_written_is_there_after_reopening)
{
    Lead *lead = make_lead(&f->call, "Ada", "a@b.org"), *out;
    char command[256];

    cr_assert_eq(put_lead(f, &f->call, lead), STATUS_OK);
    cr_assert_eq(fixture_reopen(f), STATUS_OK, "%s", f->call.fault.why);
    cr_assert_eq(get_lead(f, &f->call, lead->id, &out), STATUS_OK, "%s", f->call.fault.why);
    cr_assert_str_eq(out->email, "a@b.org");
    cr_assert_eq(store_check(f->store, &f->call), STATUS_OK);
    snprintf(command, sizeof command, "rm '%s/master.key'", f->dir);
    cr_assert_eq(system(command), 0);
    cr_assert_eq(fixture_reopen(f), STATUS_PRECONDITION); /* a new key is made; it does not fit */
    cr_assert_str_eq(f->call.fault.reason, "MASTER_KEY");
}

STORE_TEST(a_damaged_or_moved_body_is_told)
{
    Lead *a = make_lead(&f->call, "A", NULL), *b = make_lead(&f->call, "B", NULL), *out;

    cr_assert_eq(put_lead(f, &f->call, a), STATUS_OK);
    cr_assert_eq(put_lead(f, &f->call, b), STATUS_OK);
    fixture_sql(f, "UPDATE lead SET body = (SELECT body FROM lead ORDER BY id LIMIT 1)");
    cr_assert_eq(get_lead(f, &f->call, a->id, &out), STATUS_OK); /* its own, back in its place */
    cr_assert_eq(get_lead(f, &f->call, b->id, &out), STATUS_DATA_LOSS);
    call_clear(&f->call);
    fixture_sql(f, "UPDATE lead SET version = version + 1");
    cr_assert_eq(get_lead(f, &f->call, a->id, &out), STATUS_DATA_LOSS);
}

STORE_TEST(nothing_personal_is_stored_in_the_clear)
{
    Lead *lead = make_lead(&f->call, "Zaphod Beeblebrox", "zaphod@heartofgold.example");
    char command[2048];

    cr_assert_eq(put_lead(f, &f->call, lead), STATUS_OK);
    cr_assert_eq(store_run(f->store, &f->call, STORE_WRITE, event_unit, "Zaphod"), STATUS_OK);
    if (f->engine == ENGINE_SQLITE)
        snprintf(command, sizeof command, "! grep -ilE 'zaphod|beeblebrox|heartofgold' '%s'/*",
                 f->dir);
    else
        snprintf(
            command, sizeof command,
            "psql \"%s\" -XAtc 'SELECT * FROM lead' -c 'SELECT * FROM outbox' -c 'SELECT * FROM "
            "word' > '%s/dump' && test -s '%s/dump' && "
            "! grep -iE 'zaphod|beeblebrox|7a6170686f64' '%s/dump'",
            f->super, f->dir, f->dir, f->dir);
    cr_assert_eq(system(command), 0);
}
