/* Consumers of the outbox, and what is taken out behind them. */
#include "store/outbox.h"

#include <assert.h>

#include "sql/event.h"

static const char trimmed_name[] = ".trimmed";

struct claim {
    struct call *call;
    struct event_consumer *consumer;
};

/* txid, seq, fence, note */
static enum status claim_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct claim *k = arg;

    assert(n == 4);
    k->consumer->at = (struct event_cursor){cols[0].i, cols[1].i};
    k->consumer->fence = cols[2].i;
    k->consumer->note = arena_str(&k->call->arena, cols[3].s);
    return k->consumer->note.p ? STATUS_OK : call_nomem(k->call);
}

enum status tx_consumer_claim(struct tx *tx, int64_t lease_us, struct event_consumer *consumer)
{
    struct claim k = {tx->call, consumer};
    int64_t now_us = call_now_us(tx->call);
    const struct sql_value args[] = {sql_text(str_of(consumer->name)), sql_int(now_us + lease_us),
                                     sql_int(now_us), sql_int(consumer->fence), sql_bytes("", 0)};

    assert(tx->tenant_id == 0 && strlen(consumer->name) <= CONSUMER_NAME_BYTES);
    consumer->fence = 0;
    TRY(tx_writable(tx));
    return tx_query(
        tx,
        &(struct sql_statement){
            "INSERT INTO event_cursor(tenant_id, name, txid, seq, fence, lease_until, update_time, "
            "note) VALUES(0, $1, 0, 0, 1, $2, $3, $5) "
            "ON CONFLICT (tenant_id, name) DO UPDATE SET "
            "fence = CASE WHEN event_cursor.fence = $4 THEN $4 ELSE event_cursor.fence + 1 END, "
            "lease_until = $2, update_time = $3 "
            "WHERE event_cursor.fence = $4 OR event_cursor.lease_until < $3 "
            "RETURNING txid, seq, fence, note",
            args, 5},
        claim_row, &k);
}

static enum status count_row(void *arg, const struct sql_value *cols, size_t n)
{
    (void)cols;
    assert(n == 1);
    ++*(size_t *)arg;
    return STATUS_OK;
}

enum status tx_consumer_move(struct tx *tx, int64_t lease_us, const struct event_consumer *consumer)
{
    int64_t now_us = call_now_us(tx->call);
    const struct sql_value args[] = {
        sql_text(str_of(consumer->name)), sql_int(consumer->at.txid),
        sql_int(consumer->at.seq),        sql_bytes(consumer->note.p, consumer->note.n),
        sql_int(now_us + lease_us),       sql_int(now_us),
        sql_int(consumer->fence)};
    size_t n = 0;

    assert(tx->tenant_id == 0 && consumer->note.n <= CONSUMER_NOTE_BYTES);
    TRY(tx_writable(tx));
    TRY(tx_query(tx,
                 &(struct sql_statement){
                     "UPDATE event_cursor SET txid = $2, seq = $3, note = $4, lease_until = $5, "
                     "update_time = $6 WHERE tenant_id = 0 AND name = $1 AND fence = $7 "
                     "RETURNING fence",
                     args, 7},
                 count_row, &n));
    return n ? STATUS_OK
             : call_fail_as(tx->call, STATUS_CONFLICT, "CONSUMER_LOST",
                            "another replica has taken over consumer %s", consumer->name);
}

enum status tx_consumer_release(struct tx *tx, const struct event_consumer *consumer)
{
    const struct sql_value args[] = {sql_text(str_of(consumer->name)), sql_int(consumer->fence)};

    TRY(tx_writable(tx));
    return tx_exec(tx, &(struct sql_statement){"UPDATE event_cursor SET lease_until = 0 "
                                               "WHERE tenant_id = 0 AND name = $1 AND fence = $2",
                                               args, 2});
}

