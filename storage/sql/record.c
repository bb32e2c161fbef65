/* Single records: a message becomes a sealed body with index columns beside it, and back. */
#include <assert.h>

#include "schema/unpack.h"
#include "sql/columns.h"
#include "sql/reach.h"
#include "sql/word.h"
#include "sql/writing.h"

static enum status gone(struct tx *tx, const struct record_info *info)
{
    return call_fail(tx->call, STATUS_NOT_FOUND, "no %s has this id", info->table);
}

static enum status stale(struct tx *tx, const struct record_info *info)
{
    return call_fail_as(tx->call, STATUS_CONFLICT, "ETAG_MISMATCH",
                        "the %s was changed since it was read", info->table);
}

/* The fault of a call that ran out of memory on the way here stays. */
static enum status damaged(struct tx *tx, const struct record_info *info)
{
    return call_fail_as(tx->call, STATUS_DATA_LOSS, "RECORD_DAMAGED",
                        "a stored %s fails its authentication", info->table);
}

static enum status insert(struct tx *tx, enum record_kind kind, ProtobufCMessage *m, bool copy)
{
    struct writing w = {.info = tx_kind(tx, kind), .m = m, .now = call_now_us(tx->call)};
    struct sql_value *row = NULL;

    assert(m->descriptor == w.info->descriptor);
    TRY(tx_writable(tx));
    TRY(reach_after(tx, w.info, m, true));
    TRY(writing_new_id(tx, &w));
    TRY(writing_encode(tx, &w));
    TRY(tx_batch_row(tx, &tx->batches[kind], &tx->store->statements->kinds[kind].insert, &row));
    assert(row);
    if (!writing_insert_args(tx, &w, row))
        return call_nomem(tx->call);
    row[RECORD_COPY] = writing_copy(w.id, copy);
    return writing_follow(tx, &w, NULL);
}

enum status tx_insert(struct tx *tx, enum record_kind kind, ProtobufCMessage *m)
{
    return insert(tx, kind, m, false);
}

enum status tx_insert_copy(struct tx *tx, enum record_kind kind, ProtobufCMessage *m)
{
    return insert(tx, kind, m, true);
}

/* The plain body of a stored record. */
static enum status open_body(struct tx *tx, const struct record_info *info, const struct seen *s,
                             str sealed, str *out)
{
    const struct seal_place place = {info->table, tx->tenant_id, s->id, s->version};
    const struct seal_key *key = NULL;
    uint32_t key_id;

    if (tx_is_plain(tx, info)) {
        *out = arena_str(&tx->call->arena, sealed);
        return out->p ? STATUS_OK : call_nomem(tx->call);
    }
    if (seal_key_id(sealed, &key_id) && !(key = tenant_keys_find(tx->keys, key_id)) &&
        !tx->keys_are_new)
        return sql_fail(tx->call, tx->conn, SQL_ERROR_KEYS, NULL);
    if (!key || !seal_open(tx->call, key, &place, sealed, out))
        return damaged(tx, info);
    return STATUS_OK;
}

struct version {
    struct tx *tx;
    const struct record_info *info;
    struct seen seen;
};

/* version, create_time, tokens, body */
static enum status version_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct version *v = arg;

    assert(n == 4);
    v->seen.version = cols[0].i;
    v->seen.create_us = cols[1].i;
    v->seen.tokens = arena_str(&v->tx->call->arena, cols[2].s);
    if (!v->seen.tokens.p)
        return call_nomem(v->tx->call);
    return open_body(v->tx, v->info, &v->seen, cols[3].s, &v->seen.plain);
}

/* What is stored now, from what this unit read before or from the database. */
static enum status present(struct tx *tx, const struct record_info *info, struct uuid id,
                           struct seen *out)
{
    const struct seen *known = seen_find(tx, id);
    struct version v = {.tx = tx, .info = info, .seen = {.id = id}};

    if (known) {
        *out = *known;
        return STATUS_OK;
    }
    TRY(tx_query(tx,
                 &(struct sql_statement){
                     tx->store->statements->kinds[info->kind].version,
                     (struct sql_value[]){sql_int(tx->tenant_id), sql_bytes(id.b, sizeof id.b)}, 2},
                 version_row, &v));
    *out = v.seen;
    return v.seen.version ? STATUS_OK : gone(tx, info);
}

/* The message's id and what is stored under it, if the message's etag does not contradict. */
static enum status old_id(struct tx *tx, struct writing *w)
{
    int64_t expected;

    if ((w->id = NEW(&tx->call->arena, struct uuid, 1)) == NULL)
        return call_nomem(tx->call);
    *w->id = record_id(w->info, field_read(w->m, &w->info->id).text);
    TRY(present(tx, w->info, *w->id, &w->s));
    if (w->info->etag.n &&
        (!etag_read(&tx->call->arena, *w->id, field_read(w->m, &w->info->etag).text, &expected) ||
         expected != w->s.version))
        return stale(tx, w->info);
    return STATUS_OK;
}

