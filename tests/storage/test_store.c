/* The contract of store/store.h, run on both engines: an engine is right when this passes. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "storage/fixture.h"
#include "support/table.h"

static const enum engine engines[] = {ENGINE_SQLITE, ENGINE_POSTGRES};

/* Declares a test that runs once per engine, with an empty store in f. */
#define STORE_TEST(name)                                                                           \
    static void name##_body(struct fixture *f);                                                    \
    TABLE_TEST(store, name, enum engine, engines)                                                  \
    {                                                                                              \
        struct fixture f;                                                                          \
                                                                                                   \
        fixture_open(&f, *row);                                                                    \
        name##_body(&f);                                                                           \
        fixture_close(&f);                                                                         \
    }                                                                                              \
    static void name##_body(struct fixture *f)

static bool has_detail(const struct call *c, const char *subject, const char *text)
{
    for (size_t i = 0; i < c->fault.n_details; i++)
        if (str_eq(c->fault.details[i].subject, str_of(subject)) &&
            (!text || str_eq(c->fault.details[i].text, str_of(text))))
            return true;
    return false;
}

STORE_TEST(insert_sets_what_the_store_owns_and_get_returns_it_all)
{
    Lead *in = make_lead(&f->call, "Ada Lovelace", "ada@example.org"), *out;

    cr_assert_eq(put_lead(f, &f->call, in), STATUS_OK, "%s", f->call.fault.why);
    cr_assert_eq(strlen(in->id), UUID_TEXT_BYTES);
    cr_assert(in->etag[0] && in->create_time && in->update_time);
    cr_assert_eq(get_lead(f, &f->call, in->id, &out), STATUS_OK, "%s", f->call.fault.why);
    cr_assert_str_eq(out->id, in->id);
    cr_assert_str_eq(out->etag, in->etag);
    cr_assert_str_eq(out->full_name, "Ada Lovelace");
    cr_assert_str_eq(out->email, "ada@example.org");
    cr_assert_eq(out->status, LEAD_STATUS_NEW);
    cr_assert_eq(out->create_time->seconds, in->create_time->seconds);
    cr_assert_eq(out->update_time->nanos, in->update_time->nanos);
}

STORE_TEST(unknown_malformed_and_foreign_ids_are_not_found_alike)
{
    static const char *const ids[] = {"0190d7a0-0000-7000-8000-000000000000", "", "x", "default"};
    Lead *lead = make_lead(&f->call, "Ada", NULL), *out;
    struct call other;
    char why[FAULT_WHY_BYTES];

    cr_assert_eq(put_lead(f, &f->call, lead), STATUS_OK);
    fixture_call(&other, 2);
    cr_assert_eq(get_lead(f, &other, lead->id, &out), STATUS_NOT_FOUND);
    snprintf(why, sizeof why, "%s", other.fault.why);
    call_release(&other);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        cr_assert_eq(get_lead(f, &f->call, ids[i], &out), STATUS_NOT_FOUND, "%s", ids[i]);
        cr_assert_null(out);
        cr_assert_str_eq(f->call.fault.why, why);
        call_clear(&f->call);
    }
}

struct rename {
    const char *id, *etag, *name;
    Lead *lead;
};

static enum status rename_unit(struct call *c, struct tx *tx, void *arg)
{
    struct rename *r = arg;

    TRY(tx_get_lead(tx, str_of(r->id), &r->lead));
    TRY(tx_match(tx, &r->lead->base, str_of(r->etag)));
    r->lead->full_name = arena_cstr(&c->arena, str_of(r->name));
    return tx_update_lead(tx, r->lead);
}

STORE_TEST(update_changes_the_etag_and_a_stale_one_is_refused)
{
    Lead *lead = make_lead(&f->call, "Ada", NULL), *out;
    struct rename r;
    char *first;

    cr_assert_eq(put_lead(f, &f->call, lead), STATUS_OK);
    first = lead->etag;
    r = (struct rename){lead->id, first, "Ada Byron", NULL};
    RUN(f, STORE_WRITE, rename_unit, &r, STATUS_OK);
    cr_assert_str_neq(r.lead->etag, first);
    r = (struct rename){lead->id, first, "Nobody", NULL};
    cr_assert_eq(store_run(f->store, &f->call, STORE_WRITE, rename_unit, &r), STATUS_CONFLICT);
    cr_assert_str_eq(f->call.fault.reason, "ETAG_MISMATCH");
    call_clear(&f->call);
    cr_assert_eq(get_lead(f, &f->call, lead->id, &out), STATUS_OK);
    cr_assert_str_eq(out->full_name, "Ada Byron");
    r = (struct rename){lead->id, "", "Countess", NULL};
    RUN(f, STORE_WRITE, rename_unit, &r, STATUS_OK);
}

