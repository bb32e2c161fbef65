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
#include "postgres/answers.h"
#include "postgres/result.h"

static struct session *self(struct sql_conn *conn)
{
    return (struct session *)conn;
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
        session_note(s, PENDING_COMMAND, NULL);
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
        TRY(answers_sync(s, c, &(struct sink){NULL, NULL}));
    if (!params_fill(&params, &c->arena, q))
        return call_nomem(c);
    if ((p = lookup(s, q->text)) == NULL)
        return session_lost(s, c);
    p->used = ++s->tick;
    if (p->state == PREPARED_NOT) {
        p->name = s->tick;
        name_of(p, name);
        if (!PQsendPrepare(s->pg, name, q->text, (int)q->n_args, params.types))
            return session_lost(s, c);
        session_note(s, PENDING_PREPARE, p);
        p->state = PREPARED_SENT;
    }
    name_of(p, name);
    if (!PQsendQueryPrepared(s->pg, name, (int)q->n_args, params.values, params.lengths,
                             params.formats, 1))
        return session_lost(s, c);
    session_note(s, kind, NULL);
    return STATUS_OK;
}

/* BEGIN must be the first that the server sees of a transaction. To prepare it may take the place
 * of another statement; that DEALLOCATE is a query, so a sync point ends its transaction first. */
static enum status send_begin(struct session *s, struct call *c, const char *text)
{
    size_t before = s->n_pending;

    if (!lookup(s, text))
        return session_lost(s, c);
    if (s->n_pending != before) {
        if (!PQpipelineSync(s->pg))
            return session_lost(s, c);
        session_note(s, PENDING_SYNC, NULL);
    }
    return send(s, c, &(struct sql_statement){text, NULL, 0}, PENDING_COMMAND);
}

/* The statement timeout of a call. Rounded up, so that calls with the same deadline have the same;
 * nobody waits for what it lets run on, except a worker for as long. */
static int64_t timeout_ms(const struct call *c)
{
    int64_t ms = call_left_ns(c, (int64_t)STATEMENT_MS * 1000000) / 1000000;
    int64_t step = ms < 1000 ? 100 : 1000;

    return ms < step ? (ms > 0 ? ms : 1) : (ms + step - 1) / step * step;
}

/*
 * What a transaction is opened with; it travels with the first statement. One statement needs no
 * BEGIN: all between two sync points is one transaction, which the tenant ends with, too. The
 * statement timeout is the session's and stays, so that only a call in more or less of a hurry than
 * the one before pays for it; a transaction that fails takes it back.
 */
static enum status open_transaction(struct session *s, struct call *c)
{
    static const char *const begin[] = {
        [STORE_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        [STORE_READ_ONE] = NULL,
        [STORE_WRITE] = "BEGIN ISOLATION LEVEL REPEATABLE READ",
        [STORE_TAKE] = "BEGIN ISOLATION LEVEL READ COMMITTED",
    };
    static const char tenant_only[] = "SELECT set_config('app.tenant', $1, true)",
                      with_timeout[] = "SELECT set_config('app.tenant', $1, true), "
                                       "set_config('statement_timeout', $2, false)";
    int64_t ms = timeout_ms(c);
    bool is_same = ms == s->timeout_ms;
    char tenant[24], timeout[24];

    s->opened = true;
    s->timeout_ms = ms;
    snprintf(tenant, sizeof tenant, "%lld", (long long)s->tenant_id);
    snprintf(timeout, sizeof timeout, "%lld", (long long)ms);
    if (begin[s->mode])
        TRY(send_begin(s, c, begin[s->mode]));
    return send(s, c,
                &(struct sql_statement){
                    is_same ? tenant_only : with_timeout,
                    (struct sql_value[]){sql_text(str_of(tenant)), sql_text(str_of(timeout))},
                    is_same ? 1 : 2},
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
    return answers_sync(s, c, &(struct sink){row, arg});
}

/* Several statements at once need the simple protocol, which has no pipeline. */
static enum status script(struct sql_conn *base, struct call *c, const char *text)
{
    struct session *s = self(base);
    enum status got = STATUS_OK;
    PGresult *r;

    s->wrote = true;
    TRY(before_statement(s, c));
    TRY(answers_sync(s, c, &(struct sink){NULL, NULL}));
    if (!PQexitPipelineMode(s->pg))
        return session_lost(s, c);
    r = PQexec(s->pg, text);
    if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
        got = answer_failed(s, c, r);
    PQclear(r);
    return PQenterPipelineMode(s->pg) ? got : session_lost(s, c);
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
            return session_lost(s, c);
        session_note(s, PENDING_SYNC, NULL);
        return STATUS_OK;
    }
    got = answers_sync(s, c, &(struct sink){NULL, NULL});
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

    s->timeout_ms = 0;
    if (!s->dead && s->opened && s->mode != STORE_READ_ONE &&
        send(s, c, &(struct sql_statement){"ROLLBACK", NULL, 0}, PENDING_COMMAND) != STATUS_OK)
        s->dead = true;
    if (!s->dead && s->opened)
        (void)!answers_sync(s, c, &(struct sink){NULL, NULL});
    if (PQtransactionStatus(s->pg) != PQTRANS_IDLE)
        s->dead = true;
    c->fault = before;
}

bool session_is_alive(struct session *s, struct call *c)
{
    struct pollfd fd = {.fd = PQsocket(s->pg), .events = POLLIN};
    struct fault before = c->fault;

    if (answers_take(s, c, &(struct sink){NULL, NULL}) != STATUS_OK)
        s->timeout_ms = 0;
    c->fault = before;
    if (s->dead)
        return false;
    return poll(&fd, 1, 0) == 0; /* an idle server says nothing, or goodbye */
}
