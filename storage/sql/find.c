/* Records by id and by unique value, one or many in a statement. */
#include <assert.h>
#include <stdlib.h>

#include "sql/columns.h"
#include "sql/reach.h"
#include "sql/tx.h"

static enum status one_row(void *arg, const struct sql_value *cols, size_t n)
{
    assert(n == RECORD_FIELDS_N);
    return record_read(arg, cols);
}

static enum status get_one(struct tx *tx, const struct record_info *info, const char *text,
                           const struct sql_value *key, ProtobufCMessage **out)
{
    struct record_row r = {.tx = tx, .info = info};

    TRY(tx_query(
        tx, &(struct sql_statement){text, (struct sql_value[]){sql_int(tx->tenant_id), *key}, 2},
        one_row, &r));
    *out = r.message;
    return reach_parents(tx, info, out);
}

enum status tx_get(struct tx *tx, enum record_kind kind, str id, ProtobufCMessage **out)
{
    const struct record_info *info = tx_kind(tx, kind);
    struct uuid u = record_id(info, id);
    struct sql_value key = sql_bytes(u.b, sizeof u.b);

    *out = NULL;
    TRY(get_one(tx, info, tx->store->statements->kinds[kind].get, &key, out));
    return *out ? STATUS_OK
                : call_fail(tx->call, STATUS_NOT_FOUND, "no %s has this id", info->table);
}

enum status tx_find(struct tx *tx, enum record_column column, str value, ProtobufCMessage **out)
{
    const struct column_info *c = column_info(column);
    const struct record_info *info = tx_kind(tx, c->kind);
    const char *text = tx->store->statements->kinds[c->kind].find[column_index(column)];
    bool ok = true;
    struct sql_value key = column_value(tx, c, value, 0, &ok);

    assert(text);
    *out = NULL;
    if (!ok)
        return call_nomem(tx->call);
    if (value.n)
        TRY(get_one(tx, info, text, &key, out));
    return *out ? STATUS_OK
                : call_fail(tx->call, STATUS_NOT_FOUND, "no %s has this %s", info->table, c->name);
}

/* The keys of one IN list, sorted, each with its place in the caller's array. */
struct key {
    str bytes;
    size_t at;
};

enum { BATCH_FROM = 64 };

struct many {
    struct record_row row;
    const char *const *texts; /* [IN_SIZES] */
    enum sql_type type;       /* of the keys */
    sql_row_fn each;
    struct key *keys;
    size_t n;
    ProtobufCMessage **messages; /* tx_get_many */
    struct uuid *ids;            /* tx_find_ids */
};

static int compare(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    int order = str_cmp(x->bytes, y->bytes);

    return order ? order : x->at < y->at ? -1 : x->at > y->at;
}

/* The first key with these bytes, or n. */
static size_t first_of(const struct many *m, str bytes)
{
    size_t low = 0, high = m->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (str_cmp(m->keys[mid].bytes, bytes) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static enum status message_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct many *m = arg;

    assert(n == RECORD_FIELDS_N);
    TRY(record_read(&m->row, cols));
    for (size_t i = first_of(m, (str){(char *)m->row.id.b, sizeof m->row.id.b});
         i < m->n && str_eq(m->keys[i].bytes, (str){(char *)m->row.id.b, sizeof m->row.id.b}); i++)
        m->messages[m->keys[i].at] = m->row.message;
    return STATUS_OK;
}

/* value, id: of several records with the value, the oldest wins */
static enum status id_row(void *arg, const struct sql_value *cols, size_t n)
{
    static const struct uuid none;
    struct many *m = arg;

    assert(n == 2 && cols[1].s.n == sizeof none.b);
    for (size_t i = first_of(m, cols[0].s); i < m->n && str_eq(m->keys[i].bytes, cols[0].s); i++) {
        struct uuid *to = &m->ids[m->keys[i].at];

        if (memcmp(to, &none, sizeof none) == 0 || memcmp(cols[1].s.p, to->b, sizeof to->b) < 0)
            memcpy(to->b, cols[1].s.p, sizeof to->b);
    }
    return STATUS_OK;
}

/* Asks for the sorted keys [at, at + n). */
static enum status ask(struct many *m, size_t at, size_t n)
{
    size_t i = in_size_for(n);
    struct sql_value *args = NEW(&m->row.tx->call->arena, struct sql_value, in_sizes[i] + 1);

    if (!args)
        return call_nomem(m->row.tx->call);
    args[0] = sql_int(m->row.tx->tenant_id);
    for (size_t j = 0; j < in_sizes[i]; j++)
        args[j + 1] =
            (struct sql_value){.type = m->type, .s = m->keys[at + (j < n ? j : n - 1)].bytes};
    return tx_query(m->row.tx, &(struct sql_statement){m->texts[i], args, in_sizes[i] + 1}, m->each,
                    m);
}

static enum status ask_all(struct many *m)
{
    qsort(m->keys, m->n, sizeof *m->keys, compare);
    for (size_t at = 0; at < m->n; at += IN_MAX)
        TRY(ask(m, at, m->n - at < IN_MAX ? m->n - at : IN_MAX));
    return STATUS_OK;
}

enum status tx_get_many(struct tx *tx, enum record_kind kind, const str *ids, size_t n,
                        ProtobufCMessage **out)
{
    const struct record_info *info = tx_kind(tx, kind);
    struct many m = {.row = {.tx = tx, .info = info},
                     .texts = tx->store->statements->kinds[kind].get_many,
                     .type = SQL_BYTES,
                     .each = message_row,
                     .messages = out};
    struct uuid *u = NEW(&tx->call->arena, struct uuid, n);

    assert(n <= STORE_MANY_MAX);
    m.keys = NEW(&tx->call->arena, struct key, n);
    if (!u || !m.keys)
        return call_nomem(tx->call);
    for (size_t i = 0; i < n; i++) {
        out[i] = NULL;
        u[i] = record_id(info, ids[i]);
        m.keys[m.n++] = (struct key){{(char *)u[i].b, sizeof u[i].b}, i};
    }
    return ask_all(&m);
}

enum status tx_find_ids(struct tx *tx, enum record_column column, const str *values, size_t n,
                        struct uuid *out)
{
    const struct column_info *c = column_info(column);
    struct many m = {.row = {.tx = tx, .info = tx_kind(tx, c->kind)},
                     .texts = tx->store->statements->kinds[c->kind].find_ids[column_index(column)],
                     .type = c->type == COLUMN_TEXT ? SQL_TEXT : SQL_BYTES,
                     .each = id_row,
                     .ids = out};
    bool ok = true;

    assert(n <= STORE_MANY_MAX);
    assert(tx->store->statements->kinds[c->kind].find[column_index(column)]);
    if ((m.keys = NEW(&tx->call->arena, struct key, n)) == NULL)
        return call_nomem(tx->call);
    if (c->type == COLUMN_BLIND && n >= BATCH_FROM)
        columns_keep_blind(tx);
    for (size_t i = 0; i < n; i++) {
        out[i] = (struct uuid){{0}};
        if (values[i].n)
            m.keys[m.n++] = (struct key){column_value(tx, c, values[i], 0, &ok).s, i};
    }
    if (!ok)
        return call_nomem(tx->call);
    return ask_all(&m);
}
