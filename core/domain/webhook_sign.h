/*
 * webhook_sign: signatures of Standard Webhooks 1.0.0, made and checked.
 *
 * Signed is `id.timestamp.body`. "v1" is HMAC-SHA256 under a secret that both sides know, "v1a" is
 * Ed25519. While a secret is being replaced a message is signed with both, and either will do.
 */
#ifndef DOMAIN_WEBHOOK_SIGN_H
#define DOMAIN_WEBHOOK_SIGN_H

#include <stdint.h>

#include "base/str.h"

enum {
    WEBHOOK_BODY_BYTES = 20 << 10, /* as the specification advises */
    WEBHOOK_ID_BYTES = 128,
    WEBHOOK_SECRET_BYTES = 32, /* of a new secret; 24 to 64 are accepted */
    WEBHOOK_SECRET_MIN = 24,
    WEBHOOK_SECRET_MAX = 64,
    WEBHOOK_SECRET_TEXT_BYTES = 6 + 88,
    WEBHOOK_KEYS_MAX = 4,
    WEBHOOK_SIGNATURE_BYTES = WEBHOOK_KEYS_MAX * 96, /* "v1a,", 88 characters, a space, each */
    WEBHOOK_SIGNATURES_MAX = 16,                     /* looked at in one header */
    WEBHOOK_TOLERANCE_S = 300,
};

enum webhook_scheme {
    WEBHOOK_SHARED,  /* whsec_: signs and checks v1 */
    WEBHOOK_PRIVATE, /* whsk_: an Ed25519 seed, signs v1a */
    WEBHOOK_PUBLIC,  /* whpk_: checks v1a */
};

struct webhook_key {
    enum webhook_scheme scheme;
    unsigned char bytes[WEBHOOK_SECRET_MAX];
    size_t n_bytes;
};

struct webhook_message {
    str id; /* the same for every attempt; no '.' */
    int64_t timestamp_s;
    str body;
};

/* "whsec_...", "whsk_...", "whpk_..."; without a prefix it is a shared secret. False: unknown
 * prefix, not base64, or a length that the scheme does not have. */
MUST_CHECK bool webhook_key_parse(str text, struct webhook_key *out);

/* The text of a shared secret, NUL-terminated. */
void webhook_secret_format(const unsigned char *secret, size_t n_bytes,
                           char out[WEBHOOK_SECRET_TEXT_BYTES + 1]);

/* The text of the public key of a seed of WEBHOOK_SECRET_BYTES, NUL-terminated. False: no memory.
 */
MUST_CHECK bool webhook_public_format(const unsigned char *seed,
                                      char out[WEBHOOK_SECRET_TEXT_BYTES + 1]);

/*
 * The value of webhook-signature, NUL-terminated: one signature per key, in their order.
 *
 *   keys   [n_keys <= WEBHOOK_KEYS_MAX], not empty; shared or private ones
 *
 * False: the body is over WEBHOOK_BODY_BYTES, the id is empty, too long or holds a '.', a key does
 * not sign.
 */
MUST_CHECK bool webhook_sign(const struct webhook_message *m, const struct webhook_key *keys,
                             size_t n_keys, char out[WEBHOOK_SIGNATURE_BYTES + 1]);

#define WEBHOOK_VERDICT_LIST(X)                                                                    \
    X(VALID, "the signature is valid")                                                             \
    X(MISSING, "webhook-id, webhook-timestamp or webhook-signature is missing")                    \
    X(MALFORMED, "the id or the timestamp is malformed, or the body is too long")                  \
    X(TOO_OLD, "the timestamp is more than 5 minutes ago")                                         \
    X(TOO_NEW, "the timestamp is more than 5 minutes ahead")                                       \
    X(NO_MATCH, "no signature matches")

enum webhook_verdict {
#define X(id, text) WEBHOOK_##id,
    WEBHOOK_VERDICT_LIST(X)
#undef X
};

const char *webhook_verdict_text(enum webhook_verdict v);

/* What a receiver got: values of the three headers ({0}: missing) and the raw body. */
struct webhook_received {
    str id, timestamp, signature, body;
};

/* What a receiver has to do: any signature by any of the keys will do. Compares in constant time.
 * keys: [n_keys <= WEBHOOK_KEYS_MAX]. */
enum webhook_verdict webhook_verify(const struct webhook_received *r,
                                    const struct webhook_key *keys, size_t n_keys, int64_t now_s);

#endif
