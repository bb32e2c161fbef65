/*
 * The cache is set-associative with one lock per set: a hit copies one record under it. Only keys
 * that exist are kept, so guessing cannot fill it.
 */
#include "intercept/auth.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct slot {
    struct uuid id;
    int64_t fetched_ns, used_ns; /* monotonic; fetched_ns 0: empty */
    struct api_key_record record;
};

struct set {
    pthread_mutex_t lock; /* guards slots */
    struct slot slots[AUTH_CACHE_WAYS];
};

struct auth {
    struct authenticator *keys;
    struct set sets[AUTH_CACHE_SETS];
};

struct auth *auth_new(struct authenticator *keys)
{
    struct auth *a = calloc(1, sizeof *a);

    if (!a)
        return NULL;
    a->keys = keys;
    for (int i = 0; i < AUTH_CACHE_SETS; i++)
        pthread_mutex_init(&a->sets[i].lock, NULL);
    return a;
}

void auth_free(struct auth *a)
{
    if (!a)
        return;
    for (int i = 0; i < AUTH_CACHE_SETS; i++)
        pthread_mutex_destroy(&a->sets[i].lock);
    free(a);
}

/* The random end of the id decides. */
static struct set *set_of(struct auth *a, struct uuid id)
{
    return &a->sets[id.b[15] % AUTH_CACHE_SETS];
}

static bool same_id(struct uuid a, struct uuid b)
{
    return memcmp(a.b, b.b, sizeof a.b) == 0;
}

static bool cache_get(struct auth *a, int64_t now_ns, struct uuid id, struct api_key_record *out)
{
    struct set *s = set_of(a, id);
    bool found = false;

    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < AUTH_CACHE_WAYS && !found; i++) {
        struct slot *e = &s->slots[i];

        if (!e->fetched_ns || !same_id(e->id, id) ||
            now_ns - e->fetched_ns > AUTH_CACHE_TTL_MS * INT64_C(1000000))
            continue;
        e->used_ns = now_ns;
        *out = e->record;
        found = true;
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

static void cache_put(struct auth *a, int64_t now_ns, struct uuid id,
                      const struct api_key_record *record)
{
    struct set *s = set_of(a, id);
    struct slot *at = &s->slots[0];

    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < AUTH_CACHE_WAYS; i++) {
        struct slot *e = &s->slots[i];

        if (same_id(e->id, id)) {
            at = e;
            break;
        }
        if (e->used_ns < at->used_ns)
            at = e;
    }
    *at = (struct slot){id, now_ns, now_ns, *record};
    pthread_mutex_unlock(&s->lock);
}

void auth_forget(struct auth *a, struct uuid id)
{
    struct set *s = set_of(a, id);

    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < AUTH_CACHE_WAYS; i++)
        if (same_id(s->slots[i].id, id))
            s->slots[i] = (struct slot){0};
    pthread_mutex_unlock(&s->lock);
}

/* The record, from the cache or the keeper of keys. The time is that of asking: what changed while
 * the answer travelled is seen a TTL after the question, not after the answer. */
static enum status find(struct auth *a, struct call *c, struct uuid id, struct api_key_record *out)
{
    int64_t now_ns = call_monotonic_ns(c);

    if (cache_get(a, now_ns, id, out))
        return STATUS_OK;
    TRY(a->keys->find_key(a->keys, c, id, out));
    cache_put(a, now_ns, id, out);
    return STATUS_OK;
}

static enum status refuse(struct call *c, enum auth_reason why, enum auth_reason *reason_out)
{
    static const struct {
        enum status status;
        const char *reason, *text;
    } rows[AUTH_N_REASONS] = {
        /* clang-format off */
        [AUTH_MISSING]   = {STATUS_UNAUTHENTICATED, "CREDENTIAL_MISSING",   "the call carries no authorization metadata"},
        [AUTH_SCHEME]    = {STATUS_UNAUTHENTICATED, "CREDENTIAL_SCHEME",    "authorization must be: Bearer <API key>"},
        [AUTH_MALFORMED] = {STATUS_UNAUTHENTICATED, "CREDENTIAL_MALFORMED", "this is not an API key"},
        [AUTH_UNKNOWN]   = {STATUS_UNAUTHENTICATED, "CREDENTIAL_UNKNOWN",   "the API key is not known"},
        [AUTH_EXPIRED]   = {STATUS_UNAUTHENTICATED, "CREDENTIAL_EXPIRED",   "the API key has expired"},
        [AUTH_REVOKED]   = {STATUS_UNAUTHENTICATED, "CREDENTIAL_REVOKED",   "the API key was revoked"},
        [AUTH_SUSPENDED] = {STATUS_DENIED,          "TENANT_SUSPENDED",     "the tenant is suspended"},
        /* clang-format on */
    };

    assert(rows[why].reason);
    *reason_out = why;
    return call_fail_as(c, rows[why].status, rows[why].reason, "%s", rows[why].text);
}

/* Only the holder of the secret learns more than "unknown". */
static enum status judge(struct call *c, const struct api_key_record *record,
                         const struct api_key_parts *given, enum auth_reason *reason_out)
{
    if (!api_key_same(record->sha256, given->sha256) || !record->principal.tenant_id)
        return refuse(c, AUTH_UNKNOWN, reason_out);
    if (record->is_revoked)
        return refuse(c, AUTH_REVOKED, reason_out);
    if (record->expires_us && record->expires_us <= call_now_us(c))
        return refuse(c, AUTH_EXPIRED, reason_out);
    if (record->tenant_is_suspended)
        return refuse(c, AUTH_SUSPENDED, reason_out);
    c->principal = record->principal;
    return STATUS_OK;
}

enum status auth_check(struct auth *a, struct call *c, str header, enum auth_reason *reason_out)
{
    struct api_key_record record;
    struct api_key_parts given;
    str scheme = str_sub(header, 0, 7);
    enum status s;

    *reason_out = AUTH_N_REASONS;
    if (!header.n)
        return refuse(c, AUTH_MISSING, reason_out);
    if (!str_eq_nocase(scheme, STR("Bearer ")))
        return refuse(c, AUTH_SCHEME, reason_out);
    if (!api_key_parse(str_trim(str_sub(header, 7, header.n)), &given))
        return refuse(c, AUTH_MALFORMED, reason_out);
    s = find(a, c, given.id, &record);
    if (s == STATUS_NOT_FOUND) {
        call_clear(c);
        return refuse(c, AUTH_UNKNOWN, reason_out);
    }
    if (s != STATUS_OK)
        return s;
    return judge(c, &record, &given, reason_out);
}