static enum status blind_update_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_update_lead(tx, arg);
}

STORE_TEST(update_without_a_read_checks_the_etag_of_the_message)
{
    Lead *lead = make_lead(&f->call, "Ada", NULL);
    char *first, *other;

    cr_assert_eq(put_lead(f, &f->call, lead), STATUS_OK);
    first = lead->etag;
    RUN(f, STORE_WRITE, blind_update_unit, lead, STATUS_OK);
    lead->etag = first;
    RUN(f, STORE_WRITE, blind_update_unit, lead, STATUS_CONFLICT);
    lead->etag = "not an etag";
    RUN(f, STORE_WRITE, blind_update_unit, lead, STATUS_CONFLICT);
    other = lead->id;
    lead->id = "0190d7a0-0000-7000-8000-000000000000";
    RUN(f, STORE_WRITE, blind_update_unit, lead, STATUS_NOT_FOUND);
    cr_assert(other);
}

static enum status delete_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_delete_lead(tx, str_of(arg), (str){0});
}

STORE_TEST(delete_leaves_nothing_behind)
{
    Lead *lead = make_lead(&f->call, "Ada Lovelace", "a@b.c"), *out;

    lead->n_tags = 1;
    lead->tags = (char *[]){"vip"};
    cr_assert_eq(put_lead(f, &f->call, lead), STATUS_OK);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM word"), 3);
    RUN(f, STORE_WRITE, delete_unit, lead->id, STATUS_OK);
    RUN(f, STORE_WRITE, delete_unit, lead->id, STATUS_NOT_FOUND);
    cr_assert_eq(get_lead(f, &f->call, lead->id, &out), STATUS_NOT_FOUND);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM word"), 0);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM lead"), 0);
}

static enum status refuse_unit(struct call *c, struct tx *tx, void *arg)
{
    TRY(tx_insert_lead(tx, make_lead(c, "Half Written", "half@written.org")));
    TRY(tx_event(tx, "sales.lead.created", RECORD_LEAD, STR("x"), &make_lead(c, "", "")->base));
    return call_fail(c, *(enum status *)arg, "refused by the unit");
}

STORE_TEST(a_unit_that_refuses_leaves_nothing)
{
    enum status why = STATUS_PRECONDITION;

    RUN(f, STORE_WRITE, refuse_unit, &why, STATUS_PRECONDITION);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM lead"), 0);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM outbox"), 0);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM word"), 0);
    cr_assert_eq(put_lead(f, &f->call, make_lead(&f->call, "Next", "half@written.org")), STATUS_OK);
}

STORE_TEST(a_read_unit_cannot_write_and_a_unit_needs_a_tenant)
{
    struct call nobody;

    RUN(f, STORE_READ, blind_update_unit, make_lead(&f->call, "x", NULL), STATUS_INTERNAL);
    fixture_call(&nobody, 0);
    cr_assert_eq(put_lead(f, &nobody, make_lead(&nobody, "x", NULL)), STATUS_INTERNAL);
    call_release(&nobody);
}

STORE_TEST(a_taken_external_id_is_named)
{
    Lead *a = make_lead(&f->call, "A", NULL), *b = make_lead(&f->call, "B", NULL);

    a->external_id = b->external_id = "crm-17";
    cr_assert_eq(put_lead(f, &f->call, a), STATUS_OK);
    cr_assert_eq(put_lead(f, &f->call, b), STATUS_EXISTS);
    cr_assert(has_detail(&f->call, "kind", "lead"));
    cr_assert(has_detail(&f->call, "column", "external_id"));
    cr_assert_null(strstr(f->call.fault.why, "crm-17"));
}

static enum status copy_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_insert_copy(tx, RECORD_LEAD, &((Lead *)arg)->base);
}

