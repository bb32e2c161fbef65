/* One row per key type; a key is handed to OpenSSL as parameters and checked by it once more. */
#include "intercept/jwk.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>

#include "base/encode.h"
#include "intercept/json_text.h"

enum { P256_BYTES = 32, ED25519_BYTES = 32, RSA_EXPONENT_BYTES_MAX = 8 };

enum jws_alg jws_alg_parse(str name)
{
    static const char *const names[JWS_N_ALGS] = {
#define X(id, text, kty) text,
        JWS_ALG_LIST(X)
#undef X
    };
    int i = 0;

    while (i < JWS_N_ALGS && !str_eq(name, str_of(names[i])))
        i++;
    return (enum jws_alg)i;
}

bool jwk_is_kid(str kid)
{
    for (size_t i = 0; i < kid.n; i++) {
        char ch = kid.p[i];

        if (!(ch >= 'a' && ch <= 'z') && !(ch >= 'A' && ch <= 'Z') && !(ch >= '0' && ch <= '9') &&
            ch != '.' && ch != '_' && ch != '~' && ch != '-')
            return false;
    }
    return kid.n > 0 && kid.n <= KID_BYTES_MAX;
}

/* The value as bytes; empty: absent or not base64url. */
static str bytes_of(struct arena *a, const json_t *o, const char *name)
{
    str out;

    return base64url_decode(a, json_text_get(o, name), &out) ? out : (str){0};
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *build)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL), *check = NULL;
    EVP_PKEY *key = NULL;

    if (params && ctx && EVP_PKEY_fromdata_init(ctx) == 1)
        (void)EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
    if (key)
        check = EVP_PKEY_CTX_new(key, NULL);
    if (!check || EVP_PKEY_public_check(check) != 1) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    EVP_PKEY_CTX_free(check);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return key;
}

/* ROCA: for each of these primes the modulus is a power of 65537. A sound modulus passes all of
 * them with a probability below 2^-27. */
static bool is_roca(const BIGNUM *n)
{
    static const unsigned primes[] = {
        3,  5,  7,  11, 13, 17,  19,  23,  29,  31,  37,  41,  43,  47,  53,  59,  61,  67,  71,
        73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167};

    for (size_t i = 0; i < sizeof primes / sizeof *primes; i++) {
        unsigned long p = primes[i], wanted = BN_mod_word(n, p), power = 1;
        bool found = false;

        for (unsigned long k = 0; k < p && !found; k++) {
            found = power == wanted;
            power = power * (65537 % p) % p;
        }
        if (!found)
            return false;
    }
    return true;
}

static const char *check_rsa(const BIGNUM *n, const BIGNUM *e)
{
    if (BN_num_bits(n) < JWK_RSA_BITS_MIN || BN_num_bits(n) > JWK_RSA_BITS_MAX)
        return "an RSA modulus out of 2048 to 8192 bits";
    if (!BN_is_odd(n) || !BN_is_odd(e) || BN_is_one(e))
        return "an RSA key that is none";
    return is_roca(n) ? "an RSA key of broken hardware (ROCA)" : NULL;
}

