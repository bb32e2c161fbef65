/* Fixed positions: base64url may hold the separator, so nothing is searched for. */
#include "domain/api_key.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

enum { ID_AT = 3, SECRET_AT = ID_AT + UUID_TEXT_BYTES + 1 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* 32 bytes to 43 characters; the last one carries four bits. */
static void put_secret(const unsigned char *b, char *out)
{
    uint32_t bits = 0;
    int n_bits = 0;

    for (int i = 0; i < API_KEY_SECRET_BYTES; i++) {
        bits = bits << 8 | b[i];
        for (n_bits += 8; n_bits >= 6; n_bits -= 6)
            *out++ = alphabet[bits >> (n_bits - 6) & 63];
    }
    *out++ = alphabet[bits << (6 - n_bits) & 63];
    *out = 0;
}

void api_key_make(const struct call *c, struct uuid id, char text[API_KEY_TEXT_BYTES + 1],
                  unsigned char sha256[API_KEY_SHA256_BYTES])
{
    unsigned char secret[API_KEY_SECRET_BYTES];

    c->clock->random(c->clock, secret, sizeof secret);
    memcpy(text, "sk_", ID_AT);
    uuid_format(id, text + ID_AT);
    text[SECRET_AT - 1] = '_';
    put_secret(secret, text + SECRET_AT);
    assert(strlen(text) == API_KEY_TEXT_BYTES);
    SHA256((const unsigned char *)text, API_KEY_TEXT_BYTES, sha256);
    OPENSSL_cleanse(secret, sizeof secret);
}

bool api_key_parse(str text, struct api_key_parts *out)
{
    *out = (struct api_key_parts){0};
    if (text.n != API_KEY_TEXT_BYTES || !str_starts(text, STR("sk_")) ||
        text.p[SECRET_AT - 1] != '_' ||
        !uuid_parse(str_sub(text, ID_AT, UUID_TEXT_BYTES), &out->id))
        return false;
    SHA256((const unsigned char *)text.p, text.n, out->sha256);
    return true;
}

bool api_key_same(const unsigned char a[API_KEY_SHA256_BYTES],
                  const unsigned char b[API_KEY_SHA256_BYTES])
{
    return CRYPTO_memcmp(a, b, API_KEY_SHA256_BYTES) == 0;
}
