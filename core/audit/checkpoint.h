/*
 * checkpoint: signed statements about a chain, as AuditCheckpoint in audit.proto. Signed with
 * Ed25519 are the bytes
 *
 *     "salesd.audit.checkpoint.1" 0 · trimmed (1) · count (8) · time in microseconds (8)
 *     · head_mac (32) · digest (32)                                         numbers big-endian
 *
 * `key_id` is the first 8 bytes of the SHA-256 of the public key, in hex: it says which key to use
 * and is not signed.
 */
#ifndef AUDIT_CHECKPOINT_H
#define AUDIT_CHECKPOINT_H

#include "audit/chain.h"

enum {
    AUDIT_SEED_BYTES = 32,
    AUDIT_PUBLIC_BYTES = 32,
    AUDIT_SIGNATURE_BYTES = 64,
    AUDIT_KEY_ID_CHARS = 16
};

enum audit_statement {
    AUDIT_HOLDS,   /* the chain is so long, and this is its end */
    AUDIT_TRIMMED, /* what is before was removed on purpose */
};

/* A statement with its signature, as it is stored. */
struct audit_checkpoint {
    struct audit_chain chain;
    int64_t time_us;
    enum audit_statement says;
    unsigned char signature[AUDIT_SIGNATURE_BYTES];
};

/* False: the library failed. */
MUST_CHECK bool audit_public_key(const unsigned char seed[AUDIT_SEED_BYTES],
                                 unsigned char out[AUDIT_PUBLIC_BYTES]);
void audit_key_id(const unsigned char public_key[AUDIT_PUBLIC_BYTES],
                  char out[AUDIT_KEY_ID_CHARS + 1]);

/* Sets p->signature. False: the library failed. */
MUST_CHECK bool audit_sign(struct audit_checkpoint *p, const unsigned char seed[AUDIT_SEED_BYTES]);

/* The signature is that of the holder of the key. */
MUST_CHECK bool audit_is_signed(const struct audit_checkpoint *p,
                                const unsigned char public_key[AUDIT_PUBLIC_BYTES]);

/* From and to the message. False: a field does not have its length, and nobody signed that. */
MUST_CHECK bool audit_checkpoint_read(const AuditCheckpoint *m, struct audit_checkpoint *out);

#endif
