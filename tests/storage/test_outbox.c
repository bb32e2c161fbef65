/* The contract of store/outbox.h, run on both engines. */
#include <stdio.h>
#include <time.h>

#define STORE_SUITE outbox
#include "storage/store_test.h"
#include "store/key.h"
#include "store/outbox.h"

enum { LEASE_US = 60000000 };

static void system_run(struct fixture *f, store_unit_fn fn, void *arg, enum status want)
{
    enum status got = store_run_system(f->store, &f->call, STORE_WRITE, fn, arg);

    cr_assert_eq(got, want, "%s: %s (%s)", engine_names[f->engine], status_name(got),
                 f->call.fault.why);
    call_clear(&f->call);
}

struct wish {
    struct event_consumer consumer;
    int64_t lease_us;
};

static enum status claim_unit(struct call *c, struct tx *tx, void *arg)
{
    struct wish *w = arg;

    (void)c;
    return tx_consumer_claim(tx, w->lease_us, &w->consumer);
}

static enum status move_unit(struct call *c, struct tx *tx, void *arg)
{
    struct wish *w = arg;

    (void)c;
    return tx_consumer_move(tx, w->lease_us, &w->consumer);
}

static enum status release_unit(struct call *c, struct tx *tx, void *arg)
{
    struct wish *w = arg;

    (void)c;
    return tx_consumer_release(tx, &w->consumer);
}

STORE_TEST(one_holder_at_a_time_and_who_lost_it_cannot_move_the_cursor)
{
    struct wish a = {{.name = "a"}, LEASE_US}, b = {{.name = "a"}, LEASE_US};

    system_run(f, claim_unit, &a, STATUS_OK);
    cr_assert_eq(a.consumer.fence, 1);
    system_run(f, claim_unit, &b, STATUS_OK);
    cr_assert_eq(b.consumer.fence, 0);
    a.consumer.at = (struct event_cursor){7, 2};
    a.consumer.note = (str){"n\0te", 4};
    a.lease_us = -1;
    system_run(f, move_unit, &a, STATUS_OK); /* and its lease is over */
    system_run(f, claim_unit, &b, STATUS_OK);
    cr_assert_eq(b.consumer.fence, 2);
    cr_assert_eq(b.consumer.at.txid, 7);
    cr_assert_eq(b.consumer.at.seq, 2);
    cr_assert(str_eq(b.consumer.note, (str){"n\0te", 4}));
    system_run(f, move_unit, &a, STATUS_CONFLICT);
    system_run(f, release_unit, &a, STATUS_OK); /* not its own any more: nothing happens */
    a.consumer.fence = 1;
    system_run(f, claim_unit, &a, STATUS_OK);
    cr_assert_eq(a.consumer.fence, 0);
    system_run(f, claim_unit, &b, STATUS_OK); /* renewed */
    cr_assert_eq(b.consumer.fence, 2);
    system_run(f, release_unit, &b, STATUS_OK);
    nanosleep(&(struct timespec){0, 1000000}, NULL);
    system_run(f, claim_unit, &a, STATUS_OK);
    cr_assert_eq(a.consumer.fence, 3);
}

struct made {
    const char *name;
    char id[UUID_TEXT_BYTES + 1];
};

static enum status make_unit(struct call *c, struct tx *tx, void *arg)
{
    struct made *m = arg;
    Lead *lead = make_lead(c, m->name, NULL);

    TRY(tx_insert_lead(tx, lead));
    snprintf(m->id, sizeof m->id, "%s", lead->id);
    return tx_event(tx, "sales.lead.created", RECORD_LEAD, str_of(lead->id), &lead->base);
}

static void make_events(struct fixture *f, long long tenant_id, int n)
{
    struct made m = {.name = "x"};
    struct call c;

    fixture_call(&c, tenant_id);
    for (int i = 0; i < n; i++)
        cr_assert_eq(store_run(f->store, &c, STORE_WRITE, make_unit, &m), STATUS_OK);
    call_release(&c);
}

