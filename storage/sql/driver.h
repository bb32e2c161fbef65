/*
 * driver: what an engine does for the store, and nothing of what the store means.
 *
 * A driver runs units: it finds a connection, opens a transaction, calls the function, commits. It
 * knows no tables. Statements use $1, $2, ...; each is prepared once per connection and found again
 * by its text. Integers are BIGINT, bytes BYTEA, texts TEXT, on both engines.
 */
#ifndef SQL_DRIVER_H
#define SQL_DRIVER_H

#include <stdatomic.h>

#include "base/call.h"
#include "store/store.h"

/* clang-format off */
/* Why an engine failed, how the caller hears of it, and whether the store runs the unit again:
 * NEVER, ONCE more (so that its look-ups see who was first), or until the deadline (AGAIN). */
/*    class         status        reason               retry  text */
#define SQL_ERROR_LIST(X)                                                                                       \
    X(BUSY,         UNAVAILABLE,  "STORE_BUSY",        AGAIN, "the database is busy")                           \
    X(SERIALIZE,    CONFLICT,     "CONCURRENT_CHANGE", AGAIN, "another transaction changed the same rows")      \
    X(CONNECTION,   UNAVAILABLE,  "STORE_DOWN",        AGAIN, "the database cannot be reached")                 \
    X(COMMIT_LOST,  UNAVAILABLE,  "COMMIT_UNKNOWN",    NEVER, "the connection died during commit: the change may have happened") \
    X(UNIQUE,       EXISTS,       "UNIQUE",            ONCE,  "a unique value is taken")                        \
    X(FULL,         EXHAUSTED,    "STORE_FULL",        NEVER, "the database has no space left")                 \
    X(QUEUE,        EXHAUSTED,    "STORE_QUEUE",       NEVER, "too many units of work are waiting")             \
    X(READONLY,     UNAVAILABLE,  "STORE_READ_ONLY",   NEVER, "the database is read-only")                      \
    X(IO,           UNAVAILABLE,  "STORE_IO",          NEVER, "the database cannot read or write its files")    \
    X(CORRUPT,      DATA_LOSS,    "STORE_CORRUPT",     NEVER, "the database is damaged")                        \
    X(TIMEOUT,      DEADLINE,     "STORE_TIMEOUT",     NEVER, "the deadline passed in the database")            \
    X(CANCELLED,    CANCELLED,    "CANCELLED",         NEVER, "cancelled by the caller")                        \
    X(KEYS,         UNAVAILABLE,  "KEYS_CHANGED",      NEVER, "sealed with a key that is not read yet") /* the store reads keys again, once */ \
    X(RANGE,        EXHAUSTED,    "STORE_RANGE",       NEVER, "a sum is out of range")                          \
    X(SCHEMA,       INTERNAL,     "STORE_SCHEMA",      NEVER, "a statement does not fit the database")
/* clang-format on */

enum sql_error {
    SQL_ERROR_NONE,
#define X(name, status, reason, retry, text) SQL_ERROR_##name,
    SQL_ERROR_LIST(X)
#undef X
        SQL_ERRORS,
};

enum sql_type { SQL_NULL, SQL_INT, SQL_TEXT, SQL_BYTES };

struct sql_value {
    enum sql_type type;
    int64_t i; /* SQL_INT */
    str s;     /* SQL_TEXT, SQL_BYTES */
};

static inline struct sql_value sql_null(void)
{
    return (struct sql_value){.type = SQL_NULL};
}
static inline struct sql_value sql_int(int64_t i)
{
    return (struct sql_value){.type = SQL_INT, .i = i};
}
static inline struct sql_value sql_text(str s)
{
    return (struct sql_value){.type = SQL_TEXT, .s = s};
}
static inline struct sql_value sql_bytes(const void *p, size_t n)
{
    return (struct sql_value){.type = SQL_BYTES, .s = {p, n}};
}

/* One statement with its arguments. The text must outlive the unit. */
struct sql_statement {
    const char *text;
    const struct sql_value *args; /* [n_args <= SQL_ARGS_MAX], copied before the call returns */
    size_t n_args;
};

enum { SQL_ARGS_MAX = 2048, SQL_COLUMNS_MAX = 32 };

/* One row; cols [n] borrow from the engine until it returns. Must not run statements. */
typedef enum status (*sql_row_fn)(void *arg, const struct sql_value *cols, size_t n);

struct sql_conn;

