/* encode: hex and base64url (RFC 4648 section 5, without padding). */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include "base/arena.h"

/* Lower-case hex in the arena, NUL-terminated; NULL when out of room. */
char *hex_encode(struct arena *a, const void *p, size_t n);

/* base64url text in the arena, NUL-terminated; NULL when out of room. */
char *base64url_encode(struct arena *a, const void *p, size_t n);

/* Bytes in the arena. False: a character outside of the alphabet, an impossible length, non-zero
 * spare bits, or out of room; *out is then {0}. */
MUST_CHECK bool base64url_decode(struct arena *a, str text, str *out);

#endif
