/*
 * jws: signed tokens in the compact form (RFC 7515), and nothing else of JOSE: no encryption, no
 * shared secrets, no other serialization, no key that the token brings itself.
 *
 * One path for all algorithms, on OpenSSL's EVP (docs/adr/0010 says why there is no JOSE library).
 */
#ifndef INTERCEPT_JWS_H
#define INTERCEPT_JWS_H

#include "base/arena.h"
#include "intercept/jwk.h"
#include "intercept/reason.h"

enum {
    JWS_BYTES_MAX = 8 << 10, /* the whole token: what request metadata may hold */
    JWS_HEADER_BYTES_MAX = 1 << 10,
};

struct jws {
    enum jws_alg alg;
    str kid;                             /* empty: none */
    str signed_part, payload, signature; /* payload and signature decoded */
};

/*
 * Takes a token apart and judges its header; the signature is not checked yet.
 *
 *   a    owns what is decoded
 *   out  valid when AUTH_FINE is returned; signed_part borrows from token
 *
 * MALFORMED: size, dots, base64url or JSON. ENCRYPTED: five parts, none of them decoded. ALGORITHM:
 * none, a secret's, or one that we do not know. HEADER: typ, crit, b64, kid. `jwk`, `jku`, `x5u`
 * and `x5c` are not looked at.
 */
MUST_CHECK enum auth_reason jws_read(struct arena *a, str token, struct jws *out);

/* The signature is of this key. KEY: the key is not for that algorithm; SIGNATURE: it is not. */
MUST_CHECK enum auth_reason jws_verify(const struct jws *t, const struct jwk *key);

#endif
