/*
 * records: the typed forms of the record operations, one set per row of records.def, e.g.
 *
 *     tx_insert_lead(tx, lead)   tx_update_lead(tx, lead)   tx_get_lead(tx, id, &lead)
 *     tx_find_lead(tx, LEAD_BY_email, email, &lead)         tx_delete_lead(tx, id, etag)
 *
 * Contracts: store/store.h.
 */
#ifndef STORE_RECORDS_H
#define STORE_RECORDS_H

#include "store/record_types.h"
#include "store/store.h"

/* clang-format off */
#define RECORD(kind, table, ctype, descriptor, scope, id_path, order)                               \
    MUST_CHECK static inline enum status tx_insert_##table(struct tx *tx, ctype *m)            \
    {                                                                                          \
        return tx_insert(tx, RECORD_##kind, &m->base);                                         \
    }                                                                                          \
    MUST_CHECK static inline enum status tx_update_##table(struct tx *tx, ctype *m)            \
    {                                                                                          \
        return tx_update(tx, RECORD_##kind, &m->base);                                         \
    }                                                                                          \
    MUST_CHECK static inline enum status tx_get_##table(struct tx *tx, str id, ctype **out)    \
    {                                                                                          \
        ProtobufCMessage *m;                                                                   \
        enum status s = tx_get(tx, RECORD_##kind, id, &m);                                     \
        *out = (ctype *)m;                                                                     \
        return s;                                                                              \
    }                                                                                          \
    MUST_CHECK static inline enum status tx_find_##table(struct tx *tx, enum record_column by, \
                                                         str value, ctype **out)               \
    {                                                                                          \
        ProtobufCMessage *m;                                                                   \
        enum status s = tx_find(tx, by, value, &m);                                            \
        *out = (ctype *)m;                                                                     \
        return s;                                                                              \
    }                                                                                          \
    MUST_CHECK static inline enum status tx_delete_##table(struct tx *tx, str id, str etag)    \
    {                                                                                          \
        return tx_delete(tx, RECORD_##kind, id, etag);                                         \
    }
#define COLUMN(kind, column, type, path, flags)
#define WORDS(kind, path)
#include "store/records.def"
#undef RECORD
#undef COLUMN
#undef WORDS
/* clang-format on */

#endif
