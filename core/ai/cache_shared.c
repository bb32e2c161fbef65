/* One GET, one SET, each in a call of its own: its time and its faults are not the caller's. */
#include "ai/cache_shared.h"

#include <stdlib.h>

#include "base/banned.h"
#include "base/buf.h"
#include "cache/redis.h"
#include "store/outside.h"

enum {
    MS_NS = 1000000,
    ARENA_BYTES = 1 << 20,
    UNTIL_BYTES = 8, /* in front of the value: when it ends, microseconds, big endian */
    CONNECTIONS = 8, /* of a server: calls that look at once */
};

struct cache_shared {
    struct store *store; /* borrowed */
    struct redis *redis;
    uint64_t n_places;
    int64_t ttl_ms, timeout_ms;
};

enum status cache_shared_open(struct call *c, const struct ai_cache_options *o,
                              struct cache_shared **out)
{
    struct cache_shared *s;
    enum status status;

    *out = NULL;
    if (!o->redis_url || !o->redis_url[0] || !o->store)
        return STATUS_OK;
    if (!(s = calloc(1, sizeof *s)))
        return call_nomem(c);
    s->store = o->store;
    s->n_places = (o->max_bytes ? o->max_bytes : CACHE_BYTES) / CACHE_SHARED_VALUE_BYTES + 1;
    s->ttl_ms = o->ttl_ms && o->ttl_ms < CACHE_SHARED_TTL_MS ? o->ttl_ms : CACHE_SHARED_TTL_MS;
    s->timeout_ms = o->redis_timeout_ms ? o->redis_timeout_ms : CACHE_SHARED_TIMEOUT_MS;
    status = redis_open(c,
                        &(struct redis_options){.url = o->redis_url,
                                                .url_path = o->redis_url_path,
                                                .n_connections = CONNECTIONS,
                                                .timeout_ms = s->timeout_ms},
                        &s->redis);
    if (status != STATUS_OK) {
        free(s);
        return status;
    }
    *out = s;
    return STATUS_OK;
}

void cache_shared_close(struct cache_shared *s)
{
    if (!s)
        return;
    redis_close(s->redis);
    free(s);
}

static uint64_t number_of(const unsigned char *p)
{
    uint64_t n = 0;

    for (int i = 0; i < 8; i++)
        n = n << 8 | p[i];
    return n;
}

static char *name_of(const struct cache_shared *s, struct call *c, const struct ai_cache_key *key)
{
    return arena_printf(&c->arena, "sales:ai:%llu",
                        (unsigned long long)(number_of(key->b + 24) % s->n_places));
}

/* The first 24 bytes of the key; the other 8 chose the place. */
static struct seal_place place_of(const struct call *c, const struct ai_cache_key *key)
{
    struct seal_place p = {.table = "ai_answer",
                           .tenant_id = c->principal.tenant_id,
                           .version = (int64_t)(number_of(key->b + 16) & INT64_MAX)};

    memcpy(p.id.b, key->b, sizeof p.id.b);
    return p;
}

/* Twice the limit of the client, which ends a run first: that opens the breaker, and the end of a
 * call does not. */
static void own_call(const struct cache_shared *s, struct call *own, const struct call *c)
{
    int64_t most_ns = 2 * s->timeout_ms * MS_NS;

    call_init(own, c->clock, ARENA_BYTES);
    own->principal = c->principal;
    own->trace = c->trace;
    own->method = c->method;
    own->cancelled = c->cancelled;
    own->deadline_ns = call_monotonic_ns(c) + call_left_ns(c, most_ns);
}

/* What GET gives; {0}: nothing. */
static str fetch(struct cache_shared *s, struct call *own, const struct ai_cache_key *key)
{
    const char *name = name_of(s, own, key);
    const str argv[] = {STR("GET"), str_of(name)};
    const struct redis_reply *reply;

    if (!name || redis_ask(s->redis, own, argv, 2, &reply) != STATUS_OK ||
        reply->kind != REDIS_TEXT)
        return (str){0};
    return reply->text;
}

str cache_shared_get(struct cache_shared *s, struct call *c, const struct ai_cache_key *key,
                     int64_t *left_ms)
{
    const struct seal_place place = place_of(c, key);
    str sealed, plain = {0}, value = {0};
    struct call own;

    *left_ms = 0;
    if (!s)
        return value;
    own_call(s, &own, c);
    sealed = fetch(s, &own, key);
    if (sealed.n && store_open(s->store, &own, &place, sealed, &plain) == STATUS_OK &&
        plain.n > UNTIL_BYTES)
        *left_ms = ((int64_t)number_of((const unsigned char *)plain.p) - call_now_us(c)) / 1000;
    if (*left_ms > 0 && *left_ms <= s->ttl_ms)
        value = arena_str(&c->arena, str_sub(plain, UNTIL_BYTES, plain.n));
    call_release(&own);
    return value;
}

/* The value with its end in front of it, sealed. False: no memory, or no key. */
static bool wrap(struct cache_shared *s, struct call *own, const struct ai_cache_key *key,
                 str value, str *out)
{
    const struct seal_place place = place_of(own, key);
    uint64_t until = (uint64_t)(call_now_us(own) + s->ttl_ms * 1000);
    unsigned char *plain = arena_take(&own->arena, UNTIL_BYTES + value.n);

    if (!plain)
        return false;
    for (int i = 0; i < UNTIL_BYTES; i++)
        plain[i] = (unsigned char)(until >> (56 - 8 * i));
    memcpy(plain + UNTIL_BYTES, value.p, value.n);
    return store_seal(s->store, own, &place, (str){(char *)plain, UNTIL_BYTES + value.n}, out) ==
           STATUS_OK;
}

void cache_shared_put(struct cache_shared *s, const struct call *c, const struct ai_cache_key *key,
                      str value)
{
    const struct redis_reply *reply;
    struct call own;
    str sealed;

    if (!s || !value.p || !value.n || value.n > CACHE_SHARED_VALUE_BYTES)
        return;
    own_call(s, &own, c);
    if (wrap(s, &own, key, value, &sealed)) {
        const char *name = name_of(s, &own, key);
        const char *ms = arena_printf(&own.arena, "%lld", (long long)s->ttl_ms);
        const str argv[] = {STR("SET"), str_of(name), sealed, STR("PX"), str_of(ms)};

        if (name && ms) /* a Redis that is full says so, and keeps nothing */
            (void)!redis_ask(s->redis, &own, argv, 5, &reply);
    }
    call_release(&own);
}
