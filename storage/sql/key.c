/*
 * Rotation of data keys. Which key sealed a row is written in front of its body, in the clear: SQL
 * finds and counts rows by it, and a walk opens only those that need it. A row keeps its version,
 * so that etags stay and a concurrent update of it is noticed.
 */
#include "store/key.h"

#include <assert.h>

#include "sql/data_keys.h"

enum { WALK_BYTES_MAX = 8 << 20, MARK_BYTES = 5 }; /* MARK: format and key id of a body */

enum walk_kind { WALK_ID, WALK_TX, WALK_NONE };

struct sealed_table {
    const char *name, *id, *version;
    enum walk_kind walk;
};

static const struct sealed_table others[] = {
#define SEALED(table, id, version, walk) {#table, #id, #version, WALK_##walk},
#include "sql/sealed.def"
#undef SEALED
};

enum { OTHERS = sizeof others / sizeof *others };

/* The i-th sealed table of the tenant's, or of the service's; false behind the last. */
static bool sealed_table(const struct tx *tx, size_t i, struct sealed_table *out)
{
    enum record_scope scope = tx->tenant_id ? SCOPE_TENANT : SCOPE_SYSTEM;

    if (i < OTHERS) {
        *out = others[i];
        return true;
    }
    i -= OTHERS;
    for (int kind = RECORD_NONE + 1; kind < RECORD_KINDS; kind++) {
        const struct record_info *info = record_info((enum record_kind)kind);

        /* the service has a trail of its own, beside those of the tenants */
        if ((info->scope != scope && kind != RECORD_AUDIT) || i-- > 0)
            continue;
        *out = (struct sealed_table){info->table, "id", "version", WALK_ID};
        return true;
    }
    return false;
}

/* key_id, create_time */
static enum status data_key_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct data_keys *k = arg;

    assert(n == 2 && k->n < DATA_KEYS_MAX);
    k->id[k->n] = (uint32_t)cols[0].i;
    k->created_us[k->n++] = cols[1].i;
    return STATUS_OK;
}

enum status data_keys_read(struct tx *tx, struct data_keys *out)
{
    *out = (struct data_keys){.n = 0};
    return tx_query(
        tx,
        &(struct sql_statement){
            "SELECT key_id, create_time FROM tenant_key WHERE tenant_id = $1 AND purpose = $2 "
            "ORDER BY key_id LIMIT $3",
            (struct sql_value[]){sql_int(tx->tenant_id), sql_int(KEY_DATA), sql_int(DATA_KEYS_MAX)},
            3},
        data_key_row, out);
}

enum status tx_key_rotate(struct tx *tx, uint32_t *version_out)
{
    struct data_keys keys;

    *version_out = 0;
    TRY(tx_writable(tx));
    TRY(data_keys_read(tx, &keys));
    if (keys.n == DATA_KEYS_MAX)
        return call_fail_as(tx->call, STATUS_EXHAUSTED, "TENANT_KEYS",
                            "%d data keys are alive: wait until re-sealing has caught up",
                            DATA_KEYS_MAX);
    if (keys.n == 0)
        return call_fail(tx->call, STATUS_INTERNAL, "the tenant has no data key");
    *version_out = keys.id[keys.n - 1] + 1;
    return keyring_add(tx->store->keyring, tx->call, tx->conn,
                       &(struct key_name){tx->tenant_id, KEY_DATA, *version_out});
}

static enum status number_row(void *arg, const struct sql_value *cols, size_t n)
{
    assert(n == 1);
    *(int64_t *)arg = cols[0].i;
    return STATUS_OK;
}

/* The bytes in front of every body that this key sealed. */
static str mark_of(uint32_t key, unsigned char out[MARK_BYTES])
{
    out[0] = 1;
    for (int i = 0; i < 4; i++)
        out[i + 1] = (unsigned char)(key >> (24 - 8 * i));
    return (str){(char *)out, MARK_BYTES};
}

/* Sealed rows of the tenant but those of this mark. */
static enum status count_sealed(struct tx *tx, str mark, uint64_t *out)
{
    struct sealed_table t;

    *out = 0;
    for (size_t i = 0; *out < KEY_COUNT_MAX && sealed_table(tx, i, &t); i++) {
        char *sql = arena_printf(&tx->call->arena,
                                 "SELECT COUNT(*) FROM (SELECT 1 FROM %s WHERE tenant_id = $1 "
                                 "AND substr(body, 1, %d) <> $2 AND length(body) > 0 LIMIT $3) r",
                                 t.name, MARK_BYTES);
        int64_t n = 0;

        if (!sql)
            return call_nomem(tx->call);
        TRY(tx_query(tx,
                     &(struct sql_statement){
                         sql,
                         (struct sql_value[]){sql_int(tx->tenant_id), sql_bytes(mark.p, mark.n),
                                              sql_int(KEY_COUNT_MAX - (int64_t)*out)},
                         3},
                     number_row, &n));
        *out += (uint64_t)n;
    }
    return STATUS_OK;
}

