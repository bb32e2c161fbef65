/* API keys: a look-up by id, and the secret compared by its hash. */
#include <openssl/crypto.h>

#include "intercept/auth_parts.h"

static const int64_t us_per_hour = INT64_C(3600) * 1000000;
static const int64_t ns_per_ms = 1000000;

static struct assoc_key cache_key(struct uuid id)
{
    struct assoc_key k = {{0}};

    memcpy(k.b, id.b, sizeof id.b);
    return k;
}

void auth_forget(struct auth *a, struct uuid id)
{
    struct assoc_key k = cache_key(id);

    assoc_forget(a->keys, &k);
}

void auth_forget_tenants(struct auth *a)
{
    assoc_forget_all(a->keys);
    assoc_forget_all(a->tenants);
}

static void remember(struct auth *a, int64_t asked_ns, struct uuid id,
                     const struct api_key_record *r)
{
    struct assoc_key k = cache_key(id);

    assoc_put(a->keys, &k,
              &(struct assoc_entry){r,
                                    offsetof(struct api_key_record, teams.text) + r->teams.n_bytes,
                                    asked_ns, asked_ns + AUTH_CACHE_TTL_MS * ns_per_ms});
}

/* The record, from the cache or the keeper of keys. Ids are made by the server, so one that is no
 * key's is not about to become one: it is remembered too, for a while. The time is that of asking:
 * what changed while the answer travelled is seen a TTL after the question, not after the answer.
 */
static enum status find(struct auth *a, struct call *c, struct uuid id, struct api_key_record *out)
{
    int64_t now_ns = call_monotonic_ns(c);
    struct assoc_key k = cache_key(id);
    enum status s;
    char nothing;

    if (assoc_get(a->keys, &k, now_ns, out))
        return STATUS_OK;
    if (assoc_get(a->unknown, &k, now_ns, &nothing))
        return call_fail(c, STATUS_NOT_FOUND, "no such key, a moment ago");
    s = a->keepers->find_key(a->keepers, c, id, out);
    if (s == STATUS_OK)
        remember(a, now_ns, id, out);
    else if (s == STATUS_NOT_FOUND)
        assoc_put(a->unknown, &k,
                  &(struct assoc_entry){"", 1, now_ns, now_ns + AUTH_UNKNOWN_TTL_MS * ns_per_ms});
    return s;
}

/* Only the holder of the secret learns more than "unknown". */
static enum auth_reason judge(struct call *c, const struct api_key_record *r,
                              const struct api_key_parts *given)
{
    if (!api_key_same(r->sha256, given->sha256) || !r->principal.tenant_id)
        return AUTH_UNKNOWN;
    if (r->is_revoked)
        return AUTH_REVOKED;
    if (r->expires_us && r->expires_us <= call_now_us(c))
        return AUTH_EXPIRED;
    return r->tenant_is_suspended ? AUTH_SUSPENDED : AUTH_FINE;
}

/* Once an hour for each key, as far as the cache remembers. */
static void note_use(struct auth *a, struct call *c, struct uuid id, struct api_key_record *r)
{
    int64_t hour_us = call_now_us(c) / us_per_hour * us_per_hour;

    if (r->last_use_us >= hour_us || !a->keepers->key_used)
        return;
    r->last_use_us = hour_us;
    remember(a, call_monotonic_ns(c), id, r);
    a->keepers->key_used(a->keepers, id, hour_us);
}

enum status auth_by_key(struct auth *a, struct call *c, str secret, struct auth_outcome *out)
{
    struct api_key_record record;
    struct api_key_parts given;
    enum status s;

    if (!api_key_parse(secret, &given)) {
        out->why = AUTH_MALFORMED;
        return STATUS_OK;
    }
    s = find(a, c, given.id, &record);
    if (s == STATUS_NOT_FOUND) {
        call_clear(c);
        out->why = AUTH_UNKNOWN;
        return STATUS_OK;
    }
    if (s != STATUS_OK)
        return s;
    out->why = judge(c, &record, &given);
    out->expires_us = record.expires_us;
    if (out->why != AUTH_FINE && out->why != AUTH_UNKNOWN)
        out->whose = record.principal;
    if (out->why != AUTH_FINE)
        return STATUS_OK;
    note_use(a, c, given.id, &record);
    c->principal = record.principal;
    return team_list_copy(&record.teams, &c->arena, &c->principal) ? STATUS_OK : call_nomem(c);
}
