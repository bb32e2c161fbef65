/* Lists are those of any record; the place in the chain is not in the sealed body and comes after.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "sql/audit.h"

enum { PLACES_TEXT_MAX = 8 << 10 };

struct place {
    struct uuid id;
    AuditEntry *entry;
};

struct places {
    struct call *call;
    struct place *list; /* [n], sorted by id */
    size_t n;
};

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct uuid));
}

/* id, sequence, mac */
static enum status place_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct places *p = arg;
    struct place key, *at;
    str mac;

    assert(n == 3);
    if (cols[1].i == AUDIT_UNSEALED || cols[0].s.n != sizeof key.id)
        return STATUS_OK;
    memcpy(&key.id, cols[0].s.p, sizeof key.id);
    if ((at = bsearch(&key, p->list, p->n, sizeof key, compare)) == NULL)
        return STATUS_OK;
    mac = arena_str(&p->call->arena, cols[2].s);
    if (!mac.p)
        return call_nomem(p->call);
    at->entry->sequence = (uint64_t)cols[1].i;
    at->entry->chain_mac = (ProtobufCBinaryData){mac.n, (uint8_t *)mac.p};
    return STATUS_OK;
}

static enum status read_places(struct tx *tx, struct places *p)
{
    struct sql_value *args = NEW(&tx->call->arena, struct sql_value, IN_MAX + 1);
    size_t size = in_sizes[in_size_for(p->n)];
    struct buf b;

    buf_init(&b, &tx->call->arena, PLACES_TEXT_MAX);
    buf_put(&b, STR("SELECT id, sequence, mac FROM audit WHERE tenant_id = $1 AND id IN ("));
    if (!args)
        return call_nomem(tx->call);
    args[0] = sql_int(tx->tenant_id);
    for (size_t i = 0; i < size; i++) {
        args[i + 1] = sql_bytes(p->list[i < p->n ? i : p->n - 1].id.b, sizeof(struct uuid));
        buf_printf(&b, "%s$%zu", i ? ", " : "", i + 2);
    }
    buf_putc(&b, ')');
    if (!buf_ok(&b))
        return call_nomem(tx->call);
    return tx_query(tx, &(struct sql_statement){buf_str(&b).p, args, size + 1}, place_row, p);
}

enum status tx_audit_list(struct tx *tx, const struct list_query *q, struct list_page *out)
{
    struct places p = {.call = tx->call};

    TRY(tx_list(tx, RECORD_AUDIT, q, out));
    if (!out->n_items)
        return STATUS_OK;
    if ((p.list = NEW(&tx->call->arena, struct place, out->n_items)) == NULL)
        return call_nomem(tx->call);
    for (size_t i = 0; i < out->n_items; i++) {
        AuditEntry *e = (AuditEntry *)out->items[i];

        if (uuid_parse(str_of(e->id), &p.list[p.n].id))
            p.list[p.n++].entry = e;
    }
    qsort(p.list, p.n, sizeof *p.list, compare);
    return p.n ? read_places(tx, &p) : STATUS_OK;
}
