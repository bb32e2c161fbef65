/*
 * A bucket is one number in Redis, the time at which it would be full again (the generic cell rate
 * algorithm, as in obs/bucket.h), moved by a script and by the clock of Redis: servers need not
 * agree on the time. Keys expire when the bucket is full.
 */
#include "intercept/rate_share.h"

#include <stdio.h>
#include <stdlib.h>

#include "cache/redis.h"

enum { KEY_BYTES = 64, NUMBER_BYTES = 24, CONNECTIONS = 4 };

struct rate_share {
    struct redis *redis;
};

/* KEYS: bucket. ARGV: tokens per second, burst, tokens wanted. Answers tokens, microseconds. */
static const char script[] =
    "local t = redis.call('TIME')\n"
    "local now = t[1] * 1000000 + t[2]\n"
    "local interval = 1000000 / tonumber(ARGV[1])\n"
    "local full_at = tonumber(redis.call('GET', KEYS[1]) or '0')\n"
    "if full_at < now then full_at = now end\n"
    "local room = math.floor((now + tonumber(ARGV[2]) * interval - full_at) / interval)\n"
    "if room < 1 then\n"
    "  return {0, math.ceil(full_at - now - (tonumber(ARGV[2]) - 1) * interval)}\n"
    "end\n"
    "local n = math.min(room, tonumber(ARGV[3]))\n"
    "full_at = full_at + n * interval\n"
    "redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX',\n"
    "           math.ceil((full_at - now) / 1000) + 1)\n"
    "return {n, 0}";

enum status rate_share_open(struct call *c, const struct secret_source *url, int timeout_ms,
                            struct rate_share **out)
{
    struct rate_share *s = calloc(1, sizeof *s);
    enum status got;

    *out = NULL;
    if (!s)
        return call_nomem(c);
    got = redis_open(c,
                     &(struct redis_options){.url = url->text,
                                             .url_path = url->path,
                                             .n_connections = CONNECTIONS,
                                             .timeout_ms = timeout_ms},
                     &s->redis);
    if (got != STATUS_OK) {
        free(s);
        return got;
    }
    *out = s;
    return STATUS_OK;
}

void rate_share_close(struct rate_share *s)
{
    if (!s)
        return;
    redis_close(s->redis);
    free(s);
}

/* A script that Redis lost with a restart is sent again by EVAL itself: it is small. */
static bool ask(struct rate_share *s, struct call *c, struct rate_lease *l)
{
    char key[KEY_BYTES], rate[NUMBER_BYTES], burst[NUMBER_BYTES], want[NUMBER_BYTES];
    const struct redis_reply *reply;

    snprintf(key, sizeof key, "sales:rate:{%lld}:%s", (long long)l->tenant_id, l->class);
    snprintf(rate, sizeof rate, "%lld", (long long)l->calls_per_second);
    snprintf(burst, sizeof burst, "%lld", (long long)l->burst);
    snprintf(want, sizeof want, "%lld", (long long)l->want);
    if (redis_ask(s->redis, c,
                  (const str[]){STR("EVAL"), str_of(script), STR("1"), str_of(key), str_of(rate),
                                str_of(burst), str_of(want)},
                  7, &reply) != STATUS_OK)
        return false;
    if (reply->kind != REDIS_ARRAY || reply->n_items != 2 || reply->items[0]->kind != REDIS_INT ||
        reply->items[1]->kind != REDIS_INT)
        return false;
    l->granted = reply->items[0]->number;
    l->wait_us = reply->items[1]->number;
    return l->granted >= 0 && l->granted <= l->want;
}

bool rate_share_lease(struct rate_share *s, struct call *c, struct rate_lease *l)
{
    struct fault before = c->fault;
    bool answered;

    l->granted = l->wait_us = 0;
    answered = redis_is_up(s->redis) && ask(s, c, l);
    c->fault = before;
    return answered;
}