STORE_TEST(a_deliberate_copy_may_repeat_the_email)
{
    Lead *a = make_lead(&f->call, "A", "a@x.org"), *b = make_lead(&f->call, "B", "a@x.org"),
         *d = make_lead(&f->call, "D", "a@x.org");

    cr_assert_eq(put_lead(f, &f->call, a), STATUS_OK);
    cr_assert_eq(put_lead(f, &f->call, b), STATUS_EXISTS);
    cr_assert(has_detail(&f->call, "column", "email"));
    call_clear(&f->call);
    RUN(f, STORE_WRITE, copy_unit, b, STATUS_OK);
    RUN(f, STORE_WRITE, copy_unit, d, STATUS_OK);
}

struct find {
    const char *email;
    char *id;
};

static enum status find_unit(struct call *c, struct tx *tx, void *arg)
{
    struct find *q = arg;
    Lead *lead;

    (void)c;
    q->id = NULL;
    TRY(tx_find_lead(tx, LEAD_BY_email, str_of(q->email), &lead));
    q->id = lead->id;
    return STATUS_OK;
}

STORE_TEST(find_by_a_blind_value)
{
    Lead *a = make_lead(&f->call, "A", "a@x.org");
    struct find q = {.email = "a@x.org"};

    cr_assert_eq(put_lead(f, &f->call, a), STATUS_OK);
    RUN(f, STORE_READ, find_unit, &q, STATUS_OK);
    cr_assert_str_eq(q.id, a->id);
    q.email = "A+list@X.org"; /* a MAIL column: the same mailbox in another spelling */
    RUN(f, STORE_READ, find_unit, &q, STATUS_OK);
    q.email = "b@x.org";
    RUN(f, STORE_READ, find_unit, &q, STATUS_NOT_FOUND);
    q.email = "";
    RUN(f, STORE_READ, find_unit, &q, STATUS_NOT_FOUND);
}

enum { MANY = 700 };

struct many {
    char ids[MANY][UUID_TEXT_BYTES + 1];
    str emails[MANY];
    struct uuid found[MANY];
    size_t n;
};

static enum status put_many_unit(struct call *c, struct tx *tx, void *arg)
{
    struct many *m = arg;

    for (size_t i = 0; i < MANY; i++) {
        char *email = arena_printf(&c->arena, "p%zu@x.org", i);
        Lead *lead = make_lead(c, "P", email);

        TRY(tx_insert_lead(tx, lead));
        memcpy(m->ids[i], lead->id, sizeof m->ids[i]);
        m->emails[i] = str_of(email);
    }
    return STATUS_OK;
}

static enum status find_many_unit(struct call *c, struct tx *tx, void *arg)
{
    struct many *m = arg;
    ProtobufCMessage **got = NEW(&c->arena, ProtobufCMessage *, MANY);
    str *ids = NEW(&c->arena, str, MANY);

    for (size_t i = 0; i < MANY; i++)
        ids[i] = str_of(m->ids[MANY - 1 - i]);
    ids[3] = STR("0190d7a0-0000-7000-8000-000000000000");
    TRY(tx_find_ids(tx, LEAD_BY_email, m->emails, m->n, m->found));
    TRY(tx_get_many(tx, RECORD_LEAD, ids, MANY, got));
    for (size_t i = 0; i < MANY; i++)
        if (i == 3)
            cr_assert_null(got[i]);
        else
            cr_assert_str_eq(((Lead *)got[i])->id, m->ids[MANY - 1 - i]);
    return STATUS_OK;
}

STORE_TEST(find_many_keeps_the_callers_order)
{
    struct many *m = NEW(&f->call.arena, struct many, 1);
    static const struct uuid none;
    char text[UUID_TEXT_BYTES + 1];

    RUN(f, STORE_WRITE, put_many_unit, m, STATUS_OK);
    m->emails[5] = STR("nobody@x.org");
    m->emails[6] = STR("");
    m->emails[9] = m->emails[8];
    m->n = MANY;
    RUN(f, STORE_READ, find_many_unit, m, STATUS_OK);
    for (size_t i = 0; i < MANY; i++) {
        uuid_format(m->found[i], text);
        if (i == 5 || i == 6)
            cr_assert_eq(memcmp(&m->found[i], &none, sizeof none), 0);
        else
            cr_assert_str_eq(text, m->ids[i == 9 ? 8 : i], "%zu", i);
    }
    m->n = 0;
    RUN(f, STORE_READ, find_many_unit, m, STATUS_OK);
}

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