static const char *read_rsa(struct arena *a, const json_t *o, EVP_PKEY **out)
{
    str n_bytes = bytes_of(a, o, "n"), e_bytes = bytes_of(a, o, "e");
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *n = NULL, *e = NULL;
    const char *why = "no RSA modulus or exponent";

    if (n_bytes.n && n_bytes.n <= JWK_RSA_BITS_MAX / 8 + 1 && e_bytes.n &&
        e_bytes.n <= RSA_EXPONENT_BYTES_MAX) {
        n = BN_bin2bn((const unsigned char *)n_bytes.p, (int)n_bytes.n, NULL);
        e = BN_bin2bn((const unsigned char *)e_bytes.p, (int)e_bytes.n, NULL);
        why = n && e && build ? check_rsa(n, e) : "no memory";
    }
    if (!why && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        *out = from_params("RSA", build);
    if (!why && !*out)
        why = "an RSA key that OpenSSL refuses";
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return why;
}

static const char *read_ec(struct arena *a, const json_t *o, EVP_PKEY **out)
{
    str x = bytes_of(a, o, "x"), y = bytes_of(a, o, "y");
    unsigned char point[1 + 2 * P256_BYTES] = {POINT_CONVERSION_UNCOMPRESSED};
    OSSL_PARAM_BLD *build;

    if (!str_eq(json_text_get(o, "crv"), STR("P-256")))
        return "another curve than P-256";
    if (x.n != P256_BYTES || y.n != P256_BYTES)
        return "a coordinate that is not 32 bytes long";
    memcpy(point + 1, x.p, P256_BYTES);
    memcpy(point + 1 + P256_BYTES, y.p, P256_BYTES);
    build = OSSL_PARAM_BLD_new();
    if (build &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1)
        *out = from_params("EC", build);
    OSSL_PARAM_BLD_free(build);
    return *out ? NULL : "a point that is not on P-256";
}

static const char *read_okp(struct arena *a, const json_t *o, EVP_PKEY **out)
{
    str x = bytes_of(a, o, "x");

    if (!str_eq(json_text_get(o, "crv"), STR("Ed25519")))
        return "another curve than Ed25519";
    if (x.n != ED25519_BYTES)
        return "an Ed25519 key that is not 32 bytes long";
    *out = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)x.p, x.n);
    return *out ? NULL : "an Ed25519 key that OpenSSL refuses";
}

struct key_type {
    const char *kty;
    uint32_t algs;
    const char *(*read)(struct arena *a, const json_t *o, EVP_PKEY **out);
};

static const struct key_type key_types[] = {
    {"RSA", 1U << JWS_RS256 | 1U << JWS_PS256, read_rsa},
    {"EC", 1U << JWS_ES256, read_ec},
    {"OKP", 1U << JWS_EDDSA, read_okp},
};

/* Absent, or a list that names verifying. */
static bool may_verify(const json_t *o)
{
    const json_t *use = json_object_get(o, "use"), *ops = json_object_get(o, "key_ops");

    if (use && !str_eq(json_text_of(use), STR("sig")))
        return false;
    for (size_t i = 0; i < json_array_size(ops); i++)
        if (str_eq(json_text_of(json_array_get(ops, i)), STR("verify")))
            return true;
    return !ops;
}

/* What the type can, cut down to the `alg` of the key. */
static const char *read_algs(const json_t *o, const struct key_type *type, struct jwk *out)
{
    const json_t *alg = json_object_get(o, "alg");
    enum jws_alg only;

    out->algs = type->algs;
    if (!alg)
        return NULL;
    only = jws_alg_parse(json_text_of(alg));
    if (only == JWS_N_ALGS || !(type->algs & 1U << only))
        return "an alg that is not ours or does not fit the key";
    out->algs = 1U << only;
    return NULL;
}

static const char *read_kid(const json_t *o, struct jwk *out)
{
    const json_t *kid = json_object_get(o, "kid");
    str text = json_text_of(kid);

    if (!kid)
        return NULL;
    if (!jwk_is_kid(text))
        return "a kid with other characters than [A-Za-z0-9._~-], or over 128 of them";
    memcpy(out->kid, text.p, text.n);
    return NULL;
}

const char *jwk_read(struct arena *a, const json_t *o, struct jwk *out)
{
    str kty = json_text_get(o, "kty");
    const struct key_type *type = NULL;
    const char *why;

    *out = (struct jwk){0};
    for (size_t i = 0; i < sizeof key_types / sizeof *key_types; i++)
        if (str_eq(kty, str_of(key_types[i].kty)))
            type = &key_types[i];
    if (!type)
        return "a key type that is not RSA, EC or OKP";
    if (!may_verify(o))
        return "a key that is not for signatures";
    if ((why = read_algs(o, type, out)) == NULL && (why = read_kid(o, out)) == NULL)
        why = type->read(a, o, &out->key);
    if (why)
        jwk_release(out);
    return why;
}

void jwk_release(struct jwk *k)
{
    EVP_PKEY_free(k->key);
    *k = (struct jwk){0};
}
