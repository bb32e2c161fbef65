/* data_keys: a tenant's data keys as its rows say, whatever is in memory. */
#ifndef SQL_DATA_KEYS_H
#define SQL_DATA_KEYS_H

#include "sql/tx.h"

struct data_keys {
    uint32_t id[DATA_KEYS_MAX];
    int64_t created_us[DATA_KEYS_MAX];
    size_t n; /* oldest first */
};

MUST_CHECK enum status data_keys_read(struct tx *tx, struct data_keys *out);

enum { KEY_SEALS_STEP = 1 << 12 }; /* seals of one server that are not counted yet */

/* A key that has sealed so often is replaced at once; at the end, units that write are refused. Of
 * random nonces of 96 bits NIST SP 800-38D allows 2^32 per key. */
#define KEY_SEALS_MAX ((int64_t)1 << 31)
#define KEY_SEALS_END (((int64_t)1 << 32) - ((int64_t)1 << 28))

/* In a write unit: adds what this server has sealed to the count of the newest key, if it is at
 * least so much, and starts the next key when that is due. *n_out: what was added; put it back into
 * keys->seals when the unit fails. EXHAUSTED, TENANT_KEYS: the key is worn, too many are alive. */
MUST_CHECK enum status key_seals_count(struct tx *tx, unsigned long least, unsigned long *n_out);

#endif