/* count, oldest */
static enum status backlog_row(void *arg, const struct sql_value *cols, size_t n)
{
    assert(n == 2);
    *(struct event_backlog *)arg = (struct event_backlog){cols[0].i, cols[1].i};
    return STATUS_OK;
}

enum status tx_event_backlog(struct tx *tx, struct event_cursor after, struct event_backlog *out)
{
    const struct sql_value args[] = {sql_int(after.txid), sql_int(after.seq),
                                     sql_int(EVENT_BACKLOG_MAX)};

    *out = (struct event_backlog){0};
    return tx_query(tx,
                    &(struct sql_statement){
                        "SELECT COUNT(*), COALESCE(MIN(create_time), 0) FROM (SELECT create_time "
                        "FROM outbox_visible WHERE (txid, seq) > ($1, $2) "
                        "ORDER BY txid, seq LIMIT $3) AS waiting",
                        args, 3},
                    backlog_row, out);
}

static enum status id_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct uuid *id = arg;

    assert(n == 1);
    if (cols[0].s.n == sizeof id->b)
        memcpy(id->b, cols[0].s.p, sizeof id->b);
    return STATUS_OK;
}

enum status tx_event_id(struct tx *tx, struct event_cursor at, struct uuid *out)
{
    static const struct uuid none;
    const struct sql_value args[] = {sql_int(at.txid), sql_int(at.seq)};

    *out = none;
    TRY(tx_query(
        tx, &(struct sql_statement){"SELECT id FROM outbox WHERE txid = $1 AND seq = $2", args, 2},
        id_row, out));
    return memcmp(out, &none, sizeof none) != 0
               ? STATUS_OK
               : call_fail(tx->call, STATUS_NOT_FOUND, "there is no event at that place");
}

enum status event_cursor_row(void *arg, const struct sql_value *cols, size_t n)
{
    assert(n == 2);
    *(struct event_cursor *)arg = (struct event_cursor){cols[0].i, cols[1].i};
    return STATUS_OK;
}

enum status event_trimmed(struct tx *tx, struct event_cursor *out)
{
    const struct sql_value args[] = {sql_int(tx->tenant_id), sql_text(str_of(trimmed_name))};

    *out = (struct event_cursor){0};
    return tx_query(
        tx,
        &(struct sql_statement){
            "SELECT txid, seq FROM event_cursor WHERE tenant_id = $1 AND name = $2", args, 2},
        event_cursor_row, out);
}

static bool is_before(struct event_cursor a, struct event_cursor b)
{
    return a.txid < b.txid || (a.txid == b.txid && a.seq < b.seq);
}

enum status tx_event_check(struct tx *tx, struct event_cursor after)
{
    struct event_cursor trimmed;

    TRY(event_trimmed(tx, &trimmed));
    return is_before(after, trimmed) ? call_fail_as(tx->call, STATUS_OUT_OF_RANGE, "EVENTS_TRIMMED",
                                                    "events behind that place are no longer kept")
                                     : STATUS_OK;
}

/* What one unit takes out: a clean prefix, and its end for each tenant in it. */
struct trim {
    struct tx *tx;
    int64_t before_us;
    bool is_over;             /* an event that is too young was met */
    struct event_cursor last; /* taken out up to here */
    size_t n, n_tenants;
    struct tenant_end {
        int64_t tenant_id;
        struct event_cursor at;
    } tenants[EVENT_TRIM_MAX + 1]; /* the service's own too */
};

static void note_end(struct trim *t, int64_t tenant_id, struct event_cursor at)
{
    size_t i = 0;

    while (i < t->n_tenants && t->tenants[i].tenant_id != tenant_id)
        i++;
    if (i == t->n_tenants)
        t->n_tenants++;
    t->tenants[i] = (struct tenant_end){tenant_id, at};
}

