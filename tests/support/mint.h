/* mint: keys, the sets they are published in, and tokens they sign, for programs that test or
 * measure what takes tokens apart. Failures abort. */
#ifndef SUPPORT_MINT_H
#define SUPPORT_MINT_H

#include <openssl/evp.h>

#include "base/arena.h"
#include "intercept/jwk.h"

struct mint_key {
    enum jws_alg alg;
    const char *kid;
    EVP_PKEY *key; /* owned */
};

struct mint_key mint_key_new(enum jws_alg alg, const char *kid);
void mint_key_free(struct mint_key *k);

/* {"keys":[...]} of n keys, in a. */
const char *mint_set(struct arena *a, const struct mint_key *keys, size_t n);

/* header.payload.signature, in a. header NULL: alg, typ and the kid. */
const char *mint_token(struct arena *a, const struct mint_key *k, const char *header,
                       const char *payload);

/* The signature as the token has it: raw, not DER. In a. */
str mint_sign(struct arena *a, const struct mint_key *k, str input);

#endif
