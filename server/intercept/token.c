/* The payload is read before the signature is checked, for the issuer's name only; nothing else of
 * it is looked at until the signature is known to be good. */
#include "intercept/token.h"

#include "intercept/json_text.h"
#include "intercept/jws.h"

static enum status verify(const struct issuer *issuer, struct call *c, const struct jws *t,
                          enum auth_reason *why)
{
    struct jwks_key found;

    TRY(jwks_find(issuer->keys, c, t->kid, t->alg, &found));
    *why = found.key ? jws_verify(t, found.key) : AUTH_KEY;
    jwk_set_unref(found.set);
    return STATUS_OK;
}

static enum status check_payload(const struct trust_rules *t, struct call *c, const struct jws *jws,
                                 const json_t *payload, struct claims *out, enum auth_reason *why)
{
    const struct issuer *issuer = trust_issuer(t, json_text_get(payload, "iss"));

    *why = !issuer ? AUTH_ISSUER : issuer->algs & 1U << jws->alg ? AUTH_FINE : AUTH_ALGORITHM;
    if (*why != AUTH_FINE)
        return STATUS_OK;
    TRY(verify(issuer, c, jws, why));
    if (*why == AUTH_FINE)
        *why = claims_check(&c->arena, &issuer->rules, payload, call_now_us(c), out);
    if (*why == AUTH_FINE && issuer->tenants.n && !text_list_has(issuer->tenants, out->tenant))
        *why = AUTH_TENANT;
    return STATUS_OK;
}

enum status token_check(const struct trust_rules *t, struct call *c, str token, struct claims *out,
                        enum auth_reason *why)
{
    enum status s = STATUS_OK;
    struct jws jws;
    json_t *payload;

    *why = jws_read(&c->arena, token, &jws);
    if (*why != AUTH_FINE)
        return STATUS_OK;
    payload = json_text_object(jws.payload);
    if (payload)
        s = check_payload(t, c, &jws, payload, out, why);
    else
        *why = AUTH_MALFORMED;
    json_decref(payload);
    return s;
}
