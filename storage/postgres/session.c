/*
 * Commands are queued in libpq's buffer with a note of each in a ring; a sync point flushes them
 * and the results are read back in the same order. After an error the server skips to the sync
 * point, so one failed statement fails all behind it, COMMIT included.
 */
#include "postgres/session.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/kill_point.h"
#include "base/wait.h"
#include "postgres/result.h"

enum {
    GRACE_MS = 2000,      /* past the deadline: the server's own timeout should have answered */
    STATEMENT_MS = 30000, /* statement timeout of a call without a deadline */
};

static struct session *self(struct sql_conn *conn)
{
    return (struct session *)conn;
}

static enum status lost(struct session *s, struct call *c)
{
    s->dead = true;
    return sql_fail(c, &s->base, SQL_ERROR_CONNECTION, NULL);
}

/* Milliseconds that a wait for the socket may last. */
static int patience_ms(const struct call *c)
{
    return (int)(call_left_ns(c, (int64_t)STATEMENT_MS * 1000000) / 1000000) + GRACE_MS;
}

static void note(struct session *s, enum pending_kind kind, struct prepared *p)
{
    assert(s->n_pending < PENDING_MAX);
    s->pending[(s->first + s->n_pending++) % PENDING_MAX] = (struct pending){kind, p};
}

/* Waits until the socket can be read, writing what is queued meanwhile. */
static enum status pump(struct session *s, struct call *c)
{
    int left = PQflush(s->pg);
    struct pollfd fd = {.fd = PQsocket(s->pg),
                        .events = (short)(POLLIN | (left > 0 ? POLLOUT : 0))};
    int ready = -1;

    if (left >= 0) {
        wait_begins();
        ready = poll(&fd, 1, patience_ms(c));
        wait_ends();
    }

    if (ready == 0) {
        s->dead = true;
        return sql_fail(c, &s->base, SQL_ERROR_TIMEOUT, NULL);
    }
    if (ready < 0 || !PQconsumeInput(s->pg))
        return lost(s, c);
    return STATUS_OK;
}

/* The next result; *out NULL ends those of one command. */
static enum status next_result(struct session *s, struct call *c, PGresult **out)
{
    *out = NULL;
    while (PQisBusy(s->pg))
        TRY(pump(s, c));
    *out = PQgetResult(s->pg);
    return STATUS_OK;
}

/* What a row function is called for; row NULL: nobody wants rows. */
struct sink {
    sql_row_fn row;
    void *arg;
};

static enum status take_error(struct session *s, struct call *c, const PGresult *r)
{
    enum sql_error error = result_error(r, &s->base.taken);

    if (error == SQL_ERROR_CONNECTION)
        s->dead = true;
    return sql_fail(c, &s->base, error,
                    error == SQL_ERROR_SCHEMA ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY)
                                              : NULL);
}

static enum status take_result(struct session *s, struct call *c, const struct pending *p,
                               const PGresult *r, const struct sink *sink)
{
    bool ok = PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK;

    if (p->kind == PENDING_PREPARE)
        p->prepared->state = ok ? PREPARED_READY : PREPARED_NOT;
    if (PQresultStatus(r) == PGRES_PIPELINE_ABORTED)
        return sql_fail(c, &s->base, SQL_ERROR_SCHEMA, "skipped");
    if (!ok)
        return take_error(s, c, r);
    if (p->kind == PENDING_COMMIT) { /* the server answers ROLLBACK to the COMMIT of a failed one */
        s->committed = str_eq(str_of(PQcmdStatus((PGresult *)r)), STR("COMMIT"));
        if (!s->committed)
            return sql_fail(c, &s->base, SQL_ERROR_SERIALIZE, NULL);
    }
    return p->kind == PENDING_QUERY && sink->row ? result_rows(r, sink->row, sink->arg) : STATUS_OK;
}

/* Reads all results of one command. The first failure is returned; the rest is read all the same.
 */
static enum status take_command(struct session *s, struct call *c, const struct pending *p,
                                const struct sink *sink)
{
    enum status first = STATUS_OK, got;
    PGresult *r;

    for (;;) {
        got = next_result(s, c, &r);
        if (got != STATUS_OK)
            return got;
        if (!r)
            return first;
        if (first == STATUS_OK)
            first = take_result(s, c, p, r, sink);
        if (PQresultStatus(r) == PGRES_PIPELINE_SYNC || PQstatus(s->pg) == CONNECTION_BAD) {
            PQclear(r);
            return p->kind == PENDING_SYNC ? STATUS_OK : lost(s, c);
        }
        PQclear(r);
    }
}

static enum status take_sync(struct session *s, struct call *c)
{
    PGresult *r;
    bool ok;

    TRY(next_result(s, c, &r));
    ok = r && PQresultStatus(r) == PGRES_PIPELINE_SYNC;
    PQclear(r);
    return ok ? STATUS_OK : lost(s, c);
}

