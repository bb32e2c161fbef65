/* The payload is read before the signature is checked, for the issuer's name only; nothing else of
 * it is looked at until the signature is known to be good. */
#include "intercept/token.h"

#include "intercept/json_text.h"
#include "intercept/jws.h"

static enum auth_reason judge(const struct issuer *issuer, struct call *c, const json_t *payload,
                              struct claims *out)
{
    enum auth_reason why = claims_check(&c->arena, &issuer->rules, payload, call_now_us(c), out);

    if ((why != AUTH_FINE && why != AUTH_EXPIRED) || !issuer->tenants.n ||
        text_list_has(issuer->tenants, out->tenant))
        return why;
    out->tenant = (str){0}; /* not one that it speaks for */
    return why == AUTH_FINE ? AUTH_TENANT : why;
}

/* Whether the issuer of the payload has signed the token. */
static enum status verify(const struct issuer *issuer, struct call *c, const struct jws *t,
                          enum auth_reason *why)
{
    struct jwks_key found;

    *why = !issuer ? AUTH_ISSUER : issuer->algs & 1U << t->alg ? AUTH_FINE : AUTH_ALGORITHM;
    if (*why != AUTH_FINE)
        return STATUS_OK;
    TRY(jwks_find(issuer->keys, c, t->kid, t->alg, &found));
    *why = found.key ? jws_verify(t, found.key) : AUTH_KEY;
    jwk_set_unref(found.set);
    return STATUS_OK;
}

enum status token_check(const struct trust_rules *t, struct call *c, str token, struct claims *out,
                        enum auth_reason *why)
{
    const struct issuer *issuer;
    struct jws jws;
    json_t *payload;
    enum status s;

    *out = (struct claims){0};
    *why = jws_read(&c->arena, token, &jws);
    if (*why != AUTH_FINE)
        return STATUS_OK;
    if ((payload = json_text_object(jws.payload)) == NULL) {
        *why = AUTH_MALFORMED;
        return STATUS_OK;
    }
    issuer = trust_issuer(t, json_text_get(payload, "iss"));
    s = verify(issuer, c, &jws, why);
    if (s == STATUS_OK && *why == AUTH_FINE)
        *why = judge(issuer, c, payload, out);
    json_decref(payload);
    return s;
}
