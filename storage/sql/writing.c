#include "sql/writing.h"

#include <assert.h>
#include <google/protobuf/timestamp.pb-c.h>

#include "base/kill_point.h"
#include "sql/columns.h"
#include "sql/word.h"

enum status writing_stamp(struct tx *tx, const struct record_info *info, ProtobufCMessage *m,
                          const struct seen *s, int64_t update_us)
{
    struct arena *a = &tx->call->arena;
    Google__Protobuf__Timestamp *t = NEW(a, Google__Protobuf__Timestamp, 2);
    char *id = NULL, *etag = etag_make(a, s->id, s->version);

    if (field_read(m, &info->id).text.n == 0 && (id = uuid_text(a, s->id)) == NULL)
        return call_nomem(tx->call);
    if (!t || !etag)
        return call_nomem(tx->call);
    if ((id && !field_set_text(m, &info->id, id)) ||
        (info->etag.n && !field_set_text(m, &info->etag, etag)) ||
        (info->create_time.n && !field_set_time(m, &info->create_time, &t[0], s->create_us)) ||
        (info->update_time.n && !field_set_time(m, &info->update_time, &t[1], update_us)))
        return call_fail(tx->call, STATUS_INTERNAL, "a %s lacks the message that holds its id",
                         info->table);
    return STATUS_OK;
}

/* The packed message without what stamp() would write. */
static enum status pack_body(struct tx *tx, const struct record_info *info, ProtobufCMessage *m,
                             str *out)
{
    struct call *c = tx->call;
    struct uuid parsed;
    size_t n;
    uint8_t *p;
    str id = field_read(m, &info->id).text;

    if (uuid_parse(id, &parsed))
        field_set_text(m, &info->id, (char *)protobuf_c_empty_string);
    if (info->etag.n)
        field_set_text(m, &info->etag, (char *)protobuf_c_empty_string);
    n = protobuf_c_message_get_packed_size(m);
    if (n > MESSAGE_BYTES_MAX)
        return call_fail(c, STATUS_INVALID, "a %s is larger than %d bytes", info->table,
                         MESSAGE_BYTES_MAX);
    if ((p = arena_take(&c->arena, n + 1)) == NULL)
        return call_nomem(c);
    *out = (str){(char *)p, protobuf_c_message_pack(m, p)};
    return STATUS_OK;
}

enum status writing_encode(struct tx *tx, struct writing *w)
{
    struct seal_place place = {w->info->table, tx->tenant_id, *w->id, w->s.version};

    TRY(tokens_read(tx, w->info, w->m, &w->s.tokens));
    TRY(pack_body(tx, w->info, w->m, &w->s.plain));
    if (tx_is_plain(tx, w->info))
        w->body = w->s.plain;
    else
        TRY(seal(tx->call, tenant_keys_current(tx->keys), &place, w->s.plain, &w->body));
    return writing_stamp(tx, w->info, w->m, &w->s, w->now);
}

enum status writing_new_id(struct tx *tx, struct writing *w)
{
    str text = field_read(w->m, &w->info->id).text;

    if ((w->id = NEW(&tx->call->arena, struct uuid, 1)) == NULL)
        return call_nomem(tx->call);
    *w->id = text.n ? record_id(w->info, text) : uuid_new(tx->call);
    w->s = (struct seen){.id = *w->id, .version = 1};
    w->s.create_us = w->id->b[6] >> 4 == 7 ? uuid_time_us(*w->id) : w->now - w->now % 1000;
    return STATUS_OK;
}

struct sql_value writing_copy(const struct uuid *id, bool copy)
{
    return sql_int(copy ? token_at((str){(char *)id->b + 8, 8}, 0) : 0);
}

bool writing_insert_args(struct tx *tx, const struct writing *w, struct sql_value *args)
{
    bool ok = true;

    args[0] = sql_int(tx->tenant_id);
    args[1] = sql_bytes(w->id->b, sizeof w->id->b);
    args[2] = sql_int(w->s.version);
    args[3] = sql_int(w->s.create_us);
    args[4] = sql_int(w->now);
    args[5] = sql_bytes(w->body.p, w->body.n);
    args[6] = sql_bytes(w->s.tokens.p, w->s.tokens.n);
    args[RECORD_COPY] = sql_int(0);
    columns_read(tx, w->info, w->m, args + RECORD_FIXED_N, &ok);
    return ok;
}

enum status writing_follow(struct tx *tx, const struct writing *w, const struct seen *before)
{
    static const struct seen none;

    if (!before)
        before = &none;
    assert(w->info->kind != RECORD_AUDIT); /* entries are written by audit.c only */
    kill_here(KILL_RECORD_WRITE);
    TRY(words_change(tx, w->id, before->tokens, w->s.tokens));
    return audit_note(tx, &(struct audit_change){w->info, *w->id, before->plain, w->s.plain});
}
