/*
 * Verification. Rows are taken as an attacker may have left them: what does not open, does not fit
 * or is not there is a finding, not a failure.
 */
#include <assert.h>

#include "sql/audit.h"
#include "sql/columns.h"

static enum status number_row(void *arg, const struct sql_value *cols, size_t n)
{
    assert(n == 1);
    *(uint64_t *)arg = (uint64_t)cols[0].i;
    return STATUS_OK;
}

static enum status count_rows(struct tx *tx, const char *text, uint64_t than, uint64_t *out)
{
    const struct sql_value args[] = {sql_int(tx->tenant_id), sql_int((int64_t)than)};

    *out = 0;
    return tx_query(tx, &(struct sql_statement){text, args, 2}, number_row, out);
}

/* One that exists must be signed. */
static void trust(const struct audit_checkpoint *p, struct audit_state *out)
{
    if (out->problem || !p->chain.count || audit_is_signed(p, out->public_key))
        return;
    out->problem = AUDIT_PROBLEM_BAD_SIGNATURE;
    out->problem_count = p->chain.count;
}

enum status tx_audit_state(struct tx *tx, struct audit_state *out)
{
    struct audit_checkpoint last;
    struct audit_keys keys;
    bool ok;

    *out = (struct audit_state){0};
    audit_keys_derive(tx->keys, &keys);
    ok = audit_public_key(keys.signer, out->public_key);
    seal_wipe(&keys, sizeof keys);
    if (!ok)
        return call_fail(tx->call, STATUS_INTERNAL, "the public key cannot be derived");
    TRY(audit_read_head(tx, &out->head));
    TRY(audit_last_checkpoint(tx, AUDIT_TRIMMED, &out->trimmed));
    TRY(audit_last_checkpoint(tx, AUDIT_HOLDS, &last));
    trust(&out->head, out);
    trust(&out->trimmed, out);
    trust(&last, out);
    out->longest = out->head.chain.count;
    if (!out->problem && last.chain.count > out->longest)
        out->longest = last.chain.count;
    if (!out->problem && out->trimmed.chain.count > out->longest)
        out->longest = out->trimmed.chain.count;
    TRY(count_rows(tx,
                   "SELECT COUNT(*) FROM audit WHERE tenant_id = $1 "
                   "AND sequence = 9223372036854775807 AND $2 >= 0",
                   0, &out->unsealed));
    return count_rows(tx,
                      "SELECT COUNT(*) FROM audit WHERE tenant_id = $1 AND sequence > $2 "
                      "AND sequence < 9223372036854775807",
                      out->longest, &out->beyond);
}

static void push_end(struct audit_walk *w, const struct audit_chain *end)
{
    if (end->count)
        w->ends[w->n_ends++] = *end;
}

enum status tx_audit_walk(struct tx *tx, const struct audit_state *state, uint64_t from,
                          uint64_t to, struct audit_walk *out)
{
    const struct sql_value args[] = {sql_int(tx->tenant_id), sql_int((int64_t)from),
                                     sql_int((int64_t)state->trimmed.chain.count)};
    struct audit_checkpoint near;

    assert(!state->problem && from <= INT64_MAX && to <= INT64_MAX);
    *out = (struct audit_walk){.at = state->trimmed.chain, .until = state->longest};
    if (to && to < out->until)
        out->until = to;
    push_end(out, &state->head.chain);
    TRY(audit_read_checkpoint(
        tx,
        &(struct sql_statement){"SELECT " AUDIT_CHECKPOINT_FIELDS
                                " FROM audit_checkpoint WHERE tenant_id = $1 AND says = 0 "
                                "AND count < $2 AND count > $3 ORDER BY count DESC LIMIT 1",
                                args, 3},
        AUDIT_HOLDS, &near));
    if (near.chain.count && audit_is_signed(&near, state->public_key))
        out->at = near.chain;
    if (out->until < out->at.count)
        out->until = out->at.count;
    return STATUS_OK;
}

/* A row as found. */
struct found {
    int64_t sequence;
    AuditEntry *entry; /* NULL: its body does not open, or its columns contradict it */
    str mac;
};

