/* Ed25519 from OpenSSL; keys are made from their bytes each time: once per batch of entries. */
#include "audit/checkpoint.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

static const char domain[] = "salesd.audit.checkpoint.1";

enum { STATEMENT_BYTES = sizeof domain + 1 + 8 + 8 + (size_t)2 * AUDIT_DIGEST_BYTES };

static unsigned char *put_be64(unsigned char *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        *p++ = (unsigned char)(v >> (56 - 8 * i));
    return p;
}

static void statement_of(const struct audit_checkpoint *p, unsigned char out[STATEMENT_BYTES])
{
    out = mempcpy(out, domain, sizeof domain);
    *out++ = p->says == AUDIT_TRIMMED;
    out = put_be64(out, p->chain.count);
    out = put_be64(out, (uint64_t)p->time_us);
    out = mempcpy(out, p->chain.mac, AUDIT_DIGEST_BYTES);
    memcpy(out, p->chain.digest, AUDIT_DIGEST_BYTES);
}

bool audit_public_key(const unsigned char seed[AUDIT_SEED_BYTES],
                      unsigned char out[AUDIT_PUBLIC_BYTES])
{
    EVP_PKEY *k = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, AUDIT_SEED_BYTES);
    size_t n = AUDIT_PUBLIC_BYTES;
    bool ok = k && EVP_PKEY_get_raw_public_key(k, out, &n) == 1 && n == AUDIT_PUBLIC_BYTES;

    EVP_PKEY_free(k);
    return ok;
}

void audit_key_id(const unsigned char public_key[AUDIT_PUBLIC_BYTES],
                  char out[AUDIT_KEY_ID_CHARS + 1])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];

    SHA256(public_key, AUDIT_PUBLIC_BYTES, digest);
    for (size_t i = 0; i < AUDIT_KEY_ID_CHARS / 2; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

bool audit_sign(struct audit_checkpoint *p, const unsigned char seed[AUDIT_SEED_BYTES])
{
    unsigned char text[STATEMENT_BYTES];
    EVP_PKEY *k = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, AUDIT_SEED_BYTES);
    EVP_MD_CTX *x = EVP_MD_CTX_new();
    size_t n = AUDIT_SIGNATURE_BYTES;
    bool ok;

    statement_of(p, text);
    ok = k && x && EVP_DigestSignInit(x, NULL, NULL, NULL, k) == 1 &&
         EVP_DigestSign(x, p->signature, &n, text, sizeof text) == 1 && n == AUDIT_SIGNATURE_BYTES;
    EVP_MD_CTX_free(x);
    EVP_PKEY_free(k);
    return ok;
}

bool audit_is_signed(const struct audit_checkpoint *p,
                     const unsigned char public_key[AUDIT_PUBLIC_BYTES])
{
    unsigned char text[STATEMENT_BYTES];
    EVP_PKEY *k =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, AUDIT_PUBLIC_BYTES);
    EVP_MD_CTX *x = EVP_MD_CTX_new();
    bool ok;

    statement_of(p, text);
    ok = k && x && EVP_DigestVerifyInit(x, NULL, NULL, NULL, k) == 1 &&
         EVP_DigestVerify(x, p->signature, AUDIT_SIGNATURE_BYTES, text, sizeof text) == 1;
    EVP_MD_CTX_free(x);
    EVP_PKEY_free(k);
    return ok;
}

static bool take(const ProtobufCBinaryData *b, unsigned char *out, size_t n)
{
    if (b->len != n)
        return false;
    memcpy(out, b->data, n);
    return true;
}

bool audit_checkpoint_read(const AuditCheckpoint *m, struct audit_checkpoint *out)
{
    *out = (struct audit_checkpoint){.says = m->trimmed ? AUDIT_TRIMMED : AUDIT_HOLDS};
    out->chain.count = m->count;
    if (m->time)
        out->time_us = m->time->seconds * 1000000 + m->time->nanos / 1000;
    return take(&m->head_mac, out->chain.mac, AUDIT_DIGEST_BYTES) &&
           take(&m->digest, out->chain.digest, AUDIT_DIGEST_BYTES) &&
           take(&m->signature, out->signature, AUDIT_SIGNATURE_BYTES);
}
