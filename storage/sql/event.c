/* The transactional outbox, and the counters. */
#include "sql/event.h"

#include <assert.h>

#include "base/kill_point.h"

static struct seal_place event_place(int64_t tenant_id, struct uuid id)
{
    return (struct seal_place){.table = "outbox", .tenant_id = tenant_id, .id = id};
}

/* trace id, span id, flags */
enum { TRACE_BYTES = 25, TRACE_SAMPLED = 1 };

static str pack_trace(struct call *c)
{
    static const unsigned char none[sizeof c->trace.trace_id];
    char *p = arena_take(&c->arena, TRACE_BYTES);

    if (!p || memcmp(c->trace.trace_id, none, sizeof none) == 0)
        return (str){p, 0};
    memcpy(p, c->trace.trace_id, 16);
    memcpy(p + 16, c->trace.span_id, 8);
    p[24] = c->trace.sampled ? TRACE_SAMPLED : 0;
    return (str){p, TRACE_BYTES};
}

static struct trace read_trace(str packed)
{
    struct trace t = {.sampled = false};

    if (packed.n != TRACE_BYTES)
        return t;
    memcpy(t.trace_id, packed.p, 16);
    memcpy(t.span_id, packed.p + 16, 8);
    t.sampled = packed.p[24] & TRACE_SAMPLED;
    return t;
}

/* Packs and seals the data of event `id`. */
static enum status seal_data(struct tx *tx, struct uuid id, const ProtobufCMessage *data, str *out)
{
    struct call *c = tx->call;
    struct seal_place place = event_place(tx->tenant_id, id);
    uint8_t *plain = arena_take(&c->arena, protobuf_c_message_get_packed_size(data) + 1);
    size_t n;

    if (!plain)
        return call_nomem(c);
    n = protobuf_c_message_pack(data, plain);
    return seal(c, tenant_keys_current(tx->keys), &place, (str){(char *)plain, n}, out);
}

enum status event_make(struct tx *tx, const struct event_subject *of, const ProtobufCMessage *data,
                       struct sql_value row[EVENT_WIDTH])
{
    struct call *c = tx->call;
    struct uuid *ids = NEW(&c->arena, struct uuid, 2); /* the event's and the subject's */
    str body = {0}, trace = pack_trace(c);

    if (!ids || !trace.p)
        return call_nomem(c);
    ids[0] = uuid_new(c);
    ids[1] = of->id;
    TRY(seal_data(tx, ids[0], data, &body));
    row[0] = sql_int(tx->tenant_id);
    row[1] = sql_bytes(ids[0].b, sizeof ids[0].b);
    row[2] = sql_text(str_of(of->type));
    row[3] = sql_text(str_of(of->info->table));
    row[4] = sql_bytes(ids[1].b, sizeof ids[1].b);
    row[5] = sql_int(call_now_us(c));
    row[6] = sql_bytes(body.p, body.n);
    row[7] = sql_bytes(trace.p, trace.n);
    return STATUS_OK;
}

enum status event_put(struct tx *tx, const struct sql_value made[EVENT_WIDTH])
{
    struct sql_value *row = NULL;

    kill_here(KILL_OUTBOX_APPEND);
    TRY(tx_batch_row(tx, &tx->events, &tx->store->statements->events, &row));
    assert(row);
    memcpy(row, made, EVENT_WIDTH * sizeof *row);
    return STATUS_OK;
}

enum status tx_event(struct tx *tx, const char *type, enum record_kind kind, str subject_id,
                     const ProtobufCMessage *data)
{
    const struct record_info *info = record_info(kind);
    struct sql_value made[EVENT_WIDTH];

    TRY(tx_writable(tx));
    if (tx->store->is_bare)
        return STATUS_OK;
    TRY(event_make(tx, &(struct event_subject){type, info, record_id(info, subject_id)}, data,
                   made));
    return event_put(tx, made);
}

struct event_rows {
    struct tx *tx;
    struct event_page *page;
    str *sealed; /* [limit] */
    size_t limit;
};