/* Reads the results of everything sent. */
static enum status drain(struct session *s, struct call *c, const struct sink *sink)
{
    enum status first = STATUS_OK;

    while (s->n_pending && !s->dead) {
        struct pending p = s->pending[s->first];
        enum status got;

        s->first = (s->first + 1) % PENDING_MAX;
        s->n_pending--;
        got = p.kind == PENDING_SYNC ? take_sync(s, c) : take_command(s, c, &p, sink);
        if (first == STATUS_OK)
            first = got;
    }
    return first;
}

static enum status sync_and_drain(struct session *s, struct call *c, const struct sink *sink)
{
    if (!PQpipelineSync(s->pg))
        return lost(s, c);
    note(s, PENDING_SYNC, NULL);
    return drain(s, c, sink);
}

static void name_of(const struct prepared *p, char out[24])
{
    snprintf(out, 24, "s%llu", (unsigned long long)p->name);
}

/* The entry for a text: the one that has it, or the one used longest ago, emptied. */
static struct prepared *lookup(struct session *s, const char *text)
{
    str t = str_of(text);
    uint64_t h = sql_hash(t);
    struct prepared *set = s->cache[h % PREPARED_SETS], *oldest = set;

    for (size_t i = 0; i < PREPARED_WAYS; i++) {
        if (set[i].text && set[i].hash == h && str_eq(str_of(set[i].text), t))
            return &set[i];
        if (set[i].used < oldest->used)
            oldest = &set[i];
    }
    if (oldest->state != PREPARED_NOT) {
        char command[40], name[24];

        name_of(oldest, name);
        snprintf(command, sizeof command, "DEALLOCATE %s", name);
        if (!PQsendQueryParams(s->pg, command, 0, NULL, NULL, NULL, NULL, 1))
            return NULL;
        note(s, PENDING_COMMAND, NULL);
    }
    free((char *)oldest->text);
    *oldest = (struct prepared){.text = strdup(text), .hash = h};
    return oldest->text ? oldest : NULL;
}

/* Queues one command, preparing its statement first if need be. */
static enum status send(struct session *s, struct call *c, const struct sql_statement *q,
                        enum pending_kind kind)
{
    struct params params;
    struct prepared *p;
    char name[24];

    if (s->n_pending + 8 > PENDING_MAX) /* room for what one command may note */
        TRY(sync_and_drain(s, c, &(struct sink){NULL, NULL}));
    if (!params_fill(&params, &c->arena, q))
        return call_nomem(c);
    if ((p = lookup(s, q->text)) == NULL)
        return lost(s, c);
    p->used = ++s->tick;
    if (p->state == PREPARED_NOT) {
        p->name = s->tick;
        name_of(p, name);
        if (!PQsendPrepare(s->pg, name, q->text, (int)q->n_args, params.types))
            return lost(s, c);
        note(s, PENDING_PREPARE, p);
        p->state = PREPARED_SENT;
    }
    name_of(p, name);
    if (!PQsendQueryPrepared(s->pg, name, (int)q->n_args, params.values, params.lengths,
                             params.formats, 1))
        return lost(s, c);
    note(s, kind, NULL);
    return STATUS_OK;
}

/* BEGIN must be the first that the server sees of a transaction. To prepare it may take the place
 * of another statement; that DEALLOCATE is a query, so a sync point ends its transaction first. */
static enum status send_begin(struct session *s, struct call *c, const char *text)
{
    size_t before = s->n_pending;

    if (!lookup(s, text))
        return lost(s, c);
    if (s->n_pending != before) {
        if (!PQpipelineSync(s->pg))
            return lost(s, c);
        note(s, PENDING_SYNC, NULL);
    }
    return send(s, c, &(struct sql_statement){text, NULL, 0}, PENDING_COMMAND);
}

/* What a transaction is opened with; it travels with the first statement. One statement needs no
 * BEGIN: all between two sync points is one transaction, which the settings end with, too. */
