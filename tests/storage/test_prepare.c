/* The contract of store/prepare.h, run on both engines: what was prepared becomes what an insert
 * would have made, and nothing before. */
#include <stdio.h>
#include <time.h>

#define STORE_SUITE prepare
#include "storage/store_test.h"
#include "store/key.h"
#include "store/prepare.h"

enum { LEADS = 200 };

struct many {
    Lead *leads[LEADS];
    struct prepared *ready[LEADS];
    struct preparation *preparation;
    struct uuid found[LEADS];
    bool is_copy;
};

static enum status ready_unit(struct call *c, struct tx *tx, void *arg)
{
    struct many *m = arg;

    for (int i = 0; i < LEADS; i++) {
        char name[32], email[32];

        snprintf(name, sizeof name, "Ada Number%d", i);
        snprintf(email, sizeof email, "%d@x.org", i);
        m->leads[i] = make_lead(c, name, email);
        TRY(tx_prepare_find(tx, LEAD_BY_email, str_of(m->leads[i]->email)));
        TRY(tx_prepare_insert(tx, RECORD_LEAD, &m->leads[i]->base, "sales.lead.created",
                              &m->ready[i]));
    }
    return STATUS_OK;
}

static enum status insert_unit(struct call *c, struct tx *tx, void *arg)
{
    struct many *m = arg;
    str emails[LEADS];

    (void)c;
    tx_use_prepared(tx, m->preparation);
    for (int i = 0; i < LEADS; i++)
        emails[i] = str_of(m->leads[i]->email);
    TRY(tx_find_ids(tx, LEAD_BY_email, emails, LEADS, m->found));
    for (int i = 0; i < LEADS; i++)
        TRY(tx_insert_prepared(tx, m->ready[i], m->is_copy));
    return STATUS_OK;
}

static enum status search_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_list(tx, RECORD_LEAD,
                   &(struct list_query){.search = STR("ada number17"), .page_size = 10}, arg);
}

static enum status events_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_event_list(tx, (struct event_cursor){0}, LEADS + 1, arg);
}

static struct many *prepare(struct fixture *f)
{
    struct many *m = NEW(&f->call.arena, struct many, 1);

    cr_assert_eq(store_prepare(f->store, &f->call, ready_unit, m, &m->preparation), STATUS_OK, "%s",
                 f->call.fault.why);
    return m;
}

/* Every lead, its words, its event with it as data, and an entry of the trail. */
static void expect_all(struct fixture *f, const struct many *m)
{
    struct list_page page;
    struct event_page events;
    Lead *out;

    for (int i = 0; i < LEADS; i++) {
        cr_assert_eq(get_lead(f, &f->call, m->leads[i]->id, &out), STATUS_OK, "%s",
                     f->call.fault.why);
        cr_assert_str_eq(out->email, m->leads[i]->email);
        cr_assert_str_eq(out->etag, m->leads[i]->etag);
        cr_assert_eq(out->create_time->nanos, m->leads[i]->create_time->nanos);
    }
    RUN(f, STORE_READ, search_unit, &page, STATUS_OK);
    cr_assert_eq(page.n_items, 1);
    cr_assert_str_eq(((Lead *)page.items[0])->id, m->leads[17]->id);
    for (int i = 0; i < 500; i++) { /* transactions of other tests hold events back */
        RUN(f, STORE_READ, events_unit, &events, STATUS_OK);
        if (events.n_events == LEADS)
            break;
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    cr_assert_eq(events.n_events, LEADS);
    for (int i = 0; i < LEADS; i++) {
        Lead *data = sales__v1__lead__unpack(NULL, events.events[i].data.n,
                                             (const uint8_t *)events.events[i].data.p);

        cr_assert_eq(events.events[i].body, EVENT_WHOLE);
        cr_assert_str_eq(data->id, m->leads[i]->id);
        cr_assert_str_eq(data->email, m->leads[i]->email);
        protobuf_c_message_free_unpacked(&data->base, NULL);
    }
    cr_assert_eq(fixture_number(f, "SELECT count(*) FROM audit WHERE tenant_id = 1"), 1);
}

STORE_TEST(what_was_prepared_is_stored_as_an_insert_would)
{
    static const struct uuid none;
    struct many *m = prepare(f);

    RUN(f, STORE_WRITE, insert_unit, m, STATUS_OK);
    for (int i = 0; i < LEADS; i++)
        cr_assert_eq(memcmp(&m->found[i], &none, sizeof none), 0);
    expect_all(f, m);
}

STORE_TEST(what_is_not_inserted_is_nothing)
{
    prepare(f);
    cr_assert_eq(fixture_number(f, "SELECT count(*) FROM lead"), 0);
    cr_assert_eq(fixture_number(f, "SELECT count(*) FROM outbox"), 0);
    cr_assert_eq(fixture_number(f, "SELECT count(*) FROM word"), 0);
}

/* A key may have been destroyed since: what it sealed must not come into the store. */
STORE_TEST(with_keys_read_anew_the_work_is_done_again)
{
    struct many *m = prepare(f);

    store_keys_forget(f->store, 1);
    RUN(f, STORE_WRITE, insert_unit, m, STATUS_OK);
    expect_all(f, m);
}

STORE_TEST(a_taken_value_is_refused_but_to_a_copy)
{
    struct many *first = prepare(f), *second = prepare(f), *third = prepare(f);
    struct uuid id;

    RUN(f, STORE_WRITE, insert_unit, first, STATUS_OK);
    cr_assert_eq(store_run(f->store, &f->call, STORE_WRITE, insert_unit, second), STATUS_EXISTS);
    cr_assert(has_detail(&f->call, "column", "email"));
    call_clear(&f->call);
    cr_assert(uuid_parse(str_of(first->leads[5]->id), &id));
    cr_assert_eq(memcmp(&second->found[5], &id, sizeof id), 0, "the run saw who was first");
    expect_all(f, first);
    third->is_copy = true;
    RUN(f, STORE_WRITE, insert_unit, third, STATUS_OK);
    cr_assert_eq(fixture_number(f, "SELECT count(*) FROM lead"), 2 * LEADS);
}

/* The engine may fail at any statement: the unit runs again with what was prepared once. */
STORE_TEST(a_unit_that_runs_again_uses_it_again)
{
    struct many *m = prepare(f);

    f->fault.error = SQL_ERROR_BUSY;
    atomic_store(&f->fault.countdown, 7);
    RUN(f, STORE_WRITE, insert_unit, m, STATUS_OK);
    cr_assert_eq(atomic_load(&f->fault.countdown), 0);
    expect_all(f, m);
}
