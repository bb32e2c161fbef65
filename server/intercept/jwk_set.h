/* jwk_set: the keys that an issuer published at one moment (RFC 7517 section 5). Immutable, so that
 * threads share one by counting references. */
#ifndef INTERCEPT_JWK_SET_H
#define INTERCEPT_JWK_SET_H

#include "base/arena.h"
#include "intercept/jwk.h"

enum { JWK_SET_MAX = 64, JWK_SET_BYTES_MAX = 256 << 10 };

struct jwk_set;

/*
 * Reads {"keys": [...]}. Keys that are not for our algorithms, or are broken, are left out and
 * counted: an issuer may have others for others.
 *
 *   scratch     for decoding
 *   n_left_out  may be more than zero in a good set
 *
 * NULL: fine. Else why not: no such JSON, over JWK_SET_MAX keys, no memory. A set of none is fine:
 * that is how an issuer withdraws all.
 */
MUST_CHECK const char *jwk_set_read(struct arena *scratch, str json, struct jwk_set **out,
                                    size_t *n_left_out);

size_t jwk_set_count(const struct jwk_set *s);

/* The one key with this kid for this algorithm, or, without a kid, the only one for it. NULL: none
 * or more than one: two keys of one name are nobody's. Lives as long as s. */
const struct jwk *jwk_set_find(const struct jwk_set *s, str kid, enum jws_alg alg);

struct jwk_set *jwk_set_ref(struct jwk_set *s);
void jwk_set_unref(struct jwk_set *s); /* NULL is fine */

#endif
