/*
 * Two views of one transaction. The engine lets through the rows of one of them at a time: before a
 * statement of the other, what the first has batched is sent and the engine is told.
 */
#include "store/service.h"

#include <assert.h>

#include "sql/tx.h"

enum status tx_enter(struct tx *tx)
{
    struct tx *root = tx_owner(tx), *before = root->active;

    if (before == tx)
        return STATUS_OK;
    TRY(tx_flush(before));
    root->active = tx;
    return tx->conn->ops->enter ? tx->conn->ops->enter(tx->conn, tx->call, tx->tenant_id)
                                : STATUS_OK;
}

/* Rows with an order wait for the end of the unit, or until there are this many. */
enum { ORDERED_ROWS = 4096 };

enum status tx_batch_row(struct tx *tx, struct batch **b, const struct insert_texts *into,
                         struct sql_value **row_out)
{
    size_t most = into->order ? ORDERED_ROWS : tx->store->driver->ops->batch_rows;

    *row_out = NULL;
    TRY(tx_enter(tx));
    if (!*b && (*b = batch_new(tx->call, into, most)) == NULL)
        return call_nomem(tx->call);
    return batch_add(*b, tx->conn, tx->call, row_out);
}

enum status tx_service(struct tx *tx, struct tx **out)
{
    assert(tx->tenant_id > 0 && !tx->outer);
    if (!tx->service) {
        struct tx *s = NEW(&tx->call->arena, struct tx, 1);

        if (!s)
            return call_nomem(tx->call);
        *s = (struct tx){.call = tx->call,
                         .conn = tx->conn,
                         .store = tx->store,
                         .keys_are_new = tx->keys_are_new,
                         .mode = tx->mode,
                         .outer = tx};
        TRY(tx_keys(s, 0, &s->keys));
        assert(s->keys); /* made when the store was opened */
        tx->service = s;
    }
    *out = tx->service;
    return STATUS_OK;
}
