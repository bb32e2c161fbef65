/*
 * seal: authenticated encryption of stored bytes, and keyed digests to find them by.
 *
 * A sealed value is: format byte 1 · key id (4 bytes) · nonce (12) · ciphertext · tag (16),
 * AES-256-GCM. What it belongs to (table, tenant, id, version) is authenticated with it: a body
 * copied to another row, tenant or older version does not open. Thread-safe; contexts are kept per
 * thread.
 */
#ifndef STORE_SEAL_H
#define STORE_SEAL_H

#include "base/call.h"
#include "base/uuid.h"

enum {
    SEAL_KEY_BYTES = 32,
    SEAL_NONCE_BYTES = 12,
    SEAL_TAG_BYTES = 16,
    SEAL_HEAD_BYTES = 1 + 4 + SEAL_NONCE_BYTES,
    SEAL_EXTRA_BYTES = SEAL_HEAD_BYTES + SEAL_TAG_BYTES, /* sealed minus plain */
    SEAL_DIGEST_BYTES = 32,
    BLIND_BYTES = 16, /* a keyed digest cut to this finds; 2^64 values to a chance collision */
};

struct seal_key {
    uint32_t id;
    unsigned char bytes[SEAL_KEY_BYTES];
};

/* What a sealed value belongs to. */
struct seal_place {
    const char *table;
    int64_t tenant_id;
    struct uuid id;
    int64_t version;
};

/* Writes plain.n + SEAL_EXTRA_BYTES to out. INTERNAL: the cipher failed. */
MUST_CHECK enum status seal_into(struct call *c, const struct seal_key *key,
                                 const struct seal_place *place, str plain, unsigned char *out);

/* As seal_into, into new memory of c->arena. */
MUST_CHECK enum status seal(struct call *c, const struct seal_key *key,
                            const struct seal_place *place, str plain, str *out);

/* The id of the key that sealed it. False: these bytes are not sealed. */
MUST_CHECK bool seal_key_id(str sealed, uint32_t *out);

/* Plain bytes in c->arena. False: forged, damaged, another key or place, and nothing is recorded in
 * c; or the call is out of memory, and that is. */
MUST_CHECK bool seal_open(struct call *c, const struct seal_key *key,
                          const struct seal_place *place, str sealed, str *out);

/*
 * The cipher underneath: AES-256-GCM with this nonce, never to be used twice with a key, and `aad`
 * authenticated. For seal() and its vectors. out: plain.n + SEAL_TAG_BYTES. False: the cipher
 * failed.
 */
MUST_CHECK bool seal_encrypt(const struct seal_key *key,
                             const unsigned char nonce[SEAL_NONCE_BYTES], str aad, str plain,
                             unsigned char *out);

/* sealed: ciphertext and tag. out: sealed.n - SEAL_TAG_BYTES and one more. False: forged. */
MUST_CHECK bool seal_decrypt(const struct seal_key *key,
                             const unsigned char nonce[SEAL_NONCE_BYTES], str aad, str sealed,
                             unsigned char *out);

/* HMAC-SHA-256 of domain '\0' value, cut to n <= SEAL_DIGEST_BYTES. `domain` separates uses. */
void seal_digest(const struct seal_key *key, const char *domain, str value, void *out, size_t n);

/* The same of several values one after the other. */
void seal_digest_many(const struct seal_key *key, const char *domain, const str *values, size_t n,
                      unsigned char out[SEAL_DIGEST_BYTES]);

/* SHA-256. */
void seal_sha256(str value, unsigned char out[SEAL_DIGEST_BYTES]);

/* Overwrites secrets; never optimised away. */
void seal_wipe(void *p, size_t n);

#endif
