/*
 * Gives entries their place. The chain's end is a row per tenant: whoever seals writes it first, so
 * that a second sealer waits and then goes on behind the first.
 */
#include <assert.h>

#include "base/kill_point.h"
#include "sql/audit.h"

enum { DAY_S = 86400 };

bool audit_checkpoint_of(const struct sql_value *cols, enum audit_statement says,
                         struct audit_checkpoint *out)
{
    *out = (struct audit_checkpoint){
        .chain.count = (uint64_t)cols[0].i, .time_us = cols[1].i, .says = says};
    if (cols[2].s.n != AUDIT_DIGEST_BYTES || cols[3].s.n != AUDIT_DIGEST_BYTES ||
        cols[4].s.n != AUDIT_SIGNATURE_BYTES)
        return false;
    memcpy(out->chain.mac, cols[2].s.p, AUDIT_DIGEST_BYTES);
    memcpy(out->chain.digest, cols[3].s.p, AUDIT_DIGEST_BYTES);
    memcpy(out->signature, cols[4].s.p, AUDIT_SIGNATURE_BYTES);
    return true;
}

static enum status checkpoint_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct audit_checkpoint *out = arg;

    assert(n == 5);
    /* a damaged one keeps its count and the empty signature, which is nobody's */
    (void)audit_checkpoint_of(cols, out->says, out);
    return STATUS_OK;
}

enum status audit_read_checkpoint(struct tx *tx, const struct sql_statement *s,
                                  enum audit_statement says, struct audit_checkpoint *out)
{
    *out = (struct audit_checkpoint){.says = says};
    return tx_query(tx, s, checkpoint_row, out);
}

enum status audit_read_head(struct tx *tx, struct audit_checkpoint *out)
{
    return audit_read_checkpoint(
        tx,
        &(struct sql_statement){"SELECT " AUDIT_CHECKPOINT_FIELDS
                                " FROM audit_head WHERE tenant_id = $1",
                                (struct sql_value[]){sql_int(tx->tenant_id)}, 1},
        AUDIT_HOLDS, out);
}

/* The end, held until the unit ends. */
static enum status lock_head(struct tx *tx, struct audit_checkpoint *out)
{
    const struct sql_value args[] = {sql_int(tx->tenant_id), sql_bytes("", 0)};

    return audit_read_checkpoint(
        tx,
        &(struct sql_statement){
            "INSERT INTO audit_head(tenant_id, count, time, mac, digest, signature) "
            "VALUES($1, 0, 0, $2, $2, $2) "
            "ON CONFLICT (tenant_id) DO UPDATE SET count = audit_head.count "
            "RETURNING " AUDIT_CHECKPOINT_FIELDS,
            args, 2},
        AUDIT_HOLDS, out);
}

static enum status number_row(void *arg, const struct sql_value *cols, size_t n)
{
    assert(n == 1);
    *(int64_t *)arg = cols[0].i;
    return STATUS_OK;
}

static enum status broken(struct tx *tx)
{
    return call_fail_as(tx->call, STATUS_DATA_LOSS, "AUDIT_CHAIN",
                        "the end of the audit chain does not bear its signature");
}

/* An end that was removed or replaced must not become the ground of a new chain. */
static enum status trust_head(struct tx *tx, const struct audit_keys *keys,
                              const struct audit_checkpoint *head)
{
    unsigned char public_key[AUDIT_PUBLIC_BYTES];
    int64_t any = 0;

    if (head->chain.count) {
        if (!audit_public_key(keys->signer, public_key) || !audit_is_signed(head, public_key))
            return broken(tx);
        return STATUS_OK;
    }
    TRY(tx_query(
        tx,
        &(struct sql_statement){"SELECT COUNT(*) FROM (SELECT 1 FROM audit WHERE tenant_id = $1 "
                                "AND sequence < 9223372036854775807 LIMIT 1) x",
                                (struct sql_value[]){sql_int(tx->tenant_id)}, 1},
        number_row, &any));
    return any ? broken(tx) : STATUS_OK;
}

