/*
 * master_ring: the master keys at hand, from a text or from a file that is read again when it
 * changes, and the one place where keys of tenants are wrapped and unwrapped. Thread-safe.
 */
#ifndef SQL_MASTER_RING_H
#define SQL_MASTER_RING_H

#include "sql/driver.h"
#include "store/seal.h"

enum { WRAPPED_KEY_BYTES = SEAL_KEY_BYTES + SEAL_EXTRA_BYTES };

/* The row of tenant_key that a wrapped key belongs to, and opens in only. */
struct key_name {
    int64_t tenant_id, purpose, id;
};

struct master_ring;

/* Empty: master_ring_refresh reads the keys. */
MUST_CHECK enum status master_ring_open(struct call *c, const struct sql_options *options,
                                        struct master_ring **out);
void master_ring_close(struct master_ring *k); /* NULL is allowed */

/* Refreshing would read: one stat(). */
bool master_ring_is_stale(struct master_ring *k);

/*
 * Reads the master keys if that was not done before or their file has changed, in a system unit of
 * any mode. With KEY_CREATE the file is made when there is none and nothing is wrapped yet.
 *
 * PRECONDITION, MASTER_KEY: there is no such file, it holds no key, or it lacks one that keys in
 * the database are wrapped by; the keys known so far stay in use then.
 */
MUST_CHECK enum status master_ring_refresh(struct master_ring *k, struct call *c,
                                           struct sql_conn *conn);

/* Wraps under the master key that wraps now. */
MUST_CHECK enum status master_ring_wrap(struct master_ring *k, struct call *c,
                                        const struct key_name *name,
                                        const unsigned char key[SEAL_KEY_BYTES],
                                        unsigned char out[WRAPPED_KEY_BYTES]);

/* *plain is in c->arena: wipe it. PRECONDITION, MASTER_KEY: wrapped by one that is not at hand.
 * DATA_LOSS, TENANT_KEY: it fails its authentication. */
MUST_CHECK enum status master_ring_unwrap(struct master_ring *k, struct call *c,
                                          const struct key_name *name, str wrapped, str *plain);

/* The id of the key that wraps now, as wrapped keys carry it. False: none has been read. */
MUST_CHECK bool master_ring_current(struct master_ring *k, unsigned char id_out[4]);

#endif
