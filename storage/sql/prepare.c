/* The first half of record.c and event.c in a unit that has keys but no connection. */
#include "store/prepare.h"

#include <assert.h>

#include "sql/columns.h"
#include "sql/event.h"
#include "sql/reach.h"
#include "sql/writing.h"

struct preparation {
    uint64_t keys; /* serial of the snapshot: what another one sealed is made again */
    struct blinded *blinded;
};

struct prepared {
    uint64_t keys;
    struct writing w;
    struct sql_value *row; /* of the kind's INSERT */
    const char *event;
    struct sql_value event_row[EVENT_WIDTH];
};

enum status store_prepare(struct store *s, struct call *c, store_unit_fn fn, void *arg,
                          struct preparation **out)
{
    struct tx tx = {.call = c,
                    .store = s,
                    .tenant_id = c->principal.tenant_id,
                    .mode = STORE_WRITE,
                    .active = &tx};
    enum status r;

    assert(c->principal.tenant_id > 0);
    if ((*out = NEW(&c->arena, struct preparation, 1)) == NULL)
        return call_nomem(c);
    TRY(store_keys_take(s, c, tx.tenant_id, &tx.keys));
    columns_keep_blind(&tx);
    r = fn(c, &tx, arg);
    **out = (struct preparation){tx.keys->serial, tx.blinded};
    tenant_keys_put(tx.keys);
    return r;
}

enum status tx_prepare_find(struct tx *tx, enum record_column column, str value)
{
    bool ok = true;

    if (value.n)
        (void)column_value(tx, column_info(column), value, 0, &ok); /* remembered */
    return ok ? STATUS_OK : call_nomem(tx->call);
}

static enum status make_event(struct tx *tx, struct prepared *p)
{
    const struct event_subject of = {p->event, p->w.info, *p->w.id};

    if (tx->store->is_bare)
        return STATUS_OK;
    return event_make(tx, &of, p->w.m, p->event_row);
}

enum status tx_prepare_insert(struct tx *tx, enum record_kind kind, ProtobufCMessage *m,
                              const char *event, struct prepared **out)
{
    struct arena *a = &tx->call->arena;
    struct prepared *p = NEW(a, struct prepared, 1);

    assert(!tx->conn);
    *out = NULL;
    if (!p)
        return call_nomem(tx->call);
    p->keys = tx->keys->serial;
    p->event = event;
    p->w = (struct writing){.info = tx_kind(tx, kind), .m = m, .now = call_now_us(tx->call)};
    p->row = NEW(a, struct sql_value, tx->store->statements->kinds[kind].insert.width);
    assert(m->descriptor == p->w.info->descriptor);
    if (!p->row)
        return call_nomem(tx->call);
    TRY(writing_new_id(tx, &p->w));
    TRY(writing_encode(tx, &p->w));
    if (!writing_insert_args(tx, &p->w, p->row))
        return call_nomem(tx->call);
    TRY(make_event(tx, p));
    *out = p;
    return STATUS_OK;
}

void tx_use_prepared(struct tx *tx, const struct preparation *p)
{
    if (p->keys == tx->keys->serial)
        tx->blinded = p->blinded;
}

static enum status insert_anew(struct tx *tx, const struct prepared *p, bool is_copy)
{
    enum record_kind kind = p->w.info->kind;
    struct uuid id = *p->w.id;

    TRY(is_copy ? tx_insert_copy(tx, kind, p->w.m) : tx_insert(tx, kind, p->w.m));
    return tx_event(tx, p->event, kind, (str){uuid_text(&tx->call->arena, id), UUID_TEXT_BYTES},
                    p->w.m);
}

enum status tx_insert_prepared(struct tx *tx, const struct prepared *p, bool is_copy)
{
    const struct record_info *info = p->w.info;
    const struct insert_texts *into = &tx->store->statements->kinds[info->kind].insert;
    struct sql_value *row = NULL;

    if (p->keys != tx->keys->serial)
        return insert_anew(tx, p, is_copy);
    TRY(tx_writable(tx));
    TRY(reach_after(tx, info, p->w.m, true));
    TRY(tx_batch_row(tx, &tx->batches[info->kind], into, &row));
    assert(row);
    memcpy(row, p->row, into->width * sizeof *row);
    row[RECORD_COPY] = writing_copy(p->w.id, is_copy);
    TRY(writing_follow(tx, &p->w, NULL));
    return tx->store->is_bare ? STATUS_OK : event_put(tx, p->event_row);
}
