/* session: one PostgreSQL connection in pipeline mode. Used by one thread at a time. */
#ifndef POSTGRES_SESSION_H
#define POSTGRES_SESSION_H

#include <libpq-fe.h>

#include "postgres/login.h"
#include "sql/driver.h"

enum {
    PREPARED_SETS = 64,
    PREPARED_WAYS = 4, /* statements kept on the server: 256, by text */
    PENDING_MAX = 512, /* commands sent whose results were not read yet */
};

enum prepared_state { PREPARED_NOT, PREPARED_SENT, PREPARED_READY };

struct prepared {
    const char *text;          /* owned; NULL: free */
    uint64_t hash, used, name; /* name: a number never used before */
    enum prepared_state state;
};

enum pending_kind { PENDING_COMMAND, PENDING_QUERY, PENDING_PREPARE, PENDING_COMMIT, PENDING_SYNC };

/* A command whose result will come, in the order sent. */
struct pending {
    enum pending_kind kind;
    struct prepared *prepared; /* of PENDING_PREPARE */
};

struct session {
    struct sql_conn base; /* first: a sql_conn * is a session * */
    PGconn *pg;
    bool dead;          /* the connection is of no more use */
    bool wrote;         /* the unit has sent something that changes rows */
    bool committed;     /* the server has confirmed COMMIT */
    bool opened;        /* the unit has sent its first statement */
    int64_t tenant_id;  /* of the unit */
    int64_t timeout_ms; /* of statements, as the server has it; 0: unknown */
    enum store_mode mode;
    struct pending pending[PENDING_MAX]; /* a ring: [first, first + n_pending) */
    size_t first, n_pending;
    uint64_t tick;
    struct prepared cache[PREPARED_SETS][PREPARED_WAYS];
};

extern const struct sql_conn_ops session_ops;

/* Connects within the deadline of the call (at most 5 s). */
MUST_CHECK enum status session_open(struct call *c, struct sql_driver *driver,
                                    const struct login *login, struct session **out);
void session_close(struct session *s);

/* False: the server has gone away while the session was idle. Costs one poll(). */
bool session_is_alive(struct session *s, struct call *c);

/* The unit's transaction opens with its first statement; a unit without one costs nothing. */
void session_begin(struct session *s, const struct sql_unit *unit);

/* Ends it: sends what is queued and COMMIT, and waits for the answer if anything was written. */
MUST_CHECK enum status session_commit(struct session *s, struct call *c);

/* Takes it back. The session is dead when that fails. Records nothing in c. */
void session_rollback(struct session *s, struct call *c);

#endif
