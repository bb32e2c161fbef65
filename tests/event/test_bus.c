/* Consumers of the outbox, on both engines: every event, in order, over failures and take-overs. */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#define STORE_SUITE bus
#include "event/bus.h"
#include "storage/store_test.h"

enum { SEEN_MAX = 4000, WAIT_MS = 30000 };

/* Writes down what it gets; fails in the middle of every third batch. */
struct scribe {
    struct bus_consumer base;
    pthread_mutex_t lock; /* guards the rest */
    struct uuid seen[SEEN_MAX];
    size_t n;
    int n_calls;
    bool fails;
};

static enum status write_down(struct bus_consumer *self, struct call *c, struct bus_batch *batch,
                              struct event_consumer *place)
{
    struct scribe *s = (struct scribe *)self;
    enum status status = STATUS_OK;

    (void)place;
    pthread_mutex_lock(&s->lock);
    s->n_calls++;
    for (size_t i = 0; i < batch->n && status == STATUS_OK; i++) {
        if (s->fails && s->n_calls % 3 == 2 && i == batch->n / 2) {
            status = call_fail(c, STATUS_UNAVAILABLE, "it rains");
            break;
        }
        cr_assert_lt(s->n, SEEN_MAX);
        s->seen[s->n++] = batch->events[i].id;
        batch->n_done = i + 1;
    }
    pthread_mutex_unlock(&s->lock);
    return status;
}

static void scribe_init(struct scribe *s, bool fails)
{
    *s = (struct scribe){.base = {"scribe", NULL, write_down, 0}, .fails = fails};
    pthread_mutex_init(&s->lock, NULL);
}

static size_t scribe_n(struct scribe *s)
{
    size_t n;

    pthread_mutex_lock(&s->lock);
    n = s->n;
    pthread_mutex_unlock(&s->lock);
    return n;
}

static struct bus *start_bus(struct fixture *f, struct scribe *s)
{
    struct bus *b;

    cr_assert_eq(
        bus_new(&f->call, &(struct bus_options){.store = f->store, .window_ms = 3600000}, &b),
        STATUS_OK);
    bus_subscribe(b, &s->base);
    cr_assert_eq(bus_start(b, &f->call), STATUS_OK);
    return b;
}

static enum status event_unit(struct call *c, struct tx *tx, void *arg)
{
    Lead *lead = make_lead(c, "x", NULL);

    (void)arg;
    TRY(tx_insert_lead(tx, lead));
    return tx_event(tx, "sales.lead.created", RECORD_LEAD, str_of(lead->id), &lead->base);
}

static void make_events(struct fixture *f, int n)
{
    for (int i = 0; i < n; i++) {
        struct call c;

        fixture_call(&c, 1 + i % 3);
        cr_assert_eq(store_run(f->store, &c, STORE_WRITE, event_unit, NULL), STATUS_OK);
        call_release(&c);
    }
}

static void wait_for(struct scribe *a, struct scribe *b, size_t n)
{
    for (int ms = 0; scribe_n(a) + (b ? scribe_n(b) : 0) < n; ms += 5) {
        cr_assert_lt(ms, WAIT_MS, "%zu of %zu events", scribe_n(a), n);
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
}

struct all {
    struct event_cursor after;
    struct event_page page;
};

static enum status list_unit(struct call *c, struct tx *tx, void *arg)
{
    struct all *a = arg;

    (void)c;
    return tx_event_list(tx, a->after, PAGE_SIZE_MAX, &a->page);
}

/* What was written down is the outbox, from event `first` on. */
static void check(struct fixture *f, const struct uuid *seen, size_t n, size_t first)
{
    struct all a = {.after = {0, 0}};

    cr_assert_eq(store_run_system(f->store, &f->call, STORE_READ, list_unit, &a), STATUS_OK);
    cr_assert_geq(a.page.n_events, first + n);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(memcmp(&seen[i], &a.page.events[first + i].id, sizeof *seen), 0,
                     "%s: event %zu is another", engine_names[f->engine], first + i);
}

STORE_TEST(a_consumer_that_fails_gets_every_event_once_it_says_so_and_in_order)
{
    struct scribe s;
    struct bus *b;

    scribe_init(&s, true);
    make_events(f, 100);
    b = start_bus(f, &s);
    make_events(f, 200);
    wait_for(&s, NULL, 300);
    bus_free(b);
    cr_assert_eq(s.n, 300);
    check(f, s.seen, 300, 0);
}

STORE_TEST(after_a_clean_stop_nothing_comes_again)
{
    struct scribe s;

    scribe_init(&s, false);
    for (int round = 0; round < 3; round++) {
        struct bus *b = start_bus(f, &s);

        make_events(f, 20);
        wait_for(&s, NULL, 20 * (size_t)(round + 1));
        bus_free(b);
    }
    cr_assert_eq(s.n, 60);
    check(f, s.seen, 60, 0);
}

STORE_TEST(of_two_replicas_one_works_and_the_other_takes_over)
{
    struct scribe a, b;
    struct bus *first, *second;
    size_t n;

    scribe_init(&a, false);
    scribe_init(&b, false);
    first = start_bus(f, &a);
    make_events(f, 30);
    wait_for(&a, NULL, 30);
    second = start_bus(f, &b);
    make_events(f, 30);
    wait_for(&a, NULL, 60);
    cr_assert_eq(scribe_n(&b), 0); /* the first holds the lease */
    bus_free(first);
    n = a.n;
    make_events(f, 30);
    wait_for(&a, &b, 90);
    bus_free(second);
    cr_assert_eq(n + b.n, 90);
    check(f, a.seen, n, 0);
    check(f, b.seen, b.n, n);
}

STORE_TEST(who_loses_the_lease_stops_and_the_cursor_is_not_moved_back)
{
    struct scribe s;
    struct bus *b;
    size_t n;

    scribe_init(&s, false);
    b = start_bus(f, &s);
    make_events(f, 10);
    wait_for(&s, NULL, 10);
    /* Another replica took over behind its back, and is ahead. */
    fixture_sql(f, "UPDATE event_cursor SET fence = fence + 1, txid = 4611686018427387904, "
                   "lease_until = 9000000000000000 WHERE name = 'scribe'");
    make_events(f, 10);
    wait_for(&s, NULL, 11); /* a batch is handled once more than needed: at least once */
    nanosleep(&(struct timespec){0, 500000000}, NULL);
    n = scribe_n(&s);
    make_events(f, 10);
    nanosleep(&(struct timespec){0, 500000000}, NULL);
    cr_assert_eq(scribe_n(&s), n); /* it has noticed */
    bus_free(b);
    cr_assert_eq(fixture_number(f, "SELECT txid / 4611686018427387904 FROM event_cursor "
                                   "WHERE name = 'scribe'"),
                 1);
}
