/*
 * keyring: the keys of tenants. Each tenant (and the service itself, tenant 0) has random keys by
 * purpose, wrapped by the master key in table tenant_key, unwrapped once and kept in memory: data
 * keys seal bodies and may be many (the newest seals, every one opens), the index key makes blind
 * indexes and search words and stays, so that data keys can rotate while indexes need not be
 * rebuilt.
 *
 * The master key is a file of 32 bytes, or of 64 hex digits and white space.
 */
#ifndef SQL_KEYRING_H
#define SQL_KEYRING_H

#include "sql/driver.h"
#include "store/seal.h"

enum { DATA_KEYS_MAX = 16 }; /* live data keys of a tenant; rotation re-seals before the 17th */

struct tenant_keys {
    int64_t tenant_id;
    struct seal_key index;
    struct seal_key data[DATA_KEYS_MAX]; /* [n_data >= 1], oldest first: the last one seals */
    size_t n_data;
};

struct keyring;

/* Reads the master key; with KEY_CREATE makes the file (mode 0600) when there is none.
 * PRECONDITION, MASTER_KEY: no such file, or it does not hold a key. */
MUST_CHECK enum status keyring_open(struct call *c, const struct sql_options *options,
                                    struct keyring **out);
void keyring_close(struct keyring *k);

/* The tenant's keys from memory, or NULL. They live as long as the keyring. Thread-safe. */
const struct tenant_keys *keyring_find(struct keyring *k, int64_t tenant_id);

/* Reads them from the database, in a unit of that tenant or of tenant 0. *out is NULL when there
 * are none. PRECONDITION, MASTER_KEY: wrapped by another master key. */
MUST_CHECK enum status keyring_load(struct keyring *k, struct call *c, struct sql_conn *conn,
                                    int64_t tenant_id, const struct tenant_keys **out);

/* Makes and stores new keys, in a write unit of that tenant. Nothing is kept in memory until
 * keyring_load has read them back after the commit. */
MUST_CHECK enum status keyring_create(struct keyring *k, struct call *c, struct sql_conn *conn,
                                      int64_t tenant_id);

/* The data key with this id, or NULL. */
const struct seal_key *tenant_keys_find(const struct tenant_keys *k, uint32_t id);

/* The data key that seals now. */
static inline const struct seal_key *tenant_keys_current(const struct tenant_keys *k)
{
    return &k->data[k->n_data - 1];
}

#endif
