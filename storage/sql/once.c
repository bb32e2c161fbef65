/* Answers by request id: one row, written with the change and read when a repetition shows. */
#include "store/once.h"

#include <assert.h>

#include "sql/tx.h"

enum { DIGEST_BYTES = SEAL_DIGEST_BYTES };

static const int64_t hour_us = INT64_C(3600000000);

/* A request as its row knows it; in the call's arena, as statements want their arguments. */
struct key {
    struct uuid request_id;
    unsigned char digest[DIGEST_BYTES]; /* keyed: a dump of the table tells no content */
    struct seal_place place;
};

/* A sealed answer opens for this very request only. */
static struct uuid place_id(const struct tx *tx, const struct key *k, str method)
{
    unsigned char text[DIGEST_BYTES + sizeof(struct uuid) + ONCE_METHOD_BYTES];
    size_t at = DIGEST_BYTES + sizeof k->request_id.b;
    struct uuid id;

    assert(method.p && method.n <= ONCE_METHOD_BYTES);
    memcpy(text, k->digest, DIGEST_BYTES);
    memcpy(text + DIGEST_BYTES, k->request_id.b, sizeof k->request_id.b);
    memcpy(text + at, method.p, method.n);
    seal_digest(&tx->keys->index, "idempotency.place", (str){(char *)text, at + method.n}, id.b,
                sizeof id.b);
    return id;
}

/* NULL: out of memory. */
static const struct key *key_new(struct tx *tx, const struct once *o)
{
    struct key *k = NEW(&tx->call->arena, struct key, 1);

    assert(tx->tenant_id > 0);
    if (!k)
        return NULL;
    k->request_id = o->request_id;
    seal_digest(&tx->keys->index, "idempotency.request", (str){(const char *)o->sha256, 32},
                k->digest, DIGEST_BYTES);
    k->place = (struct seal_place){.table = "idempotency",
                                   .tenant_id = tx->tenant_id,
                                   .id = place_id(tx, k, str_of(o->method))};
    return k;
}

struct found {
    struct call *call;
    bool any;
    str digest, body;
    int64_t expire_us;
};

/* digest, expire_time, body */
static enum status found_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct found *f = arg;

    assert(n == 3);
    f->any = true;
    f->digest = arena_str(&f->call->arena, cols[0].s);
    f->expire_us = cols[1].i;
    f->body = arena_str(&f->call->arena, cols[2].s);
    return f->digest.p && f->body.p ? STATUS_OK : call_nomem(f->call);
}

static enum status drop(struct tx *tx, const struct sql_value args[3])
{
    return tx_exec(tx, &(struct sql_statement){"DELETE FROM idempotency WHERE tenant_id = $1 AND "
                                               "method = $2 AND request_id = $3",
                                               args, 3});
}

static enum status open_answer(struct tx *tx, const struct key *k, str sealed, str *out)
{
    const struct seal_key *key;

    TRY(tx_key_of(tx, tx->tenant_id, sealed, &key));
    if (key && seal_open(tx->call, key, &k->place, sealed, out))
        return STATUS_OK;
    return call_fail_as(tx->call, STATUS_DATA_LOSS, "ANSWER_DAMAGED",
                        "a stored answer fails its authentication");
}

enum status once_find(struct tx *tx, const struct once *o, enum once_found *found_out,
                      str *answer_out)
{
    struct found f = {.call = tx->call};
    const struct key *k = key_new(tx, o);
    struct sql_value args[3];

    *found_out = ONCE_NEW;
    *answer_out = (str){0};
    if (!k)
        return call_nomem(tx->call);
    args[0] = sql_int(tx->tenant_id);
    args[1] = sql_text(str_of(o->method));
    args[2] = sql_bytes(k->request_id.b, sizeof k->request_id.b);
    TRY(tx_query(tx,
                 &(struct sql_statement){"SELECT digest, expire_time, body FROM idempotency WHERE "
                                         "tenant_id = $1 AND method = $2 AND request_id = $3",
                                         args, 3},
                 found_row, &f));
    if (!f.any)
        return STATUS_OK;
    if (f.expire_us <= call_now_us(tx->call))
        return tx->mode == STORE_WRITE ? drop(tx, args) : STATUS_OK;
    if (f.digest.n != DIGEST_BYTES || memcmp(f.digest.p, k->digest, DIGEST_BYTES) != 0)
        *found_out = ONCE_REUSED;
    else
        *found_out = f.body.n ? ONCE_REPEATED : ONCE_ERASED;
    return *found_out == ONCE_REPEATED ? open_answer(tx, k, f.body, answer_out) : STATUS_OK;
}