/* EVENT_COLUMNS */
static enum status event_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct event_rows *r = arg;
    struct arena *a = &r->tx->call->arena;
    struct event *e = &r->page->events[r->page->n_events];

    assert(n == 10 && r->page->n_events < r->limit);
    *e = (struct event){.cursor = {cols[0].i, cols[1].i},
                        .tenant_id = cols[2].i,
                        .created_us = cols[7].i,
                        .type = arena_str(a, cols[4].s),
                        .trace = read_trace(cols[9].s),
                        .kind = record_kind_of(cols[5].s)};
    if (cols[3].s.n == sizeof e->id.b && cols[6].s.n == sizeof e->subject.b) {
        memcpy(e->id.b, cols[3].s.p, sizeof e->id.b);
        memcpy(e->subject.b, cols[6].s.p, sizeof e->subject.b);
    }
    r->sealed[r->page->n_events++] = arena_str(a, cols[8].s);
    return e->type.p && r->sealed[r->page->n_events - 1].p ? STATUS_OK : call_nomem(r->tx->call);
}

/* Rows of several tenants may come in a system unit. */
static enum status open_event(struct tx *tx, struct event *e, str sealed)
{
    struct seal_place place = event_place(e->tenant_id, e->id);
    const struct seal_key *key;

    if (sealed.n == 0) {
        e->body = EVENT_ERASED;
        return STATUS_OK;
    }
    TRY(tx_key_of(tx, e->tenant_id, sealed, &key));
    if (key && seal_open(tx->call, key, &place, sealed, &e->data))
        return STATUS_OK;
    if (tx->call->fault.status != STATUS_OK)
        return tx->call->fault.status; /* out of memory */
    if (tx->tenant_id != 0)
        return call_fail_as(tx->call, STATUS_DATA_LOSS, "EVENT_DAMAGED",
                            "a stored event fails its authentication");
    e->body = EVENT_DAMAGED; /* one damaged event must not hold up those of all tenants */
    e->data = (str){0};
    return STATUS_OK;
}

enum status tx_event_list(struct tx *tx, struct event_cursor after, size_t limit,
                          struct event_page *out)
{
    static const char all[] =
        "SELECT " EVENT_COLUMNS " FROM outbox_visible WHERE (txid, seq) > ($1, $2) "
        "ORDER BY txid, seq LIMIT $3",
                      own[] =
                          "SELECT " EVENT_COLUMNS
                          " FROM outbox_visible WHERE tenant_id = $4 AND (txid, seq) > ($1, $2) "
                          "ORDER BY txid, seq LIMIT $3";
    struct event_rows rows = {.tx = tx, .page = out, .limit = limit};
    const struct sql_value args[] = {sql_int(after.txid), sql_int(after.seq),
                                     sql_int((int64_t)limit), sql_int(tx->tenant_id)};

    assert(limit > 0 && limit <= PAGE_SIZE_MAX);
    *out = (struct event_page){.next = after};
    out->events = NEW(&tx->call->arena, struct event, limit);
    rows.sealed = NEW(&tx->call->arena, str, limit);
    if (!out->events || !rows.sealed)
        return call_nomem(tx->call);
    TRY(tx_query(tx,
                 &(struct sql_statement){tx->tenant_id ? own : all, args, tx->tenant_id ? 4 : 3},
                 event_row, &rows));
    for (size_t i = 0; i < out->n_events; i++)
        TRY(open_event(tx, &out->events[i], rows.sealed[i]));
    if (out->n_events)
        out->next = out->events[out->n_events - 1].cursor;
    return STATUS_OK;
}

enum status tx_event_end(struct tx *tx, struct event_cursor *out)
{
    static const char all[] = "SELECT txid, seq FROM outbox_visible "
                              "ORDER BY txid DESC, seq DESC LIMIT 1",
                      own[] = "SELECT txid, seq FROM outbox_visible WHERE tenant_id = $1 "
                              "ORDER BY txid DESC, seq DESC LIMIT 1";
    const struct sql_value args[] = {sql_int(tx->tenant_id)};

    TRY(event_trimmed(tx, out)); /* what counts when all of them were taken out */
    return tx_query(tx,
                    &(struct sql_statement){tx->tenant_id ? own : all, args, tx->tenant_id != 0},
                    event_cursor_row, out);
}

static enum status number_row(void *arg, const struct sql_value *cols, size_t n)
{
    assert(n == 1);
    *(int64_t *)arg = cols[0].i;
    return STATUS_OK;
}

enum status tx_counter_next(struct tx *tx, const char *name, int64_t *out)
{
    const struct sql_value args[] = {sql_int(tx->tenant_id), sql_text(str_of(name))};

    *out = 0;
    TRY(tx_writable(tx));
    return tx_query(tx,
                    &(struct sql_statement){
                        "INSERT INTO counter(tenant_id, name, value) VALUES($1, $2, 1) "
                        "ON CONFLICT (tenant_id, name) DO UPDATE SET value = counter.value + 1 "
                        "RETURNING value",
                        args, 2},
                    number_row, out);
}
