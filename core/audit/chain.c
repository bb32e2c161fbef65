/* The two recurrences. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "audit/chain.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <string.h>

static const char mac_domain[] = "salesd.audit.chain.1", digest_domain[] = "salesd.audit.digest.1";

void audit_chain_mac(const struct audit_chain *at, const unsigned char key[AUDIT_KEY_BYTES],
                     const unsigned char e[AUDIT_DIGEST_BYTES],
                     unsigned char out[AUDIT_DIGEST_BYTES])
{
    unsigned char text[sizeof mac_domain + (size_t)2 * AUDIT_DIGEST_BYTES], *p = text;
    unsigned n = AUDIT_DIGEST_BYTES;
    const void *done;

    p = mempcpy(p, mac_domain, sizeof mac_domain);
    p = mempcpy(p, at->mac, AUDIT_DIGEST_BYTES);
    memcpy(p, e, AUDIT_DIGEST_BYTES);
    done = HMAC(EVP_sha256(), key, AUDIT_KEY_BYTES, text, sizeof text, out, &n);
    assert(done && n == AUDIT_DIGEST_BYTES);
}

void audit_chain_step(struct audit_chain *at, const unsigned char e[AUDIT_DIGEST_BYTES],
                      const unsigned char mac[AUDIT_DIGEST_BYTES])
{
    SHA256_CTX h;

    SHA256_Init(&h);
    SHA256_Update(&h, digest_domain, sizeof digest_domain);
    SHA256_Update(&h, at->digest, AUDIT_DIGEST_BYTES);
    SHA256_Update(&h, e, AUDIT_DIGEST_BYTES);
    SHA256_Update(&h, mac, AUDIT_DIGEST_BYTES);
    SHA256_Final(at->digest, &h);
    memcpy(at->mac, mac, AUDIT_DIGEST_BYTES);
    at->count++;
}

bool audit_same(const unsigned char a[AUDIT_DIGEST_BYTES],
                const unsigned char b[AUDIT_DIGEST_BYTES])
{
    return CRYPTO_memcmp(a, b, AUDIT_DIGEST_BYTES) == 0;
}