struct sql_conn_ops {
    /* Runs a statement whose rows nobody wants. May be sent later, at the next query or at commit;
     * its failure shows then. */
    enum status (*exec)(struct sql_conn *, struct call *, const struct sql_statement *);
    /* The same for `times` sets of n_args arguments, one after the other in args, so that what a
     * statement costs to find and to begin is paid once. NULL: nothing is saved by it. */
    enum status (*exec_many)(struct sql_conn *, struct call *, const struct sql_statement *,
                             size_t times);
    /* Runs a statement and calls row for each row. */
    enum status (*query)(struct sql_conn *, struct call *, const struct sql_statement *,
                         sql_row_fn row, void *arg);
    /* From here on the transaction is that of another tenant. NULL: the engine does not ask. */
    enum status (*enter)(struct sql_conn *, struct call *, int64_t tenant_id);
    /* Runs several statements without parameters; for migrations. */
    enum status (*script)(struct sql_conn *, struct call *, const char *text);
};

/* A connection inside of a transaction; drivers embed it first. */
struct sql_conn {
    const struct sql_conn_ops *ops;
    struct sql_driver *driver;
    enum sql_error error;     /* the first failure of this unit; it cannot commit any more */
    enum record_column taken; /* SQL_ERROR_UNIQUE: which column, COLUMN_NONE: the id or unknown */
};

/* One unit of work for a driver. */
struct sql_unit {
    enum store_mode mode;
    int64_t tenant_id;
    enum status (*fn)(struct call *c, struct sql_conn *conn, void *arg);
    void *arg;
    enum sql_error error;     /* out: why the engine failed; NONE: fn itself refused */
    enum record_column taken; /* out: as in sql_conn */
};

struct sql_driver_ops {
    const char *name;  /* "sqlite", "postgres": the marks in migrations */
    size_t batch_rows; /* rows that one INSERT should carry, a power of two */
    bool skips_locked; /* several write at once: a claim says FOR UPDATE SKIP LOCKED */
    /* Opens a transaction, runs unit->fn in it, commits when that returns OK. Tries once. */
    enum status (*run)(struct sql_driver *, struct call *, struct sql_unit *);
    /* Makes the files forget what was deleted; see store/key.h. NULL: it happens by itself. */
    enum status (*scrub)(struct sql_driver *, struct call *);
    void (*close)(struct sql_driver *);
};

/* For tests: the operations-th statement or commit from now fails with `error`. */
struct sql_fault {
    atomic_long countdown; /* 0: never */
    enum sql_error error;
    void (*hit)(void); /* runs first, and may end the process; NULL: nothing */
};

struct sql_driver {
    const struct sql_driver_ops *ops;
    struct sql_fault *fault; /* borrowed; NULL: none */
};

/* Records the failure in c and conn (which may be NULL); `detail` holds no values of rows. */
enum status sql_fail(struct call *c, struct sql_conn *conn, enum sql_error error,
                     const char *detail);

/* Counts one operation against driver->fault; true: it must fail now, with *out. */
bool sql_fault_hits(struct sql_driver *d, enum sql_error *out);

/* The column of a unique index by its name, "<table>_<column>_key", or by table and column. */
enum record_column sql_column_of_index(str index);
enum record_column sql_column_of(str table, str column);

/* Statements are found again by it. */
uint64_t sql_hash(str text);

/* Calls through the ops, with the fault hook and the check that the unit has not failed before. */
MUST_CHECK enum status sql_exec(struct sql_conn *conn, struct call *c,
                                const struct sql_statement *s);
MUST_CHECK enum status sql_exec_many(struct sql_conn *conn, struct call *c,
                                     const struct sql_statement *s, size_t times);
MUST_CHECK enum status sql_query(struct sql_conn *conn, struct call *c,
                                 const struct sql_statement *s, sql_row_fn row, void *arg);

/* Opens a store over a migrated driver, which it owns from now on, also when this fails. Master
 * keys: see sql/master.h; their file is read again when it changes. */
struct sql_options {
    const char *master_key_path; /* file of the master keys */
    const char *master_keys;     /* their text itself, instead of the file; NULL: there is none */
    enum { KEY_MUST_EXIST, KEY_CREATE } master_key;
    bool is_bare; /* for benchmarks only, and no configuration sets it: leads are stored as they
                     are, and no change leaves an audit entry or an event */
};
MUST_CHECK enum status sql_store_open(struct call *c, struct sql_driver *driver,
                                      const struct sql_options *options, struct store **out);

/* Brings the schema up to date, under whatever role the driver has. PRECONDITION: the database is
 * newer than this program (SCHEMA_NEWER), or a migration was changed after it ran (SCHEMA_CHANGED).
 */
MUST_CHECK enum status sql_migrate(struct call *c, struct sql_driver *driver);

/* OK when the schema is exactly the one of this program; PRECONDITION, SCHEMA_OLD and as above. */
MUST_CHECK enum status sql_schema_check(struct call *c, struct sql_driver *driver);

#endif
