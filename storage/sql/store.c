/* Units of work: keys at hand, a transaction around the function, and the decision to try again. */
#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "base/wait.h"
#include "sql/data_keys.h"
#include "sql/master_ring.h"
#include "sql/tx.h"
#include "store/key.h"

enum {
    RETRIES_MAX = 1000, /* the deadline comes first; this bounds a clock that stands still */
    RETRY_FIRST_MS = 2,
    RETRY_MOST_MS = 500,
    PATIENCE_S = 10, /* of a call without a deadline */
};

enum retry { NEVER, ONCE, AGAIN };

static const enum retry retries[SQL_ERRORS] = {
#define X(name, status, reason, retry, text) [SQL_ERROR_##name] = (retry),
    SQL_ERROR_LIST(X)
#undef X
};

struct run {
    struct store *store;
    struct tenant_keys *keys;
    bool keys_are_new; /* read for this run: what is not among them does not exist */
    enum store_mode mode;
    int64_t tenant_id;
    store_unit_fn fn;
    void *arg;
    unsigned long seals; /* made by all, counted in the database if this run commits */
    int64_t job_due_us;  /* out: as in struct tx, of the run that counts */
    bool has_entries;    /* out: likewise */
};

struct call *tx_call(struct tx *tx)
{
    return tx->call;
}

enum status tx_writable(struct tx *tx)
{
    if (store_mode_writes(tx->mode))
        return STATUS_OK;
    return call_fail(tx->call, STATUS_INTERNAL, "a read unit tried to write");
}

const struct record_info *tx_kind(struct tx *tx, enum record_kind kind)
{
    const struct record_info *info = record_info(kind);

    assert((info->scope == SCOPE_SYSTEM) == (tx->tenant_id == 0));
    return info;
}

enum status tx_flush(struct tx *tx)
{
    for (int i = RECORD_NONE + 1; i < RECORD_KINDS; i++)
        TRY(batch_flush(tx->batches[i], tx->conn, tx->call));
    TRY(batch_flush(tx->words, tx->conn, tx->call));
    return batch_flush(tx->events, tx->conn, tx->call);
}

enum status tx_exec(struct tx *tx, const struct sql_statement *s)
{
    TRY(tx_enter(tx));
    TRY(tx_flush(tx));
    return sql_exec(tx->conn, tx->call, s);
}

enum status tx_query(struct tx *tx, const struct sql_statement *s, sql_row_fn row, void *arg)
{
    TRY(tx_enter(tx));
    TRY(tx_flush(tx));
    if (tx->mode == STORE_READ_ONE && tx->has_read)
        return call_fail(tx->call, STATUS_INTERNAL, "a unit of one statement ran a second");
    tx->has_read = true;
    return sql_query(tx->conn, tx->call, s, row, arg);
}

/* Of a run that did not commit: they are to be counted still. */
static void seals_put_back(struct run *r)
{
    atomic_fetch_add(&r->keys->seals, r->seals);
    r->seals = 0;
}

static enum status run_tx(struct call *c, struct sql_conn *conn, void *arg)
{
    struct run *r = arg;
    struct tx tx = {.call = c,
                    .conn = conn,
                    .store = r->store,
                    .keys = r->keys,
                    .keys_are_new = r->keys_are_new,
                    .tenant_id = r->tenant_id,
                    .mode = r->mode,
                    .active = &tx};
    enum status s;

    seals_put_back(r);
    s = r->fn(c, &tx, r->arg);
    if (s == STATUS_OK)
        s = audit_flush(&tx);
    if (s == STATUS_OK && r->mode == STORE_WRITE)
        s = key_seals_count(&tx, KEY_SEALS_STEP, &r->seals);
    if (s == STATUS_OK) {
        r->job_due_us = tx.job_due_us;
        r->has_entries = tx.has_entries;
        s = tx_flush(tx.active);
    }
    tx_keys_release(&tx);
    return s;
}

/* Sleeps between attempts: exponential with full jitter, within the deadline. */
static enum status back_off(struct call *c, int attempt, int64_t give_up_ns)
{
    int64_t most_ms = (int64_t)RETRY_FIRST_MS << (attempt < 8 ? attempt : 8), now, wait_ns;
    uint64_t random;