enum status tx_key_pending(struct tx *tx, uint64_t *out)
{
    unsigned char mark[MARK_BYTES];
    struct data_keys keys;

    *out = 0;
    TRY(data_keys_read(tx, &keys));
    if (keys.n < 2)
        return STATUS_OK;
    return count_sealed(tx, mark_of(keys.id[keys.n - 1], mark), out);
}

enum status tx_key_sealed(struct tx *tx, uint64_t *out)
{
    return count_sealed(tx, (str){"", 0}, out);
}

/* Re-sealing. */

struct sealed_row {
    struct uuid id;
    int64_t version, txid, seq;
    str body; /* {0}: the newest key sealed it */
};

struct batch_walk {
    struct tx *tx;
    const struct key_walk *from;
    struct sealed_row *rows; /* [limit] */
    size_t n, limit, n_bytes;
    bool is_full; /* the batch took no more: what follows is for the next one */
};

/* id, version, body, txid, seq */
static enum status walk_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct batch_walk *w = arg;
    struct sealed_row *row = &w->rows[w->n];
    uint32_t key;

    assert(n == 5 && w->n < w->limit);
    w->is_full |= w->n_bytes > WALK_BYTES_MAX;
    if (w->is_full)
        return STATUS_OK;
    *row = (struct sealed_row){.version = cols[1].i, .txid = cols[3].i, .seq = cols[4].i};
    if (cols[0].s.n == sizeof row->id.b)
        memcpy(row->id.b, cols[0].s.p, sizeof row->id.b);
    w->n++;
    if (!cols[2].s.n ||
        (seal_key_id(cols[2].s, &key) && key == w->tx->keys->data[w->tx->keys->n_data - 1].id))
        return STATUS_OK;
    w->n_bytes += cols[2].s.n;
    row->body = arena_str(&w->tx->call->arena, cols[2].s);
    return row->body.p ? STATUS_OK : call_nomem(w->tx->call);
}

static enum status read_rows(struct batch_walk *w, const struct sealed_table *t)
{
    const struct key_walk *from = w->from;
    const struct sql_value by_id[] = {sql_int(w->tx->tenant_id),
                                      sql_bytes(from->id.b, sizeof from->id.b),
                                      sql_int((int64_t)w->limit)},
                           by_tx[] = {sql_int(w->tx->tenant_id), sql_int(from->txid),
                                      sql_int(from->seq), sql_int((int64_t)w->limit)};
    struct arena *a = &w->tx->call->arena;
    bool is_tx = t->walk == WALK_TX;
    char *sql = is_tx ? arena_printf(a,
                                     "SELECT %s, %s, body, txid, seq FROM %s WHERE tenant_id = $1 "
                                     "AND (txid, seq) > ($2, $3) ORDER BY txid, seq LIMIT $4",
                                     t->id, t->version, t->name)
                      : arena_printf(a,
                                     "SELECT %s, %s, body, 0, 0 FROM %s WHERE tenant_id = $1 "
                                     "AND %s > $2 ORDER BY %s LIMIT $3",
                                     t->id, t->version, t->name, t->id, t->id);

    if (!sql)
        return call_nomem(w->tx->call);
    return tx_query(w->tx, &(struct sql_statement){sql, is_tx ? by_tx : by_id, is_tx ? 4 : 3},
                    walk_row, w);
}

/* The old bytes are part of the condition: a row that changed meanwhile is left to its writer. */
static enum status write_row(struct tx *tx, const struct sealed_table *t,
                             const struct sealed_row *row, str body)
{
    char *sql = arena_printf(&tx->call->arena,
                             "UPDATE %s SET body = $3 WHERE tenant_id = $1 AND %s = $2 "
                             "AND body = $4",
                             t->name, t->id);
    char *sql_tx = arena_printf(&tx->call->arena,
                                "UPDATE %s SET body = $3 WHERE tenant_id = $1 AND txid = $2 "
                                "AND seq = $5 AND body = $4",
                                t->name);
    struct uuid *id = NEW(&tx->call->arena, struct uuid, 1);
    bool is_tx = t->walk == WALK_TX;

    if (!sql || !sql_tx || !id)
        return call_nomem(tx->call);
    *id = row->id;
    return tx_exec(
        tx, &(struct sql_statement){
                is_tx ? sql_tx : sql,
                (struct sql_value[]){sql_int(tx->tenant_id),
                                     is_tx ? sql_int(row->txid) : sql_bytes(id->b, sizeof id->b),
                                     sql_bytes(body.p, body.n), sql_bytes(row->body.p, row->body.n),
                                     sql_int(row->seq)},
                is_tx ? 5 : 4});
}