struct waiting {
    struct record_row row;
    AuditEntry **entries; /* [n <= AUDIT_BATCH_MAX] */
    struct uuid *ids;
    size_t n;
};

static enum status waiting_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct waiting *w = arg;

    assert(n == RECORD_FIELDS_N && w->n < AUDIT_BATCH_MAX);
    TRY(record_read(&w->row, cols));
    w->entries[w->n] = (AuditEntry *)w->row.message;
    w->ids[w->n++] = w->row.id;
    return STATUS_OK;
}

/* The rows that `which` selects of those that have no place: at most AUDIT_BATCH_MAX. */
static enum status read_rows(struct tx *tx, const struct sql_statement *which, struct waiting *out)
{
    struct arena *a = &tx->call->arena;

    *out = (struct waiting){.row = {.tx = tx, .info = record_info(RECORD_AUDIT)},
                            .entries = NEW(a, AuditEntry *, AUDIT_BATCH_MAX),
                            .ids = NEW(a, struct uuid, AUDIT_BATCH_MAX)};
    if (!out->entries || !out->ids)
        return call_nomem(tx->call);
    return tx_query(tx, which, waiting_row, out);
}

static enum status read_waiting(struct tx *tx, struct waiting *out)
{
    return read_rows(
        tx,
        &(struct sql_statement){"SELECT " RECORD_FIELDS " FROM audit r WHERE r.tenant_id = $1 "
                                "AND r.sequence = 9223372036854775807 ORDER BY r.id LIMIT 500",
                                (struct sql_value[]){sql_int(tx->tenant_id)}, 1},
        out);
}

static enum status place_entry(struct tx *tx, const struct audit_keys *keys, AuditEntry *e,
                               struct audit_chain *at, const unsigned char **mac_out)
{
    unsigned char digest[AUDIT_DIGEST_BYTES];
    unsigned char *mac = arena_take(&tx->call->arena, AUDIT_DIGEST_BYTES);

    if (!mac)
        return call_nomem(tx->call);
    e->sequence = at->count + 1;
    audit_entry_digest(e, digest);
    audit_chain_mac(at, keys->chain, digest, mac);
    audit_chain_step(at, digest, mac);
    *mac_out = mac;
    return STATUS_OK;
}

/* In the order of their ids, each behind the one before. */
static enum status place_entries(struct tx *tx, const struct audit_keys *keys,
                                 const struct waiting *w, struct audit_chain *at)
{
    struct batch *b = NULL;

    for (size_t i = 0; i < w->n; i++) {
        struct sql_value *row;
        const unsigned char *mac = NULL;

        TRY(place_entry(tx, keys, w->entries[i], at, &mac));
        TRY(tx_batch_row(tx, &b, &tx->store->statements->places, &row));
        row[0] = sql_int(tx->tenant_id);
        row[1] = sql_bytes(w->ids[i].b, sizeof w->ids[i].b);
        row[2] = sql_int((int64_t)at->count);
        row[3] = sql_bytes(mac, AUDIT_DIGEST_BYTES);
    }
    return batch_flush(b, tx->conn, tx->call);
}

static enum status store_head(struct tx *tx, const struct audit_checkpoint *head)
{
    const struct sql_value args[] = {sql_int(tx->tenant_id),
                                     sql_int((int64_t)head->chain.count),
                                     sql_int(head->time_us),
                                     sql_bytes(head->chain.mac, AUDIT_DIGEST_BYTES),
                                     sql_bytes(head->chain.digest, AUDIT_DIGEST_BYTES),
                                     sql_bytes(head->signature, AUDIT_SIGNATURE_BYTES)};

    return tx_exec(tx, &(struct sql_statement){"UPDATE audit_head SET count = $2, time = $3, "
                                               "mac = $4, digest = $5, signature = $6 "
                                               "WHERE tenant_id = $1",
                                               args, 6});
}

enum status audit_store_checkpoint(struct tx *tx, const struct audit_checkpoint *p)
{
    const struct sql_value args[] = {sql_int(tx->tenant_id),
                                     sql_int((int64_t)p->chain.count),
                                     sql_int(p->says),
                                     sql_int(p->time_us),
                                     sql_bytes(p->chain.mac, AUDIT_DIGEST_BYTES),
                                     sql_bytes(p->chain.digest, AUDIT_DIGEST_BYTES),
                                     sql_bytes(p->signature, AUDIT_SIGNATURE_BYTES)};

