/*
 * What callers, issuers and operators write: tokens, claims, key sets, the trust file, forwarded
 * certificates. The first byte says which. Whatever the bytes are, they are refused or become
 * something that keeps its promises.
 */
#include <assert.h>
#include <stdint.h>

#include "intercept/claims.h"
#include "intercept/json_text.h"
#include "intercept/jwk_set.h"
#include "intercept/jwks_load.h"
#include "intercept/jws.h"
#include "intercept/trust_file.h"
#include "intercept/xfcc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void read_token(struct arena *a, str text)
{
    struct jws t;
    enum auth_reason why = jws_read(a, text, &t);

    assert((int)why >= 0 && why <= AUTH_FINE);
    if (why != AUTH_FINE)
        return;
    assert(t.alg < JWS_N_ALGS && t.signature.n > 0);
    assert(t.kid.n == 0 || jwk_is_kid(t.kid));
    assert(t.signed_part.p == text.p && t.signed_part.n < text.n);
}

static void read_claims(struct arena *a, str text)
{
    static const str audience = {"sales", 5};
    const struct claims_rules rules = {.issuer = STR("i"),
                                       .audiences = &audience,
                                       .n_audiences = 1,
                                       .tenant_claim = STR("tenant_id"),
                                       .roles_claim = STR("/r/roles"),
                                       .teams_claim = STR("teams"),
                                       .kind_claim = STR("kind"),
                                       .roles = role_names_default,
                                       .n_roles = n_role_names_default,
                                       .leeway_s = 30,
                                       .lifetime_max_s = 3600,
                                       .kind = ACTOR_USER};
    json_t *o = json_text_object(text);
    struct claims c;

    if (o && claims_check(a, &rules, o, INT64_C(1700000000000000), &c) == AUTH_FINE) {
        assert(c.subject[0] && c.tenant.n > 0 && c.tenant.n <= TENANT_NAME_BYTES);
        assert(c.kind == ACTOR_USER || c.kind == ACTOR_SERVICE || c.kind == ACTOR_AI);
        assert(c.n_teams <= TEAMS_MAX && c.expires_us > INT64_C(1700000000000000));
        assert(c.expires_us <= INT64_C(1700003660000000));
    }
    json_decref(o);
}

static void read_set(struct arena *a, str text)
{
    struct jwk_set *s;
    size_t n_left_out;

    if (!jwk_set_read(a, text, &s, &n_left_out)) {
        assert(jwk_set_count(s) + n_left_out <= JWK_SET_MAX);
        for (int alg = 0; alg < JWS_N_ALGS; alg++) {
            const struct jwk *k = jwk_set_find(s, STR("k"), (enum jws_alg)alg);

            assert(!k || (k->key && k->algs & 1U << alg));
        }
    }
    jwk_set_unref(s);
}

static void read_rules(struct arena *a, str text)
{
    char why[TRUST_WHY_BYTES] = "";
    struct trust_rules t;

    if (!trust_parse(a, text, &t, why)) {
        assert(why[0] && t.n_issuers == 0 && t.n_certificates == 0);
        return;
    }
    for (size_t i = 0; i < t.n_issuers; i++)
        assert(t.issuers[i].algs && t.issuers[i].audiences.n && t.issuers[i].rules.n_roles);
    for (size_t i = 0; i < t.n_certificates; i++)
        assert(t.certificates[i].roles && t.certificates[i].tenant.n);
}

static void read_forwarded(struct arena *a, str text)
{
    str id = xfcc_spiffe_id(text);

    (void)a;
    assert(!id.n || str_starts(id, STR("spiffe://")));
    assert(jwks_max_age(text) >= -1);
    assert(!jwks_same_origin(text, text) || text.n > 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static void (*const readers[])(struct arena * a, str text) = {read_token, read_claims, read_set,
                                                                  read_rules, read_forwarded};
    struct arena a;

    if (n == 0)
        return 0;
    arena_init(&a, 16 << 20);
    readers[data[0] % (sizeof readers / sizeof *readers)](&a, (str){(const char *)data + 1, n - 1});
    arena_release(&a);
    return 0;
}