    if (most_ms > RETRY_MOST_MS)
        most_ms = RETRY_MOST_MS;
    c->clock->random(c->clock, &random, sizeof random);
    wait_ns = (int64_t)(random % (uint64_t)(most_ms * 1000000)) + 100000;
    now = call_monotonic_ns(c);
    if (wait_ns > give_up_ns - now)
        wait_ns = give_up_ns - now;
    if (wait_ns > 0)
        wait_begins();
    nanosleep(&(struct timespec){wait_ns / 1000000000, wait_ns % 1000000000}, NULL);
    wait_ends();
    return call_check(c);
}

static bool may_retry(const struct sql_unit *u, int attempt, const struct call *c,
                      int64_t give_up_ns)
{
    switch (retries[u->error]) {
    case NEVER: return false;
    case ONCE: return attempt == 0;
    case AGAIN: return attempt < RETRIES_MAX && call_monotonic_ns(c) < give_up_ns;
    }
    return false;
}

/* Runs the unit until it commits, refuses, or must not be tried again. The last failure stays in c.
 */
static enum status run_unit(struct store *s, struct call *c, struct sql_unit *u)
{
    int64_t give_up_ns =
        c->deadline_ns ? c->deadline_ns : call_monotonic_ns(c) + (int64_t)PATIENCE_S * 1000000000;

    for (int attempt = 0;; attempt++) {
        enum status r;

        TRY(call_check(c));
        u->error = SQL_ERROR_NONE;
        u->taken = COLUMN_NONE;
        r = s->driver->ops->run(s->driver, c, u);
        if (r == STATUS_OK || u->error == SQL_ERROR_NONE || !may_retry(u, attempt, c, give_up_ns))
            return r;
        call_clear(c);
        if (retries[u->error] == AGAIN)
            TRY(back_off(c, attempt, give_up_ns));
    }
}

struct key_unit {
    struct store *store;
    int64_t tenant_id;
    struct tenant_keys *keys;
};

static enum status load_keys(struct call *c, struct sql_conn *conn, void *arg)
{
    struct key_unit *u = arg;

    tenant_keys_put(u->keys); /* of a run that could not commit */
    return keyring_load(u->store->keyring, c, conn, u->tenant_id, &u->keys);
}

static enum status create_keys(struct call *c, struct sql_conn *conn, void *arg)
{
    struct key_unit *u = arg;

    TRY(load_keys(c, conn, arg));
    return u->keys ? STATUS_OK : keyring_create(u->store->keyring, c, conn, u->tenant_id);
}

static enum status refresh_masters(struct call *c, struct sql_conn *conn, void *arg)
{
    struct store *s = arg;

    return master_ring_refresh(keyring_masters(s->keyring), c, conn);
}

enum status store_keys_refresh(struct store *s, struct call *c)
{
    struct sql_unit u = {.mode = STORE_READ, .fn = refresh_masters, .arg = s};

    return master_ring_is_stale(keyring_masters(s->keyring)) ? run_unit(s, c, &u) : STATUS_OK;
}

/* The tenant's keys as the database has them now; made when a tenant comes for the first time. A
 * key may be wrapped by a master key that came since the file was read. */
static enum status read_keys(struct store *s, struct call *c, struct key_unit *u)
{
    struct sql_unit
        load = {.mode = STORE_READ, .tenant_id = u->tenant_id, .fn = load_keys, .arg = u},
        create = {.mode = STORE_WRITE, .tenant_id = u->tenant_id, .fn = create_keys, .arg = u};

    TRY(store_keys_refresh(s, c));
    TRY(run_unit(s, c, &load));
    if (!u->keys) {
        TRY(run_unit(s, c, &create));
        TRY(run_unit(s, c, &load));
    }
    return u->keys ? STATUS_OK
                   : call_fail(c, STATUS_INTERNAL, "the keys of a tenant were not stored");
}

enum status store_keys_take(struct store *s, struct call *c, int64_t tenant_id,
                            struct tenant_keys **out)
{
    struct key_unit u = {.store = s, .tenant_id = tenant_id};
    enum status r;

    if ((*out = keyring_take(s->keyring, c, tenant_id)) != NULL)
        return STATUS_OK;
    r = read_keys(s, c, &u);
    if (r != STATUS_OK) {
        tenant_keys_put(u.keys);
        return r;
    }
    *out = u.keys;
    return STATUS_OK;
}