    return tx_exec(tx, &(struct sql_statement){
                           "INSERT INTO audit_checkpoint(tenant_id, count, says, time, mac, "
                           "digest, signature) VALUES($1, $2, $3, $4, $5, $6, $7)",
                           args, 7});
}

enum status audit_last_checkpoint(struct tx *tx, enum audit_statement says,
                                  struct audit_checkpoint *out)
{
    const struct sql_value args[] = {sql_int(tx->tenant_id), sql_int(says)};

    return audit_read_checkpoint(
        tx,
        &(struct sql_statement){"SELECT " AUDIT_CHECKPOINT_FIELDS
                                " FROM audit_checkpoint WHERE tenant_id = $1 AND says = $2 "
                                "ORDER BY count DESC LIMIT 1",
                                args, 2},
        says, out);
}

/* Signs the new end; a copy of it is kept every so many entries, and once a day. */
static enum status sign_head(struct tx *tx, const struct audit_keys *keys,
                             struct audit_checkpoint *head)
{
    struct audit_checkpoint last;

    head->time_us = call_now_us(tx->call);
    if (!audit_sign(head, keys->signer))
        return call_fail(tx->call, STATUS_INTERNAL, "the signature failed");
    TRY(store_head(tx, head));
    TRY(audit_last_checkpoint(tx, AUDIT_HOLDS, &last));
    if (head->chain.count - last.chain.count < AUDIT_CHECKPOINT_EVERY &&
        head->time_us - last.time_us < (int64_t)DAY_S * 1000000)
        return STATUS_OK;
    return audit_store_checkpoint(tx, head);
}

static enum status place_all(struct tx *tx, const struct audit_keys *keys, const struct waiting *w)
{
    struct audit_checkpoint head;

    TRY(lock_head(tx, &head));
    TRY(trust_head(tx, keys, &head));
    TRY(place_entries(tx, keys, w, &head.chain));
    kill_here(KILL_AUDIT_SEAL);
    return sign_head(tx, keys, &head);
}

static enum status seal_all(struct tx *tx, const struct waiting *w)
{
    struct audit_keys keys;
    enum status s;

    audit_keys_derive(tx->keys, &keys);
    s = place_all(tx, &keys, w);
    seal_wipe(&keys, sizeof keys);
    return s;
}

enum status audit_seal_one(struct tx *tx, struct uuid id, uint64_t *sequence_out)
{
    const struct sql_value args[] = {sql_int(tx->tenant_id), sql_bytes(id.b, sizeof id.b)};
    struct waiting w;

    TRY(read_rows(tx,
                  &(struct sql_statement){"SELECT " RECORD_FIELDS " FROM audit r "
                                          "WHERE r.tenant_id = $1 AND r.id = $2",
                                          args, 2},
                  &w));
    assert(w.n == 1);
    TRY(seal_all(tx, &w));
    *sequence_out = w.entries[0]->sequence;
    return STATUS_OK;
}

enum status tx_audit_seal(struct tx *tx, size_t *n_out)
{
    struct waiting w;

    *n_out = 0;
    TRY(tx_writable(tx));
    TRY(read_waiting(tx, &w));
    if (!w.n)
        return STATUS_OK;
    TRY(seal_all(tx, &w));
    *n_out = w.n;
    return STATUS_OK;
}

void store_watch_audit(struct store *s, void (*fn)(void *arg, int64_t tenant_id), void *arg)
{
    s->audit_added = fn;
    s->audit_arg = arg;
}

enum status tx_audit_waiting(struct tx *tx, int64_t after, int64_t *out)
{
    *out = -1;
    assert(tx->tenant_id == 0);
    return tx_query(
        tx,
        &(struct sql_statement){
            "SELECT k.tenant_id FROM tenant_key k WHERE k.tenant_id > $1 AND EXISTS (SELECT 1 "
            "FROM audit a WHERE a.tenant_id = k.tenant_id AND a.sequence = 9223372036854775807) "
            "ORDER BY k.tenant_id LIMIT 1",
            (struct sql_value[]){sql_int(after)}, 1},
        number_row, out);
}

