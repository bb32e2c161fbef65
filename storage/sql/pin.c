/* A lock on the row would not do: who waits for it looks at a snapshot from before. The row becomes
 * a new one: the engine notices that both wrote. */
#include "store/pin.h"

#include <assert.h>

#include "sql/tx.h"

enum status tx_pin(struct tx *tx, enum record_kind kind, str id)
{
    const struct record_info *info = tx_kind(tx, kind);
    struct uuid *u = NEW(&tx->call->arena, struct uuid, 1);
    char *text;

    TRY(tx_writable(tx));
    if (!tx->store->driver->ops->skips_locked)
        return STATUS_OK; /* one unit writes at a time */
    text = arena_printf(&tx->call->arena,
                        "UPDATE %s SET copy = copy WHERE tenant_id = $1 AND id = $2", info->table);
    if (!u || !text)
        return call_nomem(tx->call);
    *u = record_id(info, id);
    return tx_exec(
        tx,
        &(struct sql_statement){
            text, (struct sql_value[]){sql_int(tx->tenant_id), sql_bytes(u->b, sizeof u->b)}, 2});
}