struct batch_read {
    struct record_row row;
    struct found *list; /* [n <= AUDIT_BATCH_MAX] */
    size_t n;
    struct audit_checkpoint *kept; /* [n_kept <= AUDIT_BATCH_MAX] */
    size_t n_kept;
};

enum { FOUND_SEQUENCE = RECORD_FIELDS_N, FOUND_MAC, FOUND_COLUMNS, FOUND_N = FOUND_COLUMNS + 6 };

static bool same_value(const struct sql_value *a, const struct sql_value *b)
{
    if (a->type == SQL_NULL || b->type == SQL_NULL)
        return a->type == b->type;
    return a->type == SQL_INT ? b->type == SQL_INT && a->i == b->i : str_eq(a->s, b->s);
}

/* The columns beside a body say the same as the body: lists would lie otherwise. */
static bool columns_fit(struct tx *tx, const AuditEntry *e, const struct sql_value *cols)
{
    struct sql_value want[SQL_COLUMNS_MAX];
    bool ok = true, fits = true;
    size_t n = columns_read(tx, record_info(RECORD_AUDIT), &e->base, want, &ok);

    assert(n == 1 + FOUND_N - FOUND_COLUMNS);
    for (size_t i = 1; i < n; i++) /* the first is the sequence */
        fits = fits && same_value(&want[i], &cols[FOUND_COLUMNS + i - 1]);
    return ok && fits;
}

static enum status found_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct batch_read *b = arg;
    struct tx *tx = b->row.tx;
    struct found *f = &b->list[b->n];
    enum status s = record_read(&b->row, cols);

    assert(n == FOUND_N && b->n < AUDIT_BATCH_MAX);
    if (s != STATUS_OK && s != STATUS_DATA_LOSS)
        return s;
    if (s != STATUS_OK)
        call_clear(tx->call);
    *f = (struct found){.sequence = cols[FOUND_SEQUENCE].i,
                        .entry = (AuditEntry *)b->row.message,
                        .mac = arena_str(&tx->call->arena, cols[FOUND_MAC].s)};
    if (f->entry && !columns_fit(tx, f->entry, cols))
        f->entry = NULL;
    b->n++;
    return f->mac.p || !cols[FOUND_MAC].s.n ? STATUS_OK : call_nomem(tx->call);
}

static enum status kept_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct batch_read *b = arg;

    assert(n == 5 && b->n_kept < AUDIT_BATCH_MAX);
    (void)audit_checkpoint_of(cols, AUDIT_HOLDS, &b->kept[b->n_kept++]);
    return STATUS_OK;
}

static enum status read_batch(struct tx *tx, const struct audit_walk *w, struct batch_read *b)
{
    const struct sql_value args[] = {sql_int(tx->tenant_id), sql_int((int64_t)w->at.count),
                                     sql_int((int64_t)w->until)};
    struct arena *a = &tx->call->arena;

    *b = (struct batch_read){.row = {.tx = tx, .info = record_info(RECORD_AUDIT)},
                             .list = NEW(a, struct found, AUDIT_BATCH_MAX),
                             .kept = NEW(a, struct audit_checkpoint, AUDIT_BATCH_MAX)};
    if (!b->list || !b->kept)
        return call_nomem(tx->call);
    TRY(tx_query(tx,
                 &(struct sql_statement){
                     "SELECT " RECORD_FIELDS ", r.sequence, r.mac, r.time, r.actor_id, r.action, "
                     "r.record_kind, r.record_id, r.code FROM audit r WHERE r.tenant_id = $1 "
                     "AND r.sequence > $2 AND r.sequence <= $3 ORDER BY r.sequence LIMIT 500",
                     args, 3},
                 found_row, b));
    return tx_query(tx,
                    &(struct sql_statement){"SELECT " AUDIT_CHECKPOINT_FIELDS
                                            " FROM audit_checkpoint WHERE tenant_id = $1 "
                                            "AND says = 0 AND count > $2 AND count <= $3 "
                                            "ORDER BY count LIMIT 500",
                                            args, 3},
                    kept_row, b);
}

static void report(struct audit_walk *w, AuditProblem problem, uint64_t sequence)
{
    if (w->problem)
        return;
    w->problem = problem;
    w->problem_sequence = sequence;
}

