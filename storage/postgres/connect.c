/* How a session begins and ends: a connection within the deadline, then pipeline mode for good. */
#include <poll.h>
#include <stdlib.h>

#include "postgres/session.h"

enum { CONNECT_S = 5 }; /* a server that takes longer is as good as down */

/* Runs libpq's connection machine until it is connected, refused, or out of time. */
static bool connect_within(PGconn *pg, struct call *c, int64_t patience_ns)
{
    int64_t until = call_monotonic_ns(c) + patience_ns;
    PostgresPollingStatusType want = PGRES_POLLING_WRITING;

    while (want != PGRES_POLLING_OK && want != PGRES_POLLING_FAILED) {
        struct pollfd fd = {.fd = PQsocket(pg),
                            .events = want == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        int64_t left = until - call_monotonic_ns(c);

        if (left <= 0 || fd.fd < 0 || poll(&fd, 1, (int)(left / 1000000) + 1) <= 0)
            return false;
        want = PQconnectPoll(pg);
    }
    return want == PGRES_POLLING_OK;
}

/*
 * Every list of ours is an index read in its order until the page is full. Without statistics, as
 * in the minutes after an import, the planner takes any tenant for a small one and would rather
 * collect all of its rows and sort them (4 ms in place of 0.1 at 10,000 rows). Switched off means
 * priced out: a query that cannot do without still sorts. Such prices would start the JIT compiler,
 * hence off too.
 */
static const char session_settings[] =
    "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off; SET jit = off; "
    "SET idle_in_transaction_session_timeout = '60s'; SET client_encoding = 'UTF8'";

static bool prepare_session(PGconn *pg)
{
    PGresult *r = PQexec(pg, session_settings);
    bool ok = PQresultStatus(r) == PGRES_COMMAND_OK;

    PQclear(r);
    return ok && PQsetnonblocking(pg, 1) == 0 && PQenterPipelineMode(pg);
}

static void ignore_notice(void *arg, const PGresult *r)
{
    (void)arg, (void)r;
}

enum status session_open(struct call *c, struct sql_driver *driver, const struct login *login,
                         struct session **out)
{
    /* what comes after dbname wins over what it says; NULL values do not count */
    static const char *const keys[] = {"fallback_application_name", "dbname", "user", "password",
                                       NULL};
    const char *const values[] = {"salesd", login->conninfo, login->user, login->password, NULL};
    struct session *s = calloc(1, sizeof *s);

    *out = NULL;
    if (!s)
        return call_nomem(c);
    s->base.ops = &session_ops;
    s->base.driver = driver;
    s->pg = PQconnectStartParams(keys, values, 1); /* 1: dbname may be a whole connection string */
    if (!s->pg || PQstatus(s->pg) == CONNECTION_BAD ||
        !connect_within(s->pg, c, call_left_ns(c, (int64_t)CONNECT_S * 1000000000)) ||
        !prepare_session(s->pg)) {
        enum status failed = sql_fail(c, NULL, SQL_ERROR_CONNECTION, NULL);

        session_close(s);
        return failed;
    }
    PQsetNoticeReceiver(s->pg, ignore_notice, NULL);
    *out = s;
    return STATUS_OK;
}

void session_close(struct session *s)
{
    if (!s)
        return;
    PQfinish(s->pg);
    for (size_t i = 0; i < PREPARED_SETS; i++)
        for (size_t j = 0; j < PREPARED_WAYS; j++)
            free((char *)s->cache[i][j].text);
    free(s);
}