/* The subject as a row knows it: NULL when there is none. */
static enum status subject_value(struct call *c, str subject, struct sql_value *out)
{
    struct uuid *id = NEW(&c->arena, struct uuid, 1);

    if (!id)
        return call_nomem(c);
    *out = uuid_parse(subject, id) ? sql_bytes(id->b, sizeof id->b) : sql_null();
    return STATUS_OK;
}

enum status once_put(struct tx *tx, const struct once *o, str subject, str answer)
{
    const struct key *k = key_new(tx, o);
    struct sql_value args[7];
    str sealed;

    TRY(tx_writable(tx));
    if (!k)
        return call_nomem(tx->call);
    TRY(seal(tx->call, tenant_keys_current(tx->keys), &k->place, answer, &sealed));
    TRY(subject_value(tx->call, subject, &args[5]));
    args[0] = sql_int(tx->tenant_id);
    args[1] = sql_text(str_of(o->method));
    args[2] = sql_bytes(k->request_id.b, sizeof k->request_id.b);
    args[3] = sql_bytes(k->digest, DIGEST_BYTES);
    args[4] = sql_int(call_now_us(tx->call) + ONCE_HOURS * hour_us);
    args[6] = sql_bytes(sealed.p, sealed.n);
    return tx_exec(tx, &(struct sql_statement){
                           "INSERT INTO idempotency(tenant_id, method, request_id, digest, "
                           "expire_time, subject, body) VALUES($1, $2, $3, $4, $5, $6, $7)",
                           args, 7});
}

enum status once_erase(struct tx *tx, str subject)
{
    struct sql_value args[2] = {sql_int(tx->tenant_id)};

    TRY(tx_writable(tx));
    TRY(subject_value(tx->call, subject, &args[1]));
    if (args[1].type == SQL_NULL)
        return STATUS_OK;
    return tx_exec(tx, &(struct sql_statement){"UPDATE idempotency SET body = '', subject = NULL "
                                               "WHERE tenant_id = $1 AND subject = $2",
                                               args, 2});
}

static enum status count_row(void *arg, const struct sql_value *cols, size_t n)
{
    (void)cols;
    (void)n;
    ++*(size_t *)arg;
    return STATUS_OK;
}

enum status once_expire(struct tx *tx, size_t limit, size_t *n_out)
{
    static const char all[] =
        "DELETE FROM idempotency WHERE (tenant_id, method, request_id) IN (SELECT tenant_id, "
        "method, request_id FROM idempotency WHERE expire_time <= $1 "
        "ORDER BY expire_time LIMIT $2) RETURNING 1",
                      own[] = "DELETE FROM idempotency WHERE (tenant_id, method, request_id) IN "
                              "(SELECT tenant_id, method, request_id FROM idempotency WHERE "
                              "expire_time <= $1 AND tenant_id = $3 "
                              "ORDER BY expire_time LIMIT $2) RETURNING 1";
    const struct sql_value args[] = {sql_int(call_now_us(tx->call)), sql_int((int64_t)limit),
                                     sql_int(tx->tenant_id)};

    assert(limit > 0 && limit <= ONCE_EXPIRE_MAX);
    *n_out = 0;
    TRY(tx_writable(tx));
    return tx_query(tx,
                    &(struct sql_statement){tx->tenant_id ? own : all, args, tx->tenant_id ? 3 : 2},
                    count_row, n_out);
}