/* Where the chain may begin: the latest kept checkpoint of before, with a statement that it was
 * trimmed. A forged one is no ground to delete anything. */
static enum status move_front(struct tx *tx, const struct audit_keys *keys, int64_t before_us,
                              struct audit_checkpoint *front)
{
    const struct sql_value args[] = {sql_int(tx->tenant_id), sql_int(before_us),
                                     sql_int((int64_t)front->chain.count)};
    unsigned char public_key[AUDIT_PUBLIC_BYTES];
    struct audit_checkpoint p;

    TRY(audit_read_checkpoint(
        tx,
        &(struct sql_statement){"SELECT " AUDIT_CHECKPOINT_FIELDS
                                " FROM audit_checkpoint WHERE tenant_id = $1 AND says = 0 "
                                "AND time < $2 AND count > $3 ORDER BY count DESC LIMIT 1",
                                args, 3},
        AUDIT_HOLDS, &p));
    if (!audit_public_key(keys->signer, public_key))
        return call_fail(tx->call, STATUS_INTERNAL, "the signature failed");
    if ((front->chain.count && !audit_is_signed(front, public_key)) ||
        (p.chain.count && !audit_is_signed(&p, public_key)))
        return broken(tx);
    if (!p.chain.count)
        return STATUS_OK;
    p.says = AUDIT_TRIMMED;
    p.time_us = call_now_us(tx->call);
    if (!audit_sign(&p, keys->signer))
        return call_fail(tx->call, STATUS_INTERNAL, "the signature failed");
    *front = p;
    return audit_store_checkpoint(tx, front);
}

/* Statements about what is gone have no use but the last one. */
static enum status drop_checkpoints(struct tx *tx, int64_t count)
{
    return tx_exec(tx, &(struct sql_statement){
                           "DELETE FROM audit_checkpoint WHERE tenant_id = $1 "
                           "AND (count < $2 OR (count = $2 AND says = 0))",
                           (struct sql_value[]){sql_int(tx->tenant_id), sql_int(count)}, 2});
}

static enum status drop_entries(struct tx *tx, int64_t count, size_t *n_out)
{
    int64_t first = AUDIT_UNSEALED, last;

    TRY(tx_query(
        tx,
        &(struct sql_statement){"SELECT COALESCE(MIN(sequence), 9223372036854775807) FROM audit "
                                "WHERE tenant_id = $1",
                                (struct sql_value[]){sql_int(tx->tenant_id)}, 1},
        number_row, &first));
    if (first > count)
        return STATUS_OK;
    last = count - first < AUDIT_BATCH_MAX ? count : first + AUDIT_BATCH_MAX - 1;
    *n_out = (size_t)(last - first + 1);
    return tx_exec(tx, &(struct sql_statement){
                           "DELETE FROM audit WHERE tenant_id = $1 AND sequence <= $2",
                           (struct sql_value[]){sql_int(tx->tenant_id), sql_int(last)}, 2});
}

enum status tx_audit_trim(struct tx *tx, int64_t before_us, size_t *n_out)
{
    int64_t latest = call_now_us(tx->call) - (int64_t)AUDIT_RETENTION_DAYS_MIN * DAY_S * 1000000;
    struct audit_checkpoint front;
    struct audit_keys keys;
    enum status s;

    *n_out = 0;
    TRY(tx_writable(tx));
    TRY(audit_last_checkpoint(tx, AUDIT_TRIMMED, &front));
    audit_keys_derive(tx->keys, &keys);
    s = move_front(tx, &keys, before_us < latest ? before_us : latest, &front);
    seal_wipe(&keys, sizeof keys);
    if (s != STATUS_OK || !front.chain.count)
        return s;
    TRY(drop_checkpoints(tx, (int64_t)front.chain.count));
    return drop_entries(tx, (int64_t)front.chain.count, n_out);
}
