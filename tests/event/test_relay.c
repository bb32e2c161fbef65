/* The relay with a real Redis (SALES_TEST_REDIS), on both engines: what the faults under load do
 * not show. Each test has a database number of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STORE_SUITE relay
#include "event/relay.h"
#include "event/stream.h"
#include "storage/store_test.h"

enum { WAIT_MS = 20000, DATABASES = 4 };

struct side {
    struct fixture *f;
    struct redis *redis; /* the test's own eyes */
    struct relay *relay;
    struct bus *bus;
    char url[96];
};

static const struct redis_reply *ask(struct side *s, const char *line)
{
    str argv[16], rest = arena_str(&s->f->call.arena, str_of(line));
    const struct redis_reply *reply;
    size_t n = 0;

    while (rest.n)
        argv[n++] = str_cut(&rest, ' ');
    cr_assert_eq(redis_ask(s->redis, &s->f->call, argv, n, &reply), STATUS_OK, "%s",
                 s->f->call.fault.why);
    return reply;
}

static void open_side(struct side *s, struct fixture *f, int database)
{
    const char *address = getenv("SALES_TEST_REDIS");

    cr_assert(address, "SALES_TEST_REDIS is not set: run this through ./dev test");
    *s = (struct side){.f = f};
    snprintf(s->url, sizeof s->url, "redis://%s/%d", address,
             (int)f->engine * DATABASES + database + 1);
    cr_assert_eq(redis_open(&f->call, &(struct redis_options){.url = s->url}, &s->redis),
                 STATUS_OK);
    ask(s, "FLUSHDB");
}

static void start(struct side *s, int64_t n_entries)
{
    cr_assert_eq(relay_new(&s->f->call,
                           &(struct relay_options){.store = s->f->store,
                                                   .redis_url = s->url,
                                                   .n_shards = 2,
                                                   .n_entries = n_entries},
                           &s->relay),
                 STATUS_OK);
    cr_assert_eq(bus_new(&s->f->call,
                         &(struct bus_options){.store = s->f->store, .window_ms = 3600000},
                         &s->bus),
                 STATUS_OK);
    bus_subscribe(s->bus, relay_consumer(s->relay));
    cr_assert_eq(bus_start(s->bus, &s->f->call), STATUS_OK);
}

static void stop(struct side *s)
{
    bus_free(s->bus);
    relay_free(s->relay);
    s->bus = NULL;
    s->relay = NULL;
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

        fixture_call(&c, 1 + i % 4);
        cr_assert_eq(store_run(f->store, &c, STORE_WRITE, event_unit, NULL), STATUS_OK);
        call_release(&c);
    }
}

static int64_t n_entries(struct side *s)
{
    return ask(s, "XLEN sales:events:{0}")->number + ask(s, "XLEN sales:events:{1}")->number;
}

static void wait_for(struct side *s, int64_t n)
{
    for (int ms = 0; n_entries(s) != n; ms += 5) {
        cr_assert_lt(ms, WAIT_MS, "%s: %lld of %lld", engine_names[s->f->engine],
                     (long long)n_entries(s), (long long)n);
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
}

STORE_TEST(a_tenant_stays_in_its_stream_and_a_second_relay_repeats_nothing)
{
    struct side s;

    open_side(&s, f, 0);
    make_events(f, 40);
    start(&s, 1000);
    wait_for(&s, 40);
    cr_assert_eq(ask(&s, "XLEN sales:events:{0}")->number, 20); /* tenants 2 and 4 */
    stop(&s);
    fixture_sql(f, "UPDATE event_cursor SET txid = 0, seq = 0 WHERE name = 'redis'");
    start(&s, 1000); /* all of it again: Redis refuses every entry */
    make_events(f, 4);
    wait_for(&s, 44);
    stop(&s);
    redis_close(s.redis);
}

STORE_TEST(streams_of_another_database_are_left_alone)
{
    struct side s;

    open_side(&s, f, 1);
    ask(&s, "XADD sales:events:{1} 4000000000000000000-7 id somebody type t tenant n envelope {}");
    make_events(f, 8);
    start(&s, 1000);
    nanosleep(&(struct timespec){0, 400000000}, NULL);
    cr_assert_eq(n_entries(&s), 1);
    ask(&s, "DEL sales:events:{1}"); /* what the log asks for */
    wait_for(&s, 8);
    stop(&s);
    redis_close(s.redis);
}

STORE_TEST(a_stream_that_lost_its_end_is_filled_again)
{
    struct side s;
    const struct redis_reply *all;

    open_side(&s, f, 2);
    make_events(f, 40);
    start(&s, 1000);
    wait_for(&s, 40);
    stop(&s);
    all = ask(&s, "XRANGE sales:events:{0} - +");
    ask(&s, "DEL sales:events:{0}"); /* and only its first entry comes back, as after a crash */
    ask(&s,
        arena_printf(&f->call.arena, "XADD sales:events:{0} %s id x type t tenant n envelope {}",
                     all->items[0]->items[0]->text.p));
    start(&s, 1000);
    wait_for(&s, 40);
    stop(&s);
    redis_close(s.redis);
}

/* Entries 1-0 to 3000-0, in one go. */
static const char fill[] = "for i = 1, 3000 do redis.call('XADD', KEYS[1], i .. '-0', 'id', i) end";

STORE_TEST(a_stream_is_shortened_behind_its_groups_only)
{
    struct side s;
    struct streams streams = {.n_shards = 1, .n_entries = 1000};
    const struct redis_reply *reply;
    const str argv[] = {STR("EVAL"), STR(fill), STR("1"), STR("sales:events:{0}")};

    open_side(&s, f, 3);
    streams.redis = s.redis;
    cr_assert_eq(redis_ask(s.redis, &f->call, argv, 4, &reply), STATUS_OK);
    ask(&s, "XGROUP CREATE sales:events:{0} fast $");
    ask(&s, "XGROUP CREATE sales:events:{0} slow 0");
    cr_assert_eq(streams_shorten(&streams, &f->call, 0), STATUS_OK);
    cr_assert_eq(n_entries(&s), 3000); /* slow has read nothing */
    ask(&s, "XREADGROUP GROUP slow one COUNT 2000 STREAMS sales:events:{0} >");
    cr_assert_eq(streams_shorten(&streams, &f->call, 0), STATUS_OK);
    cr_assert_eq(n_entries(&s), 3000); /* and acknowledged nothing */
    for (int i = 1; i <= 2000; i++)
        if (i != 1500)
            ask(&s, arena_printf(&f->call.arena, "XACK sales:events:{0} slow %d-0", i));
    cr_assert_eq(streams_shorten(&streams, &f->call, 0), STATUS_OK);
    cr_assert_lt(n_entries(&s), 1700);
    cr_assert_eq(ask(&s, "XRANGE sales:events:{0} 1500-0 1500-0")->n_items, 1); /* pending: kept */
    ask(&s, "XGROUP DESTROY sales:events:{0} slow");
    ask(&s, "XGROUP DESTROY sales:events:{0} fast");
    cr_assert_eq(streams_shorten(&streams, &f->call, 0), STATUS_OK);
    cr_assert_leq(n_entries(&s), 1100); /* nobody asks: the newest stay */
    cr_assert_geq(n_entries(&s), 1000);
    redis_close(s.redis);
}