/* False: the row is damaged, or its key is gone. */
static enum status reseal_row(struct tx *tx, const struct sealed_table *t,
                              const struct sealed_row *row, struct key_walk *walk)
{
    struct seal_place place = {t->name, tx->tenant_id, row->id, row->version};
    const struct seal_key *key = NULL;
    uint32_t id;
    str plain, body;

    if (seal_key_id(row->body, &id))
        key = tenant_keys_find(tx->keys, id);
    if (!key && !tx->keys_are_new)
        return sql_fail(tx->call, tx->conn, SQL_ERROR_KEYS, NULL);
    if (!key || !seal_open(tx->call, key, &place, row->body, &plain)) {
        walk->damaged++;
        return tx->call->fault.status; /* OK, or out of memory */
    }
    TRY(seal(tx->call, tenant_keys_current(tx->keys), &place, plain, &body));
    seal_wipe((void *)plain.p, plain.n);
    walk->resealed++;
    return write_row(tx, t, row, body);
}

/* Behind the rows of this batch, or at the beginning of the next table. */
static void move_on(struct key_walk *walk, const struct batch_walk *w)
{
    if (w->n < w->limit && !w->is_full) {
        walk->table++;
        walk->id = (struct uuid){{0}};
        walk->txid = walk->seq = 0;
    } else {
        walk->id = w->rows[w->n - 1].id;
        walk->txid = w->rows[w->n - 1].txid;
        walk->seq = w->rows[w->n - 1].seq;
    }
}

enum status tx_key_reseal(struct tx *tx, struct key_walk *walk, size_t limit)
{
    struct batch_walk w = {.tx = tx, .from = walk, .limit = limit};
    struct key_walk next = *walk;
    struct sealed_table t;

    assert(limit > 0 && limit <= KEY_RESEAL_MAX);
    TRY(tx_writable(tx));
    if (!sealed_table(tx, walk->table, &t)) {
        walk->is_done = true;
        return STATUS_OK;
    }
    if ((w.rows = NEW(&tx->call->arena, struct sealed_row, limit)) == NULL)
        return call_nomem(tx->call);
    if (t.walk != WALK_NONE)
        TRY(read_rows(&w, &t));
    for (size_t i = 0; i < w.n; i++)
        if (w.rows[i].body.p)
            TRY(reseal_row(tx, &t, &w.rows[i], &next));
    move_on(&next, &w);
    *walk = next;
    return STATUS_OK;
}

/* Whether some row of the tenant is sealed by this key. */
static enum status is_used(struct tx *tx, uint32_t key, bool *out)
{
    unsigned char mark[MARK_BYTES];
    struct sealed_table t;
    int64_t found = 0;

    mark_of(key, mark);
    for (size_t i = 0; !found && sealed_table(tx, i, &t); i++) {
        char *sql = arena_printf(&tx->call->arena,
                                 "SELECT 1 FROM %s WHERE tenant_id = $1 "
                                 "AND substr(body, 1, %d) = $2 LIMIT 1",
                                 t.name, MARK_BYTES);

        if (!sql)
            return call_nomem(tx->call);
        TRY(tx_query(
            tx,
            &(struct sql_statement){
                sql, (struct sql_value[]){sql_int(tx->tenant_id), sql_bytes(mark, sizeof mark)}, 2},
            number_row, &found));
    }
    *out = found != 0;
    return STATUS_OK;
}

enum status tx_key_retire(struct tx *tx, int64_t grace_s, size_t *n_out, size_t *n_left)
{
    int64_t before_us = call_now_us(tx->call) - grace_s * 1000000;
    struct data_keys keys;
    bool used;

    *n_out = *n_left = 0;
    TRY(tx_writable(tx));
    TRY(data_keys_read(tx, &keys));
    for (size_t i = 0; i + 1 < keys.n; i++) {
        used = keys.created_us[i + 1] > before_us;
        if (!used)
            TRY(is_used(tx, keys.id[i], &used));
        *n_left += used;
        if (used)
            continue;
        TRY(tx_exec(tx, &(struct sql_statement){
                            "DELETE FROM tenant_key WHERE tenant_id = $1 AND purpose = $2 "
                            "AND key_id = $3",
                            (struct sql_value[]){sql_int(tx->tenant_id), sql_int(KEY_DATA),
                                                 sql_int(keys.id[i])},
                            3}));
        ++*n_out;
    }
    return STATUS_OK;
}

enum status tx_key_rewrap(struct tx *tx, size_t *n_out)
{
    *n_out = 0;
    assert(tx->tenant_id == 0);
    TRY(tx_writable(tx));
    TRY(tx_flush(tx));
    return keyring_rewrap(tx->store->keyring, tx->call, tx->conn, KEY_REWRAP_MAX, n_out);
}
