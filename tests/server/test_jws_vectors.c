/*
 * Public vectors: Wycheproof's JWS and JWK sets, and the examples of RFC 7520 and RFC 8037. Every
 * vector has its exact verdict; what Wycheproof calls valid and we refuse is listed below, with the
 * reason and the number, so that the list cannot grow unseen.
 */
#include <criterion/criterion.h>
#include <jansson.h>

#include "base/encode.h"
#include "intercept/json_text.h"
#include "intercept/jwk_set.h"
#include "intercept/jws.h"
#include "support/table.h"

#define DATA "tests/data/"

static struct arena arena;

static void set_up(void)
{
    arena_init(&arena, 64 << 20);
}

static void tear_down(void)
{
    arena_release(&arena);
}

TestSuite(jws_vectors, .init = set_up, .fini = tear_down);

static json_t *load(const char *path)
{
    json_error_t why;
    json_t *o = json_load_file(path, 0, &why);

    cr_assert_not_null(o, "%s: %s", path, why.text);
    return o;
}

/* One key or a set of them, as an issuer would publish it. */
static struct jwk_set *publish(json_t *keys)
{
    json_t *set =
        json_object_get(keys, "keys") ? json_incref(keys) : json_pack("{s:[O]}", "keys", keys);
    char *text = json_dumps(set, JSON_COMPACT);
    struct jwk_set *out;
    size_t n_left_out;

    cr_assert_null(jwk_set_read(&arena, str_of(text), &out, &n_left_out));
    free(text);
    json_decref(set);
    return out;
}

static enum auth_reason verdict(json_t *keys, const json_t *token)
{
    struct jwk_set *set = publish(keys);
    enum auth_reason why;
    const struct jwk *key;
    struct jws t;

    /* The JSON serializations are objects: not a word that a header could hold. */
    why = json_is_string(token) ? jws_read(&arena, json_text_of(token), &t) : AUTH_MALFORMED;
    if (why == AUTH_FINE) {
        key = jwk_set_find(set, t.kid, t.alg);
        why = key ? jws_verify(&t, key) : AUTH_KEY;
    }
    jwk_set_unref(set);
    return why;
}

/* Valid for Wycheproof, refused here. */
static const struct {
    const char *file;
    enum auth_reason why;
    int n;
    const char *because;
} refused[] = {
    /* clang-format off */
    {"json_web_signature_test.json", AUTH_ALGORITHM, 29, "HS256, RS384, RS512, PS384, PS512, ES512: not ours"},
    {"json_web_signature_test.json", AUTH_HEADER,     2, "a kid with an @: kids are [A-Za-z0-9._~-]"},
    {"json_web_signature_test.json", AUTH_MALFORMED,  1, "base64url with other characters in between (RFC 7515 appendix C forbids them)"},
    {"json_web_key_test.json",       AUTH_ALGORITHM,  4, "HS256, HS384, HS512"},
    {"json_web_crypto_test.json",    AUTH_ALGORITHM,  2, "HS256"},
    /* clang-format on */
};

static int n_expected(const char *file, enum auth_reason why)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (strcmp(refused[i].file, file) == 0 && refused[i].why == why)
            return refused[i].n;
    return 0;
}

struct suite {
    const char *file;
    int n_accepted, n_refused; /* of all vectors that are for signatures */
};

static const struct suite suites[] = {
    {"json_web_signature_test.json", 14, 387},
    {"json_web_key_test.json", 1, 25},
    {"json_web_crypto_test.json", 2, 47},
};

TABLE_TEST(jws_vectors, wycheproof, struct suite, suites)
{
    json_t *all = load(row->file[0] ? arena_printf(&arena, DATA "wycheproof/%s", row->file) : "");
    int n_accepted = 0, n_refused = 0, by_reason[AUTH_N_REASONS] = {0};
    json_t *group, *vector;
    size_t i, k;

    json_array_foreach(json_object_get(all, "testGroups"), i, group)
    {
        json_t *keys = json_object_get(group, "public");

        keys = keys ? keys : json_object_get(group, "private");
        json_array_foreach(json_object_get(group, "tests"), k, vector)
        {
            json_t *token = json_object_get(vector, "jws");
            bool valid = str_eq(json_text_get(vector, "result"), STR("valid"));
            enum auth_reason why;

            if (!token)
                continue; /* encryption */
            why = verdict(keys, token);
            n_accepted += why == AUTH_FINE;
            n_refused += why != AUTH_FINE;
            cr_expect(valid || why != AUTH_FINE, "%s %d (%s) is accepted", row->file,
                      (int)json_integer_value(json_object_get(vector, "tcId")),
                      json_string_value(json_object_get(vector, "comment")));
            if (valid && why != AUTH_FINE)
                by_reason[why]++;
        }
    }
    for (int why = 0; why < AUTH_N_REASONS; why++)
        cr_expect_eq(by_reason[why], n_expected(row->file, (enum auth_reason)why),
                     "%s: %d valid ones are refused: %s", row->file, by_reason[why],
                     auth_reason_text((enum auth_reason)why));
    cr_expect_eq(n_accepted, row->n_accepted, "%s: %d accepted", row->file, n_accepted);
    cr_expect_eq(n_refused, row->n_refused, "%s: %d refused", row->file, n_refused);
    json_decref(all);
}

struct example {
    const char *file;
    enum auth_reason why;
};

static const struct example examples[] = {
    {"4_1.rsa_v15_signature.json", AUTH_HEADER},    /* kid: bilbo.baggins@hobbiton.example */
    {"4_2.rsa-pss_signature.json", AUTH_ALGORITHM}, /* PS384 */
    {"4_3.ecdsa_signature.json", AUTH_ALGORITHM},   /* ES512 */
    {"4_4.hmac-sha2_integrity_protection.json", AUTH_ALGORITHM}, /* HS256 */
    {"ed25519_signature.json", AUTH_FINE},
};

static json_t *load_example(const char *file)
{
    return load(arena_printf(&arena, DATA "jose_cookbook/%s", file));
}

TABLE_TEST(jws_vectors, cookbook, struct example, examples)
{
    json_t *o = load_example(row->file);

    cr_assert_eq(verdict(json_object_get(json_object_get(o, "input"), "key"),
                         json_object_get(json_object_get(o, "output"), "compact")),
                 row->why, "%s", row->file);
    json_decref(o);
}

/* The one example of an algorithm of ours whose kid we do not take: its signature is fine. */
Test(jws_vectors, rfc_7520_figure_13_but_for_its_kid)
{
    json_t *o = load_example("4_1.rsa_v15_signature.json");
    json_t *key = json_object_get(json_object_get(o, "input"), "key");
    json_t *signing = json_object_get(o, "signing");
    struct jws t = {.alg = JWS_RS256, .signed_part = json_text_get(signing, "sig-input")};
    struct jwk k;

    cr_assert_not_null(jwk_read(&arena, key, &k), "the kid of the key neither");
    json_object_del(key, "kid");
    cr_assert_null(jwk_read(&arena, key, &k));
    cr_assert(base64url_decode(&arena, json_text_get(signing, "sig"), &t.signature));
    cr_assert_eq(jws_verify(&t, &k), AUTH_FINE);
    t.alg = JWS_PS256;
    cr_assert_eq(jws_verify(&t, &k), AUTH_SIGNATURE, "PKCS#1 v1.5 is not PSS");
    t.alg = JWS_ES256;
    cr_assert_eq(jws_verify(&t, &k), AUTH_KEY, "RSA is not P-256");
    jwk_release(&k);
    json_decref(o);
}