/* The message as the version after `before`, which is what is stored, if the caller may change
 * that. */
static enum status next_version(struct tx *tx, struct writing *w, struct seen *before)
{
    TRY(old_id(tx, w));
    TRY(reach_before(tx, w->info, &w->s));
    TRY(reach_after(tx, w->info, w->m, false));
    *before = w->s;
    w->s.version++;
    return writing_encode(tx, w);
}

/* How many; 0: out of memory. */
static size_t update_args(struct tx *tx, const struct writing *w, struct sql_value *args)
{
    size_t n = 0;
    bool ok = true;

    args[n++] = sql_int(tx->tenant_id);
    args[n++] = sql_bytes(w->id->b, sizeof w->id->b);
    args[n++] = sql_int(w->s.version - 1);
    args[n++] = sql_int(w->s.version);
    args[n++] = sql_int(w->now);
    args[n++] = sql_bytes(w->body.p, w->body.n);
    args[n++] = sql_bytes(w->s.tokens.p, w->s.tokens.n);
    n += columns_read(tx, w->info, w->m, args + n, &ok);
    return ok ? n : 0;
}

enum status tx_update(struct tx *tx, enum record_kind kind, ProtobufCMessage *m)
{
    struct writing w = {.info = tx_kind(tx, kind), .m = m, .now = call_now_us(tx->call)};
    struct sql_value args[SQL_COLUMNS_MAX + RECORD_FIXED_N];
    struct seen before;
    size_t n;

    assert(m->descriptor == w.info->descriptor && w.info->n_columns <= SQL_COLUMNS_MAX);
    TRY(tx_writable(tx));
    TRY(next_version(tx, &w, &before));
    n = update_args(tx, &w, args);
    if (n == 0)
        return call_nomem(tx->call);
    TRY(tx_exec(tx, &(struct sql_statement){tx->store->statements->kinds[kind].update, args, n}));
    TRY(writing_follow(tx, &w, &before));
    return seen_put(tx, &w.s);
}

enum status tx_delete(struct tx *tx, enum record_kind kind, str id_text, str etag)
{
    const struct record_info *info = tx_kind(tx, kind);
    struct uuid id = record_id(info, id_text);
    struct seen s;
    int64_t expected;

    TRY(tx_writable(tx));
    TRY(present(tx, info, id, &s));
    TRY(reach_before(tx, info, &s));
    if (etag.n && (!etag_read(&tx->call->arena, id, etag, &expected) || expected != s.version))
        return stale(tx, info);
    seen_forget(tx, id);
    TRY(tx_exec(tx, &(struct sql_statement){tx->store->statements->kinds[kind].erase,
                                            (struct sql_value[]){sql_int(tx->tenant_id),
                                                                 sql_bytes(id.b, sizeof id.b),
                                                                 sql_int(s.version)},
                                            3}));
    TRY(words_change(tx, &id, s.tokens, (str){0}));
    return audit_note(tx, &(struct audit_change){info, id, s.plain, (str){0}});
}

enum status tx_match(struct tx *tx, const ProtobufCMessage *m, str etag)
{
    for (int i = RECORD_NONE + 1; etag.n && i < RECORD_KINDS; i++) {
        const struct record_info *info = record_info((enum record_kind)i);

        if (info->descriptor == m->descriptor && info->etag.n)
            return str_eq(field_read(m, &info->etag).text, etag) ? STATUS_OK : stale(tx, info);
    }
    return STATUS_OK;
}

enum status record_read(struct record_row *r, const struct sql_value *cols)
{
    struct tx *tx = r->tx;
    struct call *c = tx->call;
    bool full;
    struct seen s = {.version = cols[1].i, .create_us = cols[2].i};

    r->message = NULL;
    if (cols[0].s.n != sizeof s.id.b)
        return damaged(tx, r->info);
    memcpy(s.id.b, cols[0].s.p, sizeof s.id.b);
    TRY(open_body(tx, r->info, &s, cols[4].s, &s.plain));
    r->message = unpack_into(&c->arena, r->info->descriptor, s.plain, &full);
    if (!r->message)
        return full ? call_nomem(c) : damaged(tx, r->info);
    r->id = s.id;
    r->version = s.version;
    if (!reach_row(tx, r->info, r->message, &s)) {
        r->message = NULL;
        return STATUS_OK;
    }
    if (store_mode_writes(tx->mode)) {
        s.tokens = arena_str(&c->arena, cols[5].s);
        TRY(s.tokens.p ? seen_put(tx, &s) : call_nomem(c));
    }
    return writing_stamp(tx, r->info, r->message, &s, cols[3].i);
}
