/* Answers of models in a real Redis, between two servers: found, sealed, bounded, and never in
 * anybody's way. */
#define STORE_SUITE ai_cache_shared
#include <stdio.h>
#include <unistd.h>

#include "ai/cache.h"
#include "ai/private_redis.h"
#include "cache/redis.h"
#include "postgres/postgres_store.h"
#include "storage/store_test.h"
#include "store/key.h"

enum { MS_NS = 1000000, PATIENT_MS = 5000, PLACES_BYTES = 16 * CACHE_SHARED_VALUE_BYTES };

#define SECRET "pan-galactic placeholder [PERSON_1]"

/* Two servers, one database, one Redis. */
struct pair {
    struct fixture *f;
    struct private_redis redis;
    struct redis *direct;
    struct store *second; /* NULL: SQLite is one process's; the caches share its store */
    struct ai_cache *a, *b;
};

static struct ai_cache *open_cache(struct pair *p, struct store *store, struct ai_cache_options o)
{
    struct ai_cache *k;

    o.redis_url = p->redis.url;
    o.store = store;
    cr_assert_eq(ai_cache_open(&p->f->call, &o, &k), STATUS_OK, "%s", p->f->call.fault.why);
    return k;
}

static void open_pair(struct pair *p, struct fixture *f, struct ai_cache_options o)
{
    char key[256];

    *p = (struct pair){.f = f};
    private_redis_start(&p->redis);
    cr_assert_eq(redis_open(&f->call, &(struct redis_options){.url = p->redis.url}, &p->direct),
                 STATUS_OK);
    snprintf(key, sizeof key, "%s/master.key", f->dir);
    if (f->engine == ENGINE_POSTGRES)
        cr_assert_eq(postgres_store_open(&f->call,
                                         &(struct postgres_options){.conninfo = f->conninfo,
                                                                    .master_key_path = key},
                                         &p->second),
                     STATUS_OK, "%s", f->call.fault.why);
    p->a = open_cache(p, f->store, o);
    p->b = open_cache(p, p->second ? p->second : f->store, o);
}

static void close_pair(struct pair *p)
{
    ai_cache_close(p->a);
    ai_cache_close(p->b);
    redis_close(p->direct);
    store_close(p->second);
    private_redis_stop(&p->redis);
}

/* The second server anew: its memory is empty. */
static void forget_b(struct pair *p, struct ai_cache_options o)
{
    ai_cache_close(p->b);
    p->b = open_cache(p, p->second ? p->second : p->f->store, o);
}

static struct ai_cache_key key_of(struct call *c, int64_t n)
{
    const str parts[] = {STR("1"), str_of(arena_printf(&c->arena, "question %lld", (long long)n))};
    struct ai_cache_key key;

    cr_assert_eq(ai_cache_key(c, parts, 2, &key), STATUS_OK);
    return key;
}

static bool has(struct ai_cache *k, struct call *c, int64_t n, const char *want)
{
    const struct ai_cache_key key = key_of(c, n);
    str value;

    cr_assert_eq(ai_cache_begin(k, c, &key, &value), STATUS_OK, "%s", c->fault.why);
    if (!value.p)
        ai_cache_end(k, c, &key, (str){0});
    else
        cr_assert(str_eq(value, str_of(want)), STR_FMT, STR_ARG(value));
    return value.p != NULL;
}

static void put(struct ai_cache *k, struct call *c, int64_t n, const char *value)
{
    const struct ai_cache_key key = key_of(c, n);
    str got;

    cr_assert_eq(ai_cache_begin(k, c, &key, &got), STATUS_OK, "%s", c->fault.why);
    cr_assert_null(got.p);
    ai_cache_end(k, c, &key, str_of(value));
}

static const struct redis_reply *say(struct pair *p, const char *line)
{
    const struct redis_reply *reply;
    const char *text = arena_printf(&p->f->call.arena, "%s", line);
    str argv[8], rest = str_of(text);
    size_t n = 0;

    while (rest.n && n < 8)
        argv[n++] = str_cut(&rest, ' ');
    cr_assert_eq(redis_ask(p->direct, &p->f->call, argv, n, &reply), STATUS_OK, "%s: %s", line,
                 p->f->call.fault.why);
    cr_assert_neq(reply->kind, REDIS_ERROR, "%s: " STR_FMT, line, STR_ARG(reply->text));
    return reply;
}