/* Another test's transaction on the same server may hold events back for a moment. */
static void wait_for_events(struct fixture *f, long long n)
{
    for (int i = 0; fixture_number(f, "SELECT COUNT(*) FROM outbox_visible") < n; i++) {
        cr_assert_lt(i, 500, "events do not become visible");
        nanosleep(&(struct timespec){0, 20000000}, NULL);
    }
}

struct read {
    struct event_cursor after;
    struct event_page page;
    struct event_cursor end;
    struct event_backlog backlog;
};

static enum status read_unit(struct call *c, struct tx *tx, void *arg)
{
    struct read *r = arg;

    (void)c;
    TRY(tx_event_end(tx, &r->end));
    TRY(tx_event_backlog(tx, r->after, &r->backlog));
    return tx_event_list(tx, r->after, 100, &r->page);
}

struct cut {
    int64_t before_us, idle_us;
    size_t n;
};

static enum status cut_unit(struct call *c, struct tx *tx, void *arg)
{
    struct cut *k = arg;

    (void)c;
    return tx_event_trim(tx, k->before_us, k->idle_us, &k->n);
}

static enum status check_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_event_check(tx, *(struct event_cursor *)arg);
}

STORE_TEST(events_are_trimmed_behind_every_consumer_and_old_places_are_refused)
{
    struct wish slow = {{.name = "slow"}, LEASE_US}, fast = {{.name = "fast"}, LEASE_US};
    struct cut cut = {.before_us = INT64_MAX};
    struct event_cursor start = {0, 0}, third, end;
    struct read r = {.after = {0, 0}};

    make_events(f, 1, 3);
    make_events(f, 2, 3);
    wait_for_events(f, 6);
    system_run(f, claim_unit, &slow, STATUS_OK);
    system_run(f, claim_unit, &fast, STATUS_OK);
    system_run(f, read_unit, &r, STATUS_OK);
    cr_assert_eq(r.page.n_events, 6);
    cr_assert_eq(r.backlog.n, 6);
    cr_assert_eq(r.backlog.oldest_us, r.page.events[0].created_us);
    third = r.page.events[2].cursor;
    end = r.page.next;
    fast.consumer.at = end;
    system_run(f, move_unit, &fast, STATUS_OK);

    system_run(f, cut_unit, &cut, STATUS_OK); /* slow has read nothing */
    cr_assert_eq(cut.n, 0);
    slow.consumer.at = third;
    system_run(f, move_unit, &slow, STATUS_OK);
    cut.before_us = r.page.events[2].created_us;
    system_run(f, cut_unit, &cut, STATUS_OK); /* the third is too young */
    cr_assert_lt(cut.n, 3);
    cut.before_us = INT64_MAX;
    system_run(f, cut_unit, &cut, STATUS_OK);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM outbox"), 3);

    RUN(f, STORE_READ, check_unit, &start, STATUS_OUT_OF_RANGE); /* tenant 1 lost three */
    RUN(f, STORE_READ, check_unit, &third, STATUS_OK);
    RUN(f, STORE_READ, read_unit, &r, STATUS_OK);
    cr_assert_eq(r.page.n_events, 0);
    cr_assert_eq(r.end.txid, third.txid); /* a new watcher does not start in the lost part */
    f->call.principal.tenant_id = 2;
    RUN(f, STORE_READ, check_unit, &start, STATUS_OK); /* tenant 2 lost none */
    f->call.principal.tenant_id = 1;

    cut.idle_us = INT64_MAX; /* nobody is alive any more */
    system_run(f, cut_unit, &cut, STATUS_OK);
    cr_assert_eq(cut.n, 3);
    system_run(f, read_unit, &(struct read){.after = {0, 0}}, STATUS_OK);
}

STORE_TEST(a_long_outbox_is_trimmed_in_bounded_steps)
{
    struct cut cut = {.before_us = INT64_MAX};

    make_events(f, 1, EVENT_TRIM_MAX + 7);
    wait_for_events(f, EVENT_TRIM_MAX + 7);
    system_run(f, cut_unit, &cut, STATUS_OK);
    cr_assert_eq(cut.n, EVENT_TRIM_MAX);
    system_run(f, cut_unit, &cut, STATUS_OK);
    cr_assert_eq(cut.n, 7);
    system_run(f, cut_unit, &cut, STATUS_OK);
    cr_assert_eq(cut.n, 0);
}

