#include "postgres/answers.h"

#include <assert.h>
#include <poll.h>

#include "base/wait.h"
#include "postgres/result.h"

enum { GRACE_MS = 2000 }; /* past the deadline: the server's own timeout should have answered */

enum status session_lost(struct session *s, struct call *c)
{
    s->dead = true;
    return sql_fail(c, &s->base, SQL_ERROR_CONNECTION, NULL);
}

/* Milliseconds that a wait for the socket may last. */
static int patience_ms(const struct call *c)
{
    return (int)(call_left_ns(c, (int64_t)STATEMENT_MS * 1000000) / 1000000) + GRACE_MS;
}

void session_note(struct session *s, enum pending_kind kind, struct prepared *p)
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
        return session_lost(s, c);
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

enum status answer_failed(struct session *s, struct call *c, const PGresult *r)
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
        return answer_failed(s, c, r);
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
            return p->kind == PENDING_SYNC ? STATUS_OK : session_lost(s, c);
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
    return ok ? STATUS_OK : session_lost(s, c);
}

enum status answers_take(struct session *s, struct call *c, const struct sink *sink)
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

enum status answers_sync(struct session *s, struct call *c, const struct sink *sink)
{
    if (!PQpipelineSync(s->pg))
        return session_lost(s, c);
    session_note(s, PENDING_SYNC, NULL);
    return answers_take(s, c, sink);
}
