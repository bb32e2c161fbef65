/* conn: one SQLite connection with its prepared statements. Used by one thread at a time. */
#ifndef SQLITE_CONN_H
#define SQLITE_CONN_H

#include <sqlite3.h>

#include "sql/driver.h"

enum { STATEMENT_SETS = 64, STATEMENT_WAYS = 4 }; /* statements kept: 256, by text */

struct cached {
    sqlite3_stmt *statement;
    uint64_t hash, used; /* used: when, by the connection's counter */
    uint16_t *places;    /* [n of $n] where SQLite put it; NULL: they came in order */
};

struct sqlite_conn {
    struct sql_conn base; /* first: a sql_conn * is a sqlite_conn * */
    sqlite3 *db;
    struct call *call; /* whose deadline statements watch; NULL between units */
    bool wrote;        /* the unit has run something else than SELECT */
    uint64_t tick;
    struct cached cache[STATEMENT_SETS][STATEMENT_WAYS];
};

enum conn_role { CONN_WRITER, CONN_READER };

struct conn_options {
    const char *path;
    enum conn_role role;
    int64_t pages_max;
};

MUST_CHECK enum status conn_open(struct call *c, struct sql_driver *driver,
                                 const struct conn_options *options, struct sqlite_conn **out);
void conn_close(struct sqlite_conn *conn);

/* Begins to work for a call; forgets the failure of the unit before. */
void conn_enter(struct sqlite_conn *conn, struct call *c);
void conn_leave(struct sqlite_conn *conn);

/* A statement without parameters or rows: BEGIN, COMMIT, SAVEPOINT u... */
MUST_CHECK enum status conn_do(struct sqlite_conn *conn, struct call *c, const char *text);

/* True: a transaction is open. SQLite rolls back by itself after some failures. */
bool conn_in_transaction(const struct sqlite_conn *conn);

#endif