static enum status erase_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_event_erase(tx, RECORD_LEAD, str_of(arg));
}

STORE_TEST(erasing_a_subject_empties_its_events_and_no_others)
{
    struct made a = {.name = "a"}, b = {.name = "b"};
    struct read r = {.after = {0, 0}};

    f->call.trace = (struct trace){.trace_id = {1, 2}, .span_id = {3}, .sampled = true};
    RUN(f, STORE_WRITE, make_unit, &a, STATUS_OK);
    RUN(f, STORE_WRITE, make_unit, &b, STATUS_OK);
    wait_for_events(f, 2);
    f->call.principal.tenant_id = 2; /* another tenant cannot */
    RUN(f, STORE_WRITE, erase_unit, b.id, STATUS_OK);
    f->call.principal.tenant_id = 1;
    RUN(f, STORE_WRITE, erase_unit, a.id, STATUS_OK);
    RUN(f, STORE_READ, read_unit, &r, STATUS_OK);
    cr_assert_eq(r.page.n_events, 2);
    cr_assert_eq(r.page.events[0].body, EVENT_ERASED);
    cr_assert_eq(r.page.events[0].data.n, 0);
    cr_assert_eq(r.page.events[1].body, EVENT_WHOLE);
    cr_assert_gt(r.page.events[1].data.n, 0);
    cr_assert_eq(r.page.events[1].trace.trace_id[1], 2);
    cr_assert_eq(r.page.events[1].trace.span_id[0], 3);
    cr_assert(r.page.events[1].trace.sampled);
}

/* The same of a tenant's whole key: consumers and claims deal with all tenants in one unit. */
STORE_TEST(a_damaged_key_stops_its_tenant_but_not_the_system)
{
    struct read r = {.after = {0, 0}};

    make_events(f, 1, 1);
    make_events(f, 2, 1);
    wait_for_events(f, 2);
    fixture_sql(
        f, f->engine == ENGINE_SQLITE
               ? "UPDATE tenant_key SET wrapped = CAST(substr(wrapped, 1, 20) || x'0011223344' || "
                 "substr(wrapped, 26) AS BLOB) WHERE tenant_id = 1"
               : "UPDATE tenant_key SET wrapped = set_byte(wrapped, 20, "
                 "get_byte(wrapped, 20) # 1) WHERE tenant_id = 1");
    store_keys_forget(f->store, 1);
    system_run(f, read_unit, &r, STATUS_OK);
    cr_assert_eq(r.page.n_events, 2);
    cr_assert_eq(r.page.events[0].body, EVENT_DAMAGED);
    cr_assert_eq(r.page.events[1].body, EVENT_WHOLE);
    f->call.principal.tenant_id = 1;
    RUN(f, STORE_READ, read_unit, &r, STATUS_DATA_LOSS);
}

STORE_TEST(a_damaged_event_stops_its_tenant_but_not_the_system)
{
    struct read r = {.after = {0, 0}};

    make_events(f, 1, 2);
    wait_for_events(f, 2);
    fixture_sql(f, f->engine == ENGINE_SQLITE
                       ? "UPDATE outbox SET body = x'00112233445566778899' WHERE txid = 1"
                       : "UPDATE outbox SET body = '\\x00112233445566778899' "
                         "WHERE txid = (SELECT MIN(txid) FROM outbox)");
    system_run(f, read_unit, &r, STATUS_OK);
    cr_assert_eq(r.page.n_events, 2);
    cr_assert_eq(r.page.events[0].body, EVENT_DAMAGED);
    cr_assert_eq(r.page.events[1].body, EVENT_WHOLE);
    RUN(f, STORE_READ, read_unit, &r, STATUS_DATA_LOSS);
}
