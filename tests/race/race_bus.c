/*
 * The bus and the relay, for ThreadSanitizer: writers commit events while two buses share a store
 * as two replicas would, one of them comes and goes, and metrics are rendered. At the end the
 * streams hold every event once. Needs SALES_TEST_REDIS.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "event/bus.h"
#include "event/relay.h"
#include "sqlite/sqlite_store.h"
#include "store/records.h"

enum { WRITERS = 4, ROUNDS = 100, COMINGS = 5, WAIT_MS = 60000, MIB = 1 << 20, DATABASE = 15 };

static struct store *store;
static struct metrics *metrics;
static atomic_bool done;
static char url[96];

static void die(const char *what, const struct call *c)
{
    fprintf(stderr, "race_bus: %s: %s\n", what, c->fault.why);
    exit(1);
}

static enum status write_unit(struct call *c, struct tx *tx, void *arg)
{
    Lead lead = LEAD_INIT;

    (void)c;
    (void)arg;
    lead.full_name = "Race Condition";
    TRY(tx_insert_lead(tx, &lead));
    return tx_event(tx, "sales.lead.created", RECORD_LEAD, str_of(lead.id), &lead.base);
}

static void *write_events(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct call c;

        call_init(&c, NULL, MIB);
        c.principal.tenant_id = *(int *)arg;
        if (store_run(store, &c, STORE_WRITE, write_unit, NULL) != STATUS_OK)
            die("write", &c);
        call_release(&c);
    }
    return NULL;
}

struct replica {
    struct relay *relay;
    struct bus *bus;
};

static struct replica start(struct call *c)
{
    struct replica r;

    if (relay_new(c,
                  &(struct relay_options){
                      .store = store, .redis_url = url, .n_shards = 3, .n_entries = 1000},
                  &r.relay) != STATUS_OK ||
        bus_new(c, &(struct bus_options){.store = store, .metrics = metrics, .window_ms = 3600000},
                &r.bus) != STATUS_OK)
        die("open", c);
    bus_subscribe(r.bus, relay_consumer(r.relay));
    if (bus_start(r.bus, c) != STATUS_OK)
        die("start", c);
    return r;
}

static void stop(struct replica *r)
{
    (void)relay_is_up(r->relay);
    bus_free(r->bus);
    relay_free(r->relay);
}

static void *come_and_go(void *arg)
{
    struct call c;

    (void)arg;
    call_init(&c, NULL, MIB);
    for (int i = 0; i < COMINGS; i++) {
        struct replica r = start(&c);

        nanosleep(&(struct timespec){0, 100000000}, NULL);
        stop(&r);
    }
    call_release(&c);
    return NULL;
}

static void *look(void *arg)
{
    struct replica *r = arg;

    while (!atomic_load(&done)) {
        struct arena a;
        struct buf b;

        arena_init(&a, 16 * MIB);
        buf_init(&b, &a, METRIC_TEXT_BYTES);
        if (!metrics_render(metrics, &b))
            exit(1);
        (void)relay_is_up(r->relay);
        arena_release(&a);
    }
    return NULL;
}

static int64_t count(struct redis *redis, struct call *c)
{
    static const char *const keys[] = {"sales:events:{0}", "sales:events:{1}", "sales:events:{2}"};
    int64_t n = 0;

    for (int i = 0; i < 3; i++) {
        const str argv[] = {STR("XLEN"), str_of(keys[i])};
        const struct redis_reply *reply;

        if (redis_ask(redis, c, argv, 2, &reply) != STATUS_OK)
            die("count", c);
        n += reply->number;
    }
    return n;
}

static void wait_for_all(void)
{
    const str flush[] = {STR("FLUSHDB")};
    const struct redis_reply *reply;
    struct redis *redis;
    struct call c;

    call_init(&c, NULL, 64 * MIB);
    if (redis_open(&c, &(struct redis_options){.url = url}, &redis) != STATUS_OK)
        die("redis", &c);
    for (int ms = 0; count(redis, &c) != (int64_t)WRITERS * ROUNDS; ms += 10) {
        if (ms > WAIT_MS)
            die("events are missing", &c);
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    if (redis_ask(redis, &c, flush, 1, &reply) != STATUS_OK)
        die("flush", &c);
    redis_close(redis);
    call_release(&c);
}

static void run(struct call *c)
{
    int tenants[WRITERS];
    pthread_t writers[WRITERS], looker, visitor;
    struct replica r = start(c);

    pthread_create(&looker, NULL, look, &r);
    pthread_create(&visitor, NULL, come_and_go, NULL);
    for (int i = 0; i < WRITERS; i++) {
        tenants[i] = i + 1;
        pthread_create(&writers[i], NULL, write_events, &tenants[i]);
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    pthread_join(visitor, NULL);
    wait_for_all();
    atomic_store(&done, true);
    pthread_join(looker, NULL);
    stop(&r);
}

int main(void)
{
    char dir[] = "/tmp/race_bus.XXXXXX", path[64], key[64];
    const char *address = getenv("SALES_TEST_REDIS");
    struct call c;

    if (!address || !mkdtemp(dir)) {
        fprintf(stderr, "race_bus: SALES_TEST_REDIS is not set\n");
        return 1;
    }
    snprintf(url, sizeof url, "redis://%s/%d", address, DATABASE);
    snprintf(path, sizeof path, "%s/store.db", dir);
    snprintf(key, sizeof key, "%s/master.key", dir);
    call_init(&c, NULL, 64 * MIB);
    metrics = metrics_open();
    if (!metrics ||
        sqlite_store_open(&c, &(struct sqlite_options){.path = path, .master_key_path = key},
                          &store) != STATUS_OK)
        die("open", &c);
    run(&c);
    store_close(store);
    metrics_close(metrics);
    call_release(&c);
    snprintf(path, sizeof path, "rm -rf %s", dir);
    return system(path) == 0 ? 0 : 1;
}
