/*
 * chain: how entries hang together. For the n-th entry of a tenant, with e its digest (entry.h):
 *
 *     mac     = HMAC-SHA-256(tenant's audit key, "salesd.audit.chain.1" 0 · mac before · e)
 *     digest  = SHA-256("salesd.audit.digest.1" 0 · digest before · e · mac)
 *
 * The MAC binds every entry to all before it, and nobody without the key can make one; the running
 * digest needs no key, so that a signature over it (checkpoint.h) lets anybody check the content of
 * the whole trail. The key is the tenant's own: an entry of another tenant fits nowhere.
 */
#ifndef AUDIT_CHAIN_H
#define AUDIT_CHAIN_H

#include "audit/entry.h"

enum { AUDIT_KEY_BYTES = 32 };

/* After `count` entries. All zero: before the first. */
struct audit_chain {
    uint64_t count;
    unsigned char mac[AUDIT_DIGEST_BYTES], digest[AUDIT_DIGEST_BYTES];
};

/* The MAC that the entry with digest e has when it comes next. */
void audit_chain_mac(const struct audit_chain *at, const unsigned char key[AUDIT_KEY_BYTES],
                     const unsigned char e[AUDIT_DIGEST_BYTES],
                     unsigned char out[AUDIT_DIGEST_BYTES]);

/* Goes one entry on. */
void audit_chain_step(struct audit_chain *at, const unsigned char e[AUDIT_DIGEST_BYTES],
                      const unsigned char mac[AUDIT_DIGEST_BYTES]);

/* Takes the same time wherever they differ. */
bool audit_same(const unsigned char a[AUDIT_DIGEST_BYTES],
                const unsigned char b[AUDIT_DIGEST_BYTES]);

#endif
