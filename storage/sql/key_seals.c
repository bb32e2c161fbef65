/*
 * The bound on nonces: how often each data key has sealed.
 *
 * Servers count in memory and add to the key's row a step at a time, in the transaction of a unit
 * that writes anyway. A crash loses less than a step: with steps of 2^12, half a million crashes in
 * the life of a key lose 2^31, which is what lies between the count at which a key is replaced and
 * the one that it must not reach.
 */
#include "sql/data_keys.h"
#include "store/audit.h"
#include "store/key.h"

/* Seals so far, as the row has them. */
static enum status seals_row(void *arg, const struct sql_value *cols, size_t n)
{
    (void)n;
    *(int64_t *)arg = cols[0].i;
    return STATUS_OK;
}

static enum status add_seals(struct tx *tx, uint32_t key, int64_t n, int64_t *total_out)
{
    *total_out = 0;
    return tx_query(
        tx,
        &(struct sql_statement){"UPDATE tenant_key SET seals = seals + $4 WHERE tenant_id = $1 AND "
                                "purpose = $2 AND key_id = $3 RETURNING seals",
                                (struct sql_value[]){sql_int(tx->tenant_id), sql_int(KEY_DATA),
                                                     sql_int(key), sql_int(n)},
                                4},
        seals_row, total_out);
}

/* The key has served: starts the next one, unless somebody has. While there is no room for one the
 * key goes on, but not to the end. */
static enum status replace(struct tx *tx, uint32_t key, int64_t seals)
{
    AuditEntry e = AUDIT_ENTRY_INIT;
    struct data_keys keys;
    uint32_t version;

    TRY(data_keys_read(tx, &keys));
    if (keys.n == 0 || keys.id[keys.n - 1] != key ||
        (keys.n == DATA_KEYS_MAX && seals < KEY_SEALS_END))
        return STATUS_OK;
    TRY(tx_key_rotate(tx, &version));
    keyring_forget(tx->store->keyring, tx->tenant_id);
    e.action = "key.rotate";
    e.record_kind = "data_key";
    return tx_audit(tx, &e);
}

enum status key_seals_count(struct tx *tx, unsigned long least, unsigned long *n_out)
{
    uint32_t key = tx->keys->data[tx->keys->n_data - 1].id;
    int64_t total;

    if (atomic_load_explicit(&tx->keys->seals, memory_order_relaxed) < least)
        return STATUS_OK;
    *n_out = atomic_exchange(&tx->keys->seals, 0);
    TRY(add_seals(tx, key, (int64_t)*n_out, &total));
    return total < KEY_SEALS_MAX ? STATUS_OK : replace(tx, key, total);
}