/* The MAC that this entry has as the next one. */
static void mac_of(const struct audit_walk *w, const struct audit_keys *keys, AuditEntry *e,
                   unsigned char digest[AUDIT_DIGEST_BYTES], unsigned char mac[AUDIT_DIGEST_BYTES])
{
    e->sequence = w->at.count + 1;
    audit_entry_digest(e, digest);
    audit_chain_mac(&w->at, keys->chain, digest, mac);
}

static bool is_mac(str stored, const unsigned char mac[AUDIT_DIGEST_BYTES])
{
    return stored.n == AUDIT_DIGEST_BYTES && audit_same((const unsigned char *)stored.p, mac);
}

/* Row i is not what belongs here: does another row of the batch? Then somebody changed the order.
 */
static bool is_elsewhere(const struct audit_walk *w, const struct audit_keys *keys,
                         const struct batch_read *b, size_t i)
{
    unsigned char digest[AUDIT_DIGEST_BYTES], mac[AUDIT_DIGEST_BYTES];

    for (size_t j = 0; j < b->n; j++) {
        if (j == i || !b->list[j].entry)
            continue;
        mac_of(w, keys, b->list[j].entry, digest, mac);
        if (is_mac(b->list[j].mac, mac) || (i < b->n && is_mac(b->list[i].mac, mac)))
            return true;
    }
    return false;
}

/* Goes over row i, if it is the one that belongs here. */
static void check_row(struct audit_walk *w, const struct audit_keys *keys,
                      const struct batch_read *b, size_t i)
{
    unsigned char digest[AUDIT_DIGEST_BYTES], mac[AUDIT_DIGEST_BYTES];
    const struct found *f = &b->list[i];
    uint64_t want = w->at.count + 1;

    if ((uint64_t)f->sequence != want) {
        report(w, is_elsewhere(w, keys, b, b->n) ? AUDIT_PROBLEM_REORDERED : AUDIT_PROBLEM_MISSING,
               want);
        return;
    }
    if (f->entry)
        mac_of(w, keys, f->entry, digest, mac);
    if (f->entry && is_mac(f->mac, mac))
        audit_chain_step(&w->at, digest, mac);
    else
        report(w, is_elsewhere(w, keys, b, i) ? AUDIT_PROBLEM_REORDERED : AUDIT_PROBLEM_ALTERED,
               want);
}

static bool same_chain(const struct audit_chain *a, const struct audit_chain *b)
{
    return audit_same(a->mac, b->mac) && audit_same(a->digest, b->digest);
}

/* Holds the place reached against all that was signed about it. */
static void check_ends(struct audit_walk *w, const unsigned char *public_key,
                       const struct batch_read *b)
{
    for (size_t i = 0; i < w->n_ends; i++)
        if (w->ends[i].count == w->at.count && !same_chain(&w->ends[i], &w->at))
            report(w, AUDIT_PROBLEM_ALTERED, w->at.count);
    for (size_t i = 0; i < b->n_kept; i++) {
        if (b->kept[i].chain.count != w->at.count)
            continue;
        if (!audit_is_signed(&b->kept[i], public_key))
            report(w, AUDIT_PROBLEM_BAD_SIGNATURE, w->at.count);
        else if (!same_chain(&b->kept[i].chain, &w->at))
            report(w, AUDIT_PROBLEM_ALTERED, w->at.count);
    }
}

enum status tx_audit_check(struct tx *tx, struct audit_walk *w)
{
    unsigned char public_key[AUDIT_PUBLIC_BYTES];
    struct audit_keys keys;
    struct batch_read b;

    assert(!w->problem && w->at.count < w->until);
    TRY(read_batch(tx, w, &b));
    audit_keys_derive(tx->keys, &keys);
    if (!audit_public_key(keys.signer, public_key))
        return call_fail(tx->call, STATUS_INTERNAL, "the public key cannot be derived");
    for (size_t i = 0; i < b.n && !w->problem; i++) {
        check_row(w, &keys, &b, i);
        if (!w->problem)
            check_ends(w, public_key, &b);
    }
    seal_wipe(&keys, sizeof keys);
    if (b.n < AUDIT_BATCH_MAX && w->at.count < w->until)
        report(w, AUDIT_PROBLEM_TRUNCATED, w->at.count + 1);
    return STATUS_OK;
}
