/*
 * keyring: the keys of tenants. Each tenant (and the service itself, tenant 0) has random keys by
 * purpose, wrapped by a master key in table tenant_key, unwrapped once and kept in memory: data
 * keys seal bodies and may be many (the newest seals, every one opens), the index key makes blind
 * indexes and search words and stays, so that data keys can rotate while indexes need not be
 * rebuilt.
 *
 * What is in memory is a snapshot, counted by its users and replaced as a whole: at most
 * KEYS_TTL_MS old, which bounds how long a server goes on sealing with a key after another server
 * has started a newer one. Whoever destroys a key waits longer than that (store/keys.h).
 *
 * Where the master keys are from, and what their text looks like: sql/master.h.
 */
#ifndef SQL_KEYRING_H
#define SQL_KEYRING_H

#include <stdatomic.h>

#include "sql/driver.h"
#include "sql/master_ring.h"
#include "store/seal.h"

enum {
    DATA_KEYS_MAX = 16, /* live data keys of a tenant; rotation re-seals before the 17th */
    KEYS_TTL_MS =
        30000, /* oldest snapshot that seals: one short query per tenant and half minute */
};

enum key_purpose { KEY_INDEX = 1, KEY_DATA = 2 };

struct tenant_keys {
    int64_t tenant_id;
    struct seal_key index;
    struct seal_key data[DATA_KEYS_MAX]; /* [n_data >= 1], oldest first: the last one seals */
    size_t n_data;
    uint64_t serial;    /* of this snapshot, from 1: no other one of this process has it */
    int64_t loaded_ns;  /* by the monotonic clock of the call that loaded it */
    atomic_ulong seals; /* made with the last data key and not yet counted in the database */
    atomic_int refs;
};

struct keyring;

MUST_CHECK enum status keyring_open(struct call *c, const struct sql_options *options,
                                    struct keyring **out);
void keyring_close(struct keyring *k); /* nobody uses a snapshot any more; NULL is allowed */

/* The master keys behind it; refreshed before anything is loaded or made. */
struct master_ring *keyring_masters(struct keyring *k);

/* The tenant's snapshot if there is one younger than KEYS_TTL_MS, else NULL. Put it back. */
struct tenant_keys *keyring_take(struct keyring *k, const struct call *c, int64_t tenant_id);
void tenant_keys_put(struct tenant_keys *keys); /* NULL is allowed */

/* Reads a new snapshot from the database, in a unit of that tenant or of tenant 0. *out is NULL
 * when the tenant has no keys; else put it back. PRECONDITION, MASTER_KEY: wrapped by a master key
 * that is not at hand. DATA_LOSS, TENANT_KEY: a key fails its authentication. */
MUST_CHECK enum status keyring_load(struct keyring *k, struct call *c, struct sql_conn *conn,
                                    int64_t tenant_id, struct tenant_keys **out);

/* The next keyring_take finds nothing: the tenant's keys have changed. */
void keyring_forget(struct keyring *k, int64_t tenant_id);

/* Makes and stores new keys, in a write unit of that tenant. Nothing is kept in memory until
 * keyring_load has read them back after the commit. */
MUST_CHECK enum status keyring_create(struct keyring *k, struct call *c, struct sql_conn *conn,
                                      int64_t tenant_id);

/* Makes and stores one new key, in a write unit of that tenant. EXISTS, UNIQUE: the id is taken. */
MUST_CHECK enum status keyring_add(struct keyring *k, struct call *c, struct sql_conn *conn,
                                   const struct key_name *name);

/* Wraps again, under the master key that wraps now, up to `limit` keys of all tenants that another
 * one wraps; in a system write unit. *n_out: how many there were. */
MUST_CHECK enum status keyring_rewrap(struct keyring *k, struct call *c, struct sql_conn *conn,
                                      size_t limit, size_t *n_out);

/* The data key with this id, or NULL. */
const struct seal_key *tenant_keys_find(const struct tenant_keys *k, uint32_t id);

/* The data key that seals now; counts one seal. */
static inline const struct seal_key *tenant_keys_current(struct tenant_keys *k)
{
    atomic_fetch_add_explicit(&k->seals, 1, memory_order_relaxed);
    return &k->data[k->n_data - 1];
}

#endif
