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

#endif