/* The only key that is there. */
static str only_key(struct pair *p)
{
    const struct redis_reply *keys = say(p, "KEYS *");

    cr_assert_eq(keys->n_items, 1);
    return keys->items[0]->text;
}

static str raw(struct pair *p, str key)
{
    return say(p, arena_printf(&p->f->call.arena, "GET " STR_FMT, STR_ARG(key)))->text;
}

static void set_raw(struct pair *p, str key, str value)
{
    const str argv[] = {STR("SET"), key, value};
    const struct redis_reply *reply;

    cr_assert_eq(redis_ask(p->direct, &p->f->call, argv, 3, &reply), STATUS_OK);
}

static const struct ai_cache_options patient = {.redis_timeout_ms = PATIENT_MS};

STORE_TEST(one_server_has_what_another_one_asked)
{
    struct call other;
    struct pair p;

    open_pair(&p, f, patient);
    put(p.a, &f->call, 1, SECRET);
    cr_assert(has(p.b, &f->call, 1, SECRET));
    cr_assert(!has(p.b, &f->call, 2, SECRET));
    private_redis_stop(&p.redis); /* from now on it is in the memory of both */
    cr_assert(has(p.b, &f->call, 1, SECRET) && has(p.a, &f->call, 1, SECRET));
    private_redis_again(&p.redis);
    fixture_call(&other, 2);
    put(p.a, &f->call, 3, SECRET);
    cr_assert(!has(p.b, &other, 3, SECRET), "of another tenant, by the same key");
    call_release(&other);
    close_pair(&p);
}

STORE_TEST(redis_learns_nothing)
{
    static const char *const words[] = {"pan-galactic", "PERSON_1", "question"};
    struct pair p;
    str key, value;

    open_pair(&p, f, patient);
    put(p.a, &f->call, 1, SECRET);
    key = only_key(&p);
    value = raw(&p, key);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        cr_assert_null(memmem(value.p, value.n, words[i], strlen(words[i])), "%s", words[i]);
    cr_assert(str_eq(str_sub(key, 0, 9), STR("sales:ai:")) && key.n <= 14, STR_FMT, STR_ARG(key));
    close_pair(&p);
}

STORE_TEST(what_was_changed_or_moved_does_not_count)
{
    struct pair p;
    str key, good;

    open_pair(&p, f, patient);
    put(p.a, &f->call, 1, SECRET);
    key = only_key(&p);
    good = raw(&p, key);
    for (size_t i = 0; i < good.n; i += 7) {
        char *bad = arena_take(&f->call.arena, good.n);

        memcpy(bad, good.p, good.n);
        bad[i] ^= 1;
        set_raw(&p, key, (str){bad, good.n});
        cr_assert(!has(p.b, &f->call, 1, SECRET), "byte %zu", i);
    }
    for (size_t n = 0; n < good.n; n += 13) {
        set_raw(&p, key, str_sub(good, 0, n));
        cr_assert(!has(p.b, &f->call, 1, SECRET), "%zu bytes", n);
    }
    set_raw(&p, key, good);
    cr_assert(has(p.b, &f->call, 1, SECRET));
    say(&p, "FLUSHALL");
    put(p.a, &f->call, 2, "another answer");
    set_raw(&p, only_key(&p), good);
    cr_assert(!has(p.b, &f->call, 2, SECRET), "the answer to another question");
    close_pair(&p);
}

static enum status rotate_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_key_rotate(tx, arg);
}

static enum status retire_unit(struct call *c, struct tx *tx, void *arg)
{
    size_t n_left;

    (void)c;
    return tx_key_retire(tx, 0, arg, &n_left);
}

STORE_TEST(nothing_opens_without_the_key_that_sealed_it)
{
    struct pair p;
    uint32_t version;
    size_t n_gone = 0;

    open_pair(&p, f, patient);
    put(p.a, &f->call, 1, SECRET);
    RUN(f, STORE_WRITE, rotate_unit, &version, STATUS_OK);
    store_keys_forget(p.second ? p.second : f->store, 1);
    cr_assert(has(p.b, &f->call, 1, SECRET), "the old key lives");
    RUN(f, STORE_WRITE, retire_unit, &n_gone, STATUS_OK);
    cr_assert_eq(n_gone, 1);
    store_keys_forget(p.second ? p.second : f->store, 1);
    forget_b(&p, patient);
    cr_assert(!has(p.b, &f->call, 1, SECRET), "its key was destroyed");
    close_pair(&p);
}

