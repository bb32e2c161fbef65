/*
 * outside: bytes of a tenant that are kept elsewhere than in the store, sealed as records are: a
 * cache in Redis, a file. They open for the tenant they were sealed for and at the place they were
 * sealed at, and only while the data key that sealed them lives: what makes records of a tenant
 * unreadable (store/key.h) makes these unreadable too, at the latest half a minute later. Nobody
 * seals them again when keys rotate: keep nothing here that cannot be made anew.
 */
#ifndef STORE_OUTSIDE_H
#define STORE_OUTSIDE_H

#include "store/seal.h"
#include "store/store.h"

/*
 * Seals for the call's tenant, which place names too. `place->table` is no table of the store's.
 *
 *   out   plain.n + SEAL_EXTRA_BYTES, in the call's arena
 *
 * A key that is not at hand is read from the store, which may fail as units do. INTERNAL: the call
 * has no tenant, or the cipher failed. EXHAUSTED: the arena.
 */
MUST_CHECK enum status store_seal(struct store *s, struct call *c, const struct seal_place *place,
                                  str plain, str *out);

/* Plain bytes in the call's arena. *out is {0}, and that is no failure, when they do not open:
 * forged, damaged, of another place or tenant, or of a key that is gone. Else as store_seal. */
MUST_CHECK enum status store_open(struct store *s, struct call *c, const struct seal_place *place,
                                  str sealed, str *out);

#endif
