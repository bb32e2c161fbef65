/* Tokens: verified once, then known by their SHA-256 until a minute is over, they end, or the keys
 * or rules they were verified by change. Tenants are looked up on each call, so that a suspension
 * counts for tokens that were verified before it. */
#include <assert.h>
#include <openssl/crypto.h>
#include <stdio.h>

#include "intercept/auth_parts.h"
#include "intercept/token.h"

static const int64_t ns_per_us = 1000, ns_per_ms = 1000000, us_per_s = 1000000;

void auth_digest(const struct auth *a, str text, struct assoc_key *out)
{
    unsigned n = 0;
    int done = EVP_Digest(text.p, text.n, out->b, &n, a->sha256, NULL);

    assert(done == 1 && n == ASSOC_KEY_BYTES); /* else one token would stand for another */
    (void)done;
}

/* ---- tenants --------------------------------------------------------------------------------- */

static enum status find_tenant(struct auth *a, struct call *c, const struct tenant_name *name,
                               struct tenant_record *out)
{
    int64_t now_ns = call_monotonic_ns(c);
    enum status s;

    *out = (struct tenant_record){0};
    if (assoc_get(a->tenants, &name->key, now_ns, out))
        return STATUS_OK;
    s = a->keepers->find_tenant(a->keepers, c, name->text, out);
    if (s == STATUS_NOT_FOUND)
        call_clear(c); /* the cache remembers that too: only the signed get here */
    else if (s != STATUS_OK)
        return s;
    assoc_put(
        a->tenants, &name->key,
        &(struct assoc_entry){out, sizeof *out, now_ns, now_ns + AUTH_CACHE_TTL_MS * ns_per_ms});
    return STATUS_OK;
}

enum status auth_tenant(struct auth *a, struct call *c, const struct tenant_name *name,
                        struct principal *p, struct auth_outcome *out)
{
    struct tenant_record t;

    TRY(find_tenant(a, c, name, &t));
    out->why = !t.number ? AUTH_TENANT : t.is_suspended ? AUTH_SUSPENDED : AUTH_FINE;
    p->tenant_id = t.number;
    p->calls_per_second = t.calls_per_second;
    memcpy(p->tenant, t.key, sizeof p->tenant);
    return STATUS_OK;
}

/* ---- tokens ---------------------------------------------------------------------------------- */

static bool is_known(struct auth *a, struct call *c, const struct assoc_key *k,
                     struct verified *out)
{
    return assoc_get(a->tokens, k, call_monotonic_ns(c), out) &&
           out->generation == trust_generation(a->trust) && out->expires_us > call_now_us(c);
}

static bool keep(const struct auth *a, const struct claims *claims, struct verified *out)
{
    out->principal = (struct principal){
        .roles = claims->roles, .kind = claims->kind, .credential = CREDENTIAL_TOKEN};
    memcpy(out->principal.subject, claims->subject, sizeof out->principal.subject);
    snprintf(out->tenant, sizeof out->tenant, STR_FMT, STR_ARG(claims->tenant));
    auth_digest(a, claims->tenant, &out->tenant_key);
    out->expires_us = claims->expires_us;
    out->teams.n = out->teams.n_bytes = 0;
    for (size_t i = 0; i < claims->n_teams; i++)
        if (!team_list_add(&out->teams, str_of(claims->teams[i])))
            return false;
    return true;
}

static void remember(struct auth *a, struct call *c, const struct assoc_key *k,
                     const struct verified *v)
{
    int64_t now_ns = call_monotonic_ns(c), left_us = v->expires_us - call_now_us(c);

    if (left_us > AUTH_TOKEN_TTL_S * us_per_s)
        left_us = AUTH_TOKEN_TTL_S * us_per_s;
    assoc_put(a->tokens, k,
              &(struct assoc_entry){v, offsetof(struct verified, teams.text) + v->teams.n_bytes,
                                    now_ns, now_ns + left_us * ns_per_us});
}

static enum status verify(struct auth *a, struct call *c, str token, struct verified *out,
                          enum auth_reason *why)
{
    uint64_t generation = trust_generation(a->trust); /* of before the keys were looked at */
    const struct trust_rules *rules = trust_get(a->trust);
    struct claims claims;
    enum status s = token_check(rules, c, token, &claims, why);

    if (s == STATUS_OK && *why == AUTH_FINE && !keep(a, &claims, out))
        *why = AUTH_CLAIMS;
    else if (s == STATUS_OK && *why == AUTH_EXPIRED && !keep(a, &claims, out))
        out->tenant[0] = 0;
    out->generation = generation;
    trust_put(rules);
    return s;
}

/* Of a token that was good once, and is signed by who may say so. */
static void name_owner(struct auth *a, struct call *c, struct verified *v, struct auth_outcome *out)
{
    struct auth_outcome of_tenant = {.why = AUTH_FINE};

    if (!v->tenant[0])
        return;
    if (auth_tenant(a, c, &(struct tenant_name){str_of(v->tenant), v->tenant_key}, &v->principal,
                    &of_tenant) == STATUS_OK)
        out->whose = v->principal;
    else
        call_clear(c); /* it is refused either way */
}

enum status auth_by_token(struct auth *a, struct call *c, str token, struct auth_outcome *out)
{
    struct assoc_key k;
    struct verified v;

    v.tenant[0] = 0;
    if (!a->trust) {
        out->why = AUTH_ISSUER;
        return STATUS_OK;
    }
    auth_digest(a, token, &k);
    if (!is_known(a, c, &k, &v)) {
        TRY(verify(a, c, token, &v, &out->why));
        if (out->why == AUTH_EXPIRED)
            name_owner(a, c, &v, out);
        if (out->why != AUTH_FINE)
            return STATUS_OK;
        remember(a, c, &k, &v);
    }
    TRY(auth_tenant(a, c, &(struct tenant_name){str_of(v.tenant), v.tenant_key}, &v.principal,
                    out));
    out->expires_us = v.expires_us;
    out->whose = out->why == AUTH_FINE ? (struct principal){0} : v.principal;
    if (out->why != AUTH_FINE)
        return STATUS_OK;
    c->principal = v.principal;
    return team_list_copy(&v.teams, &c->arena, &c->principal) ? STATUS_OK : call_nomem(c);
}
