/* jwk: public keys as issuers publish them (RFC 7517): RSA of 2048 to 8192 bits, P-256, Ed25519. */
#ifndef INTERCEPT_JWK_H
#define INTERCEPT_JWK_H

#include <jansson.h>
#include <openssl/evp.h>

#include "base/arena.h"

/* clang-format off */
/*    id     name     kty    */
#define JWS_ALG_LIST(X)      \
    X(RS256, "RS256", RSA)   \
    X(PS256, "PS256", RSA)   \
    X(ES256, "ES256", EC)    \
    X(EDDSA, "EdDSA", OKP)
/* clang-format on */

enum jws_alg {
#define X(id, name, kty) JWS_##id,
    JWS_ALG_LIST(X)
#undef X
        JWS_N_ALGS
};

enum { KID_BYTES_MAX = 128, JWK_RSA_BITS_MIN = 2048, JWK_RSA_BITS_MAX = 8192 };

struct jwk {
    char kid[KID_BYTES_MAX + 1]; /* "": none */
    uint32_t algs;               /* bits 1 << enum jws_alg: what it may verify */
    EVP_PKEY *key;               /* owned */
};

/* JWS_N_ALGS: none of ours; names are compared as they are, so "None" and "rs256" are strangers. */
enum jws_alg jws_alg_parse(str name);

/* [A-Za-z0-9._~-], 1 to KID_BYTES_MAX: fit for a look-up, a log line and nothing else. */
bool jwk_is_kid(str kid);

/*
 * Reads one key and checks it: type, size, exponent, point on the curve, `use` and `key_ops` for
 * signatures, `alg` that fits the type, no ROCA modulus (CVE-2017-15361).
 *
 * NULL: fine, release it. Else why not, a static text; out is zeroed.
 */
MUST_CHECK const char *jwk_read(struct arena *a, const json_t *o, struct jwk *out);

/* Zeroed memory is fine. */
void jwk_release(struct jwk *k);

#endif