void store_keys_forget(struct store *s, int64_t tenant_id)
{
    keyring_forget(s->keyring, tenant_id);
}

/* Says which unique column is taken: callers look at fault.details for `column`. */
static void name_taken(struct call *c, const struct sql_unit *u)
{
    if (u->error != SQL_ERROR_UNIQUE || u->taken == COLUMN_NONE)
        return;
    call_detail(c, FAULT_METADATA, NULL, STR("kind"), "%s",
                record_info(column_info(u->taken)->kind)->table);
    call_detail(c, FAULT_METADATA, NULL, STR("column"), "%s", column_info(u->taken)->name);
}

/* Those who watch, of what was committed. */
static void tell(const struct store *s, const struct run *r)
{
    if (r->job_due_us && s->jobs_put)
        s->jobs_put(s->jobs_arg, r->job_due_us);
    if (r->has_entries && s->audit_added)
        s->audit_added(s->audit_arg, r->tenant_id);
}

static enum status run(struct store *s, struct call *c, struct run *r)
{
    struct sql_unit u = {.mode = r->mode, .tenant_id = r->tenant_id, .fn = run_tx, .arg = r};
    enum status status;

    assert(r->fn);
    assert(c->fault.status == STATUS_OK);
    r->store = s;
    TRY(store_keys_take(s, c, r->tenant_id, &r->keys));
    status = run_unit(s, c, &u);
    if (u.error == SQL_ERROR_KEYS) { /* another server has started a key since ours were read */
        call_clear(c);
        seals_put_back(r);
        tenant_keys_put(r->keys);
        r->keys = NULL;
        r->keys_are_new = true;
        keyring_forget(s->keyring, r->tenant_id);
        keyring_forget(s->keyring, 0); /* also seen by a tenant's unit: store/service.h */
        TRY(store_keys_take(s, c, r->tenant_id, &r->keys));
        status = run_unit(s, c, &u);
    }
    if (status != STATUS_OK)
        seals_put_back(r);
    tenant_keys_put(r->keys);
    if (status != STATUS_OK)
        name_taken(c, &u);
    else
        tell(s, r);
    return status;
}

enum status store_run(struct store *s, struct call *c, enum store_mode mode, store_unit_fn fn,
                      void *arg)
{
    if (c->principal.tenant_id <= 0)
        return call_fail(c, STATUS_INTERNAL, "a unit of work without a tenant");
    return run(
        s, c,
        &(struct run){.mode = mode, .tenant_id = c->principal.tenant_id, .fn = fn, .arg = arg});
}

enum status store_run_system(struct store *s, struct call *c, enum store_mode mode,
                             store_unit_fn fn, void *arg)
{
    return run(s, c, &(struct run){.mode = mode, .fn = fn, .arg = arg});
}

static enum status nothing(struct call *c, struct tx *tx, void *arg)
{
    (void)arg;
    (void)c;
    return tx_query(tx, &(struct sql_statement){"SELECT 1 WHERE 1 = 0", NULL, 0}, NULL, NULL);
}

enum status store_check(struct store *s, struct call *c)
{
    return store_run_system(s, c, STORE_READ, nothing, NULL);
}

void store_close(struct store *s)
{
    if (!s)
        return;
    if (s->driver)
        s->driver->ops->close(s->driver);
    keyring_close(s->keyring);
    statements_free(s->statements);
    free(s);
}

enum status sql_store_open(struct call *c, struct sql_driver *driver,
                           const struct sql_options *options, struct store **out)
{
    struct store *s = calloc(1, sizeof *s);
    struct tenant_keys *keys;
    enum status r;

    *out = NULL;
    if (!s) {
        driver->ops->close(driver);
        return call_nomem(c);
    }
    s->driver = driver;
    s->is_bare = options->is_bare;
    s->statements = statements_new(driver->ops->batch_rows);
    r = s->statements ? keyring_open(c, options, &s->keyring) : call_nomem(c);
    if (r == STATUS_OK)
        r = sql_schema_check(c, driver);
    if (r == STATUS_OK)
        r = store_keys_take(s, c, 0,
                            &keys); /* a wrong master key shows here, not at the first request */
    if (r != STATUS_OK) {
        store_close(s);
        return r;
    }
    tenant_keys_put(keys);
    *out = s;
    return STATUS_OK;
}
