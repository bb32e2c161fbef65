#include "support/mint.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/encode.h"

enum { P256_BYTES = 32, SIGNATURE_BYTES_MAX = 1024, SET_BYTES_MAX = 1 << 18 };

static const char *const alg_names[JWS_N_ALGS] = {
#define X(id, name, kty) name,
    JWS_ALG_LIST(X)
#undef X
};

#define MUST(what)                                                                                 \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "mint: %s\n", #what);                                                  \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

struct mint_key mint_key_new(enum jws_alg alg, const char *kid)
{
    EVP_PKEY *key = alg == JWS_ES256   ? EVP_EC_gen("P-256")
                    : alg == JWS_EDDSA ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                                       : EVP_RSA_gen(2048);

    MUST(key);
    return (struct mint_key){alg, kid, key};
}

void mint_key_free(struct mint_key *k)
{
    EVP_PKEY_free(k->key);
    k->key = NULL;
}

static void put_number(struct buf *b, const struct mint_key *k, const char *name, const char *param,
                       int n_bytes)
{
    unsigned char bytes[SIGNATURE_BYTES_MAX];
    BIGNUM *v = NULL;

    MUST(EVP_PKEY_get_bn_param(k->key, param, &v) == 1);
    n_bytes = n_bytes ? n_bytes : BN_num_bytes(v);
    MUST(BN_bn2binpad(v, bytes, n_bytes) == n_bytes);
    buf_printf(b, ",\"%s\":\"%s\"", name, base64url_encode(b->arena, bytes, (size_t)n_bytes));
    BN_free(v);
}

static void put_key(struct buf *b, const struct mint_key *k)
{
    unsigned char raw[P256_BYTES];
    size_t n = sizeof raw;

    buf_printf(b, "{\"kid\":\"%s\",\"alg\":\"%s\",\"use\":\"sig\"", k->kid, alg_names[k->alg]);
    if (k->alg == JWS_ES256) {
        buf_put(b, STR(",\"kty\":\"EC\",\"crv\":\"P-256\""));
        put_number(b, k, "x", OSSL_PKEY_PARAM_EC_PUB_X, P256_BYTES);
        put_number(b, k, "y", OSSL_PKEY_PARAM_EC_PUB_Y, P256_BYTES);
    } else if (k->alg == JWS_EDDSA) {
        MUST(EVP_PKEY_get_raw_public_key(k->key, raw, &n) == 1);
        buf_printf(b, ",\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"",
                   base64url_encode(b->arena, raw, n));
    } else {
        buf_put(b, STR(",\"kty\":\"RSA\""));
        put_number(b, k, "n", OSSL_PKEY_PARAM_RSA_N, 0);
        put_number(b, k, "e", OSSL_PKEY_PARAM_RSA_E, 0);
    }
    buf_putc(b, '}');
}

const char *mint_set(struct arena *a, const struct mint_key *keys, size_t n)
{
    struct buf b;

    buf_init(&b, a, SET_BYTES_MAX);
    buf_put(&b, STR("{\"keys\":["));
    for (size_t i = 0; i < n; i++) {
        buf_put(&b, i ? STR(",") : STR(""));
        put_key(&b, &keys[i]);
    }
    buf_put(&b, STR("]}"));
    MUST(buf_ok(&b));
    return buf_str(&b).p;
}

/* DER to r and s, 32 bytes each. */
static str to_raw(struct arena *a, const unsigned char *der, size_t n)
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
    unsigned char *raw = arena_take(a, 2 * P256_BYTES);

    MUST(sig && raw);
    MUST(BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, P256_BYTES) == P256_BYTES);
    MUST(BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + P256_BYTES, P256_BYTES) == P256_BYTES);
    ECDSA_SIG_free(sig);
    return (str){(char *)raw, 2 * P256_BYTES};
}

str mint_sign(struct arena *a, const struct mint_key *k, str input)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    unsigned char *out = arena_take(a, SIGNATURE_BYTES_MAX);
    size_t n = SIGNATURE_BYTES_MAX;
    EVP_PKEY_CTX *ctx;

    MUST(md && out);
    MUST(EVP_DigestSignInit(md, &ctx, k->alg == JWS_EDDSA ? NULL : EVP_sha256(), NULL, k->key) ==
         1);
    if (k->alg == JWS_PS256)
        MUST(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
    MUST(EVP_DigestSign(md, out, &n, (const unsigned char *)input.p, input.n) == 1);
    EVP_MD_CTX_free(md);
    return k->alg == JWS_ES256 ? to_raw(a, out, n) : (str){(char *)out, n};
}

const char *mint_token(struct arena *a, const struct mint_key *k, const char *header,
                       const char *payload)
{
    const char *input;
    str signature;

    if (!header)
        header = arena_printf(a, "{\"typ\":\"JWT\",\"alg\":\"%s\",\"kid\":\"%s\"}",
                              alg_names[k->alg], k->kid);
    input = arena_printf(a, "%s.%s", base64url_encode(a, header, strlen(header)),
                         base64url_encode(a, payload, strlen(payload)));
    MUST(input);
    signature = mint_sign(a, k, str_of(input));
    return arena_printf(a, "%s.%s", input, base64url_encode(a, signature.p, signature.n));
}