/* txid, seq, tenant_id, create_time */
static enum status trim_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct trim *t = arg;

    assert(n == 4);
    t->is_over = t->is_over || cols[3].i >= t->before_us;
    if (t->is_over)
        return STATUS_OK;
    t->last = (struct event_cursor){cols[0].i, cols[1].i};
    note_end(t, 0, t->last);
    note_end(t, cols[2].i, t->last);
    t->n++;
    return STATUS_OK;
}

static enum status store_ends(struct trim *t, struct call *c)
{
    for (size_t i = 0; i < t->n_tenants; i++) {
        const struct tenant_end *e = &t->tenants[i];
        const struct sql_value args[] = {sql_int(e->tenant_id),   sql_text(str_of(trimmed_name)),
                                         sql_int(e->at.txid),     sql_int(e->at.seq),
                                         sql_int(call_now_us(c)), sql_bytes("", 0)};

        TRY(tx_exec(t->tx,
                    &(struct sql_statement){
                        "INSERT INTO event_cursor(tenant_id, name, txid, seq, fence, lease_until, "
                        "update_time, note) VALUES($1, $2, $3, $4, 0, 0, $5, $6) "
                        "ON CONFLICT (tenant_id, name) DO UPDATE SET txid = excluded.txid, "
                        "seq = excluded.seq, update_time = excluded.update_time",
                        args, 6}));
    }
    return STATUS_OK;
}

/* Where the slowest living consumer stands; the end of the world when there is none. */
static enum status slowest(struct tx *tx, int64_t idle_us, struct event_cursor *out)
{
    const struct sql_value args[] = {sql_int(idle_us)};

    *out = (struct event_cursor){INT64_MAX, INT64_MAX};
    return tx_query(
        tx,
        &(struct sql_statement){"SELECT txid, seq FROM event_cursor WHERE tenant_id = 0 "
                                "AND substr(name, 1, 1) <> '.' AND update_time >= $1 "
                                "ORDER BY txid, seq LIMIT 1",
                                args, 1},
        event_cursor_row, out);
}

enum status tx_event_trim(struct tx *tx, int64_t before_us, int64_t idle_us, size_t *n_out)
{
    struct trim *t = NEW(&tx->call->arena, struct trim, 1);
    struct event_cursor end;

    assert(tx->tenant_id == 0);
    *n_out = 0;
    TRY(tx_writable(tx));
    if (!t)
        return call_nomem(tx->call);
    *t = (struct trim){.tx = tx, .before_us = before_us};
    TRY(slowest(tx, idle_us, &end));
    const struct sql_value args[] = {sql_int(end.txid), sql_int(end.seq), sql_int(EVENT_TRIM_MAX)};

    TRY(tx_query(
        tx,
        &(struct sql_statement){"SELECT txid, seq, tenant_id, create_time FROM outbox_visible "
                                "WHERE (txid, seq) <= ($1, $2) ORDER BY txid, seq LIMIT $3",
                                args, 3},
        trim_row, t));
    *n_out = t->n;
    if (t->n == 0)
        return STATUS_OK;
    const struct sql_value last[] = {sql_int(t->last.txid), sql_int(t->last.seq)};

    TRY(tx_exec(
        tx, &(struct sql_statement){"DELETE FROM outbox WHERE (txid, seq) <= ($1, $2)", last, 2}));
    return store_ends(t, tx->call);
}

enum status tx_event_erase(struct tx *tx, enum record_kind kind, str subject_id)
{
    const struct record_info *info = record_info(kind);
    struct uuid subject = record_id(info, subject_id);
    const struct sql_value args[] = {sql_int(tx->tenant_id), sql_bytes(subject.b, sizeof subject.b),
                                     sql_text(str_of(info->table)), sql_bytes("", 0)};

    assert(tx->tenant_id != 0);
    TRY(tx_writable(tx));
    return tx_exec(tx,
                   &(struct sql_statement){"UPDATE outbox SET body = $4 "
                                           "WHERE tenant_id = $1 AND subject = $2 AND kind = $3",
                                           args, 4});
}
