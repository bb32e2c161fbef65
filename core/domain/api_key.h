/*
 * api_key: the secret of an API key as text, and what of it is stored.
 *
 *   sk_<key id, UUID text>_<32 random bytes, base64url>        83 characters
 *
 * The id says which record to look at; only the SHA-256 of the whole text is stored. 256 random
 * bits need neither salt nor a slow hash.
 */
#ifndef DOMAIN_API_KEY_H
#define DOMAIN_API_KEY_H

#include "base/call.h"
#include "base/uuid.h"

enum {
    API_KEY_SECRET_BYTES = 32,
    API_KEY_TEXT_BYTES = 3 + UUID_TEXT_BYTES + 1 + 43,
    API_KEY_SHA256_BYTES = 32,
};

struct api_key_parts {
    struct uuid id;
    unsigned char sha256[API_KEY_SHA256_BYTES];
};

/* A new secret for the key `id`, from the call's random source. The text is shown once and must be
 * wiped by whoever showed it. */
void api_key_make(const struct call *c, struct uuid id, char text[API_KEY_TEXT_BYTES + 1],
                  unsigned char sha256[API_KEY_SHA256_BYTES]);

/* False: not the shape of a key; nothing was looked up, nothing is known about it. */
MUST_CHECK bool api_key_parse(str text, struct api_key_parts *out);

/* Takes the same time wherever they differ. */
bool api_key_same(const unsigned char a[API_KEY_SHA256_BYTES],
                  const unsigned char b[API_KEY_SHA256_BYTES]);

#endif