static enum status open_transaction(struct session *s, struct call *c)
{
    static const char *const begin[] = {
        [STORE_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        [STORE_READ_ONE] = NULL,
        [STORE_WRITE] = "BEGIN ISOLATION LEVEL REPEATABLE READ",
        [STORE_TAKE] = "BEGIN ISOLATION LEVEL READ COMMITTED",
    };
    static const char config[] = "SELECT set_config('app.tenant', $1, true), "
                                 "set_config('statement_timeout', $2, true)";
    int64_t ms = call_left_ns(c, (int64_t)STATEMENT_MS * 1000000) / 1000000;
    char tenant[24], timeout[24];

    s->opened = true;
    snprintf(tenant, sizeof tenant, "%lld", (long long)s->tenant_id);
    snprintf(timeout, sizeof timeout, "%lld", (long long)(ms > 0 ? ms : 1));
    if (begin[s->mode])
        TRY(send_begin(s, c, begin[s->mode]));
    return send(
        s, c,
        &(struct sql_statement){
            config, (struct sql_value[]){sql_text(str_of(tenant)), sql_text(str_of(timeout))}, 2},
        PENDING_COMMAND);
}

/* Every statement of a unit comes by here. */
static enum status before_statement(struct session *s, struct call *c)
{
    assert(!s->opened || s->mode != STORE_READ_ONE);
    return s->opened ? STATUS_OK : open_transaction(s, c);
}

static enum status exec(struct sql_conn *base, struct call *c, const struct sql_statement *q)
{
    self(base)->wrote = true;
    TRY(before_statement(self(base), c));
    return send(self(base), c, q, PENDING_COMMAND);
}

static enum status query(struct sql_conn *base, struct call *c, const struct sql_statement *q,
                         sql_row_fn row, void *arg)
{
    struct session *s = self(base);

    TRY(before_statement(s, c));
    s->wrote |= !str_starts(str_of(q->text), STR("SELECT")); /* ... RETURNING */
    TRY(send(s, c, q, PENDING_QUERY));
    return sync_and_drain(s, c, &(struct sink){row, arg});
}

/* Several statements at once need the simple protocol, which has no pipeline. */
static enum status script(struct sql_conn *base, struct call *c, const char *text)
{
    struct session *s = self(base);
    enum status got = STATUS_OK;
    PGresult *r;

    s->wrote = true;
    TRY(before_statement(s, c));
    TRY(sync_and_drain(s, c, &(struct sink){NULL, NULL}));
    if (!PQexitPipelineMode(s->pg))
        return lost(s, c);
    r = PQexec(s->pg, text);
    if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
        got = take_error(s, c, r);
    PQclear(r);
    return PQenterPipelineMode(s->pg) ? got : lost(s, c);
}

static enum status enter(struct sql_conn *base, struct call *c, int64_t tenant_id)
{
    char tenant[24];

    TRY(before_statement(self(base), c));
    snprintf(tenant, sizeof tenant, "%lld", (long long)tenant_id);
    return send(self(base), c,
                &(struct sql_statement){"SELECT set_config('app.tenant', $1, true)",
                                        (struct sql_value[]){sql_text(str_of(tenant))}, 1},
                PENDING_COMMAND);
}

const struct sql_conn_ops session_ops = {
    .exec = exec, .query = query, .enter = enter, .script = script};

void session_begin(struct session *s, const struct sql_unit *unit)
{
    s->base.error = SQL_ERROR_NONE;
    s->base.taken = COLUMN_NONE;
    s->wrote = s->committed = s->opened = false;
    s->tenant_id = unit->tenant_id;
    s->mode = unit->mode;
}

enum status session_commit(struct session *s, struct call *c)
{
    enum sql_error error;
    enum status got;

    if (sql_fault_hits(s->base.driver, &error))
        return sql_fail(c, &s->base, error, "injected");
    if (!s->opened || s->mode == STORE_READ_ONE) /* there is none, or its sync point ended it */
        return STATUS_OK;
    if (s->wrote)
        kill_here(KILL_COMMIT_BEFORE);
    TRY(send(s, c, &(struct sql_statement){"COMMIT", NULL, 0}, PENDING_COMMIT));
    if (!s->wrote) { /* nothing to wait for: the answer is read when the session is used again */
        if (!PQpipelineSync(s->pg) || PQflush(s->pg) < 0)
            return lost(s, c);
        note(s, PENDING_SYNC, NULL);
        return STATUS_OK;
    }
    got = sync_and_drain(s, c, &(struct sink){NULL, NULL});
    if (got == STATUS_OK || s->committed) {
        kill_here(KILL_COMMIT_AFTER);
        call_clear(c);
        return STATUS_OK;
    }
    if (!s->dead)
        return got;
    /* no answer to COMMIT: it may have happened */
    call_clear(c);
    s->base.error = SQL_ERROR_NONE;
    return sql_fail(c, &s->base, SQL_ERROR_COMMIT_LOST, NULL);
}

void session_rollback(struct session *s, struct call *c)
{
    struct fault before = c->fault;

    if (!s->dead && s->opened && s->mode != STORE_READ_ONE &&
        send(s, c, &(struct sql_statement){"ROLLBACK", NULL, 0}, PENDING_COMMAND) != STATUS_OK)
        s->dead = true;
    if (!s->dead && s->opened)
        (void)!sync_and_drain(s, c, &(struct sink){NULL, NULL});
    if (PQtransactionStatus(s->pg) != PQTRANS_IDLE)
        s->dead = true;
    c->fault = before;
}

bool session_is_alive(struct session *s, struct call *c)
{
    struct pollfd fd = {.fd = PQsocket(s->pg), .events = POLLIN};
    struct fault before = c->fault;

    (void)!drain(s, c, &(struct sink){NULL, NULL});
    c->fault = before;
    if (s->dead)
        return false;
    return poll(&fd, 1, 0) == 0; /* an idle server says nothing, or goodbye */
}