STORE_TEST(a_value_ends_at_its_time_whatever_redis_says)
{
    const struct ai_cache_options o = {.redis_timeout_ms = PATIENT_MS, .ttl_ms = 1500};
    struct pair p;
    str key, good;

    open_pair(&p, f, o);
    put(p.a, &f->call, 1, SECRET);
    key = only_key(&p);
    good = raw(&p, key);
    cr_assert_gt(say(&p, arena_printf(&f->call.arena, "PTTL " STR_FMT, STR_ARG(key)))->number, 0);
    cr_assert_leq(say(&p, arena_printf(&f->call.arena, "PTTL " STR_FMT, STR_ARG(key)))->number,
                  1500);
    usleep(1600000);
    cr_assert_eq(say(&p, "DBSIZE")->number, 0);
    set_raw(&p, key, good);
    cr_assert(!has(p.b, &f->call, 1, SECRET), "kept beyond its time");
    close_pair(&p);
}

STORE_TEST(redis_holds_no_more_than_its_places)
{
    const struct ai_cache_options o = {.redis_timeout_ms = PATIENT_MS, .max_bytes = PLACES_BYTES};
    char longest[CACHE_SHARED_VALUE_BYTES + 2];
    struct pair p;
    long long n;

    open_pair(&p, f, o);
    for (int i = 0; i < 300; i++)
        put(p.a, &f->call, i, SECRET);
    n = say(&p, "DBSIZE")->number;
    cr_assert(n > 8 && n <= 17, "%lld", n);
    say(&p, "FLUSHALL");
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = 0;
    put(p.a, &f->call, 1000, longest);
    cr_assert_eq(say(&p, "DBSIZE")->number, 0, "one byte too long");
    longest[sizeof longest - 2] = 0;
    put(p.a, &f->call, 1001, longest);
    cr_assert(has(p.b, &f->call, 1001, longest), "the longest");
    close_pair(&p);
}

/* How long a question takes that nobody has asked, and its answer; and then again from memory. */
static int64_t took_ms(struct pair *p, int64_t n)
{
    int64_t began = call_monotonic_ns(&p->f->call);

    put(p->a, &p->f->call, n, SECRET);
    cr_assert(has(p->a, &p->f->call, n, SECRET));
    return (call_monotonic_ns(&p->f->call) - began) / MS_NS;
}

/* 200 questions, of which each that finds the breaker closed waits for two time limits. */
static void nobody_waits(struct pair *p, int64_t from, const char *what)
{
    int64_t slow = 0, all = 0;

    for (int64_t n = from; n < from + 200; n++) {
        int64_t ms = took_ms(p, n);

        slow += ms >= CACHE_SHARED_TIMEOUT_MS / 2;
        all += ms;
        cr_assert_leq(ms, 500, "%s: %lld ms", what, (long long)ms);
    }
    cr_assert_leq(slow, 20, "%s: %lld of 200 waited", what, (long long)slow);
    cr_assert_leq(all, 3000, "%s: %lld ms", what, (long long)all);
}

STORE_TEST(a_redis_that_is_gone_paused_or_full_delays_nobody)
{
    struct pair p;
    bool found = false;

    open_pair(&p, f, (struct ai_cache_options){0});
    put(p.a, &f->call, 0, SECRET);
    private_redis_pause(&p.redis, 1);
    nobody_waits(&p, 1000, "paused");
    private_redis_pause(&p.redis, 0);
    private_redis_stop(&p.redis);
    nobody_waits(&p, 2000, "gone");
    private_redis_again(&p.redis);
    for (int64_t n = 3000; n < 3200 && !found; n++) { /* until the breaker has let one in */
        put(p.a, &f->call, n, SECRET);
        found = has(p.b, &f->call, n, SECRET);
        usleep(100000);
    }
    cr_assert(found, "a Redis that came back is not used");
    say(&p, "CONFIG SET maxmemory 1");
    nobody_waits(&p, 4000, "full");
    close_pair(&p);
}
