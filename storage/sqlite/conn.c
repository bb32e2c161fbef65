/* Statements are found by a hash of their text in a small set-associative cache. */
#include "sqlite/conn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    CACHE_KIB = 128 << 10, /* pages kept by the writer: the upper levels of all indexes */
    READER_CACHE_KIB = 16 << 10,
    MMAP_BYTES = 0x7fff0000,  /* reads of hot pages are plain memory reads */
    BUSY_MS = 200,            /* another process writes: then the store retries with back-off */
    PROGRESS_STEPS = 20000,   /* how often a statement looks at its deadline: about 1 ms */
    CHECKPOINT_PAGES = 32000, /* 128 MiB of WAL before it is copied back: pages that
                                   change again and again are then copied once */
};

static struct sqlite_conn *self(struct sql_conn *conn)
{
    return (struct sqlite_conn *)conn;
}

/* The column of "UNIQUE constraint failed: lead.tenant_id, lead.email, lead.copy". */
static enum record_column taken_column(const char *message)
{
    str s = str_of(message), table, column;

    str_cut(&s, ':');
    str_cut(&s, ','); /* the tenant */
    s = str_trim(s);
    table = str_cut(&s, '.');
    column = str_trim(str_cut(&s, ','));
    return sql_column_of(table, column);
}

/* What the last system call on a file said that failed; 0: none did. */
static int errno_of(sqlite3_file *f)
{
    int found = 0;

    if (f && f->pMethods)
        f->pMethods->xFileControl(f, SQLITE_FCNTL_LAST_ERRNO, &found);
    return found;
}

/* SQLite calls "I/O error" what the system call told more of: one on the log, on the database, or
 * that which should have opened it. */
static enum sql_error disk_class(sqlite3 *db)
{
    sqlite3_file *log = NULL, *main = NULL;
    int number;

    sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &main);
    if ((number = errno_of(log)) == 0 && (number = errno_of(main)) == 0)
        number = sqlite3_system_errno(db);
    switch (number) {
    case EROFS: return SQL_ERROR_READONLY;
    case ENOSPC:
    case EDQUOT: return SQL_ERROR_FULL;
    default: return SQL_ERROR_IO;
    }
}

static enum sql_error class_of(sqlite3 *db)
{
    int code = sqlite3_extended_errcode(db);

    switch (code) {
    case SQLITE_BUSY_SNAPSHOT: return SQL_ERROR_SERIALIZE;
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID: return SQL_ERROR_UNIQUE;
    default: break;
    }
    switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return SQL_ERROR_BUSY;
    case SQLITE_FULL: return SQL_ERROR_FULL;
    case SQLITE_READONLY: return SQL_ERROR_READONLY;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM: return disk_class(db);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return SQL_ERROR_CORRUPT;
    case SQLITE_INTERRUPT: return SQL_ERROR_TIMEOUT;
    default: break;
    }
    return str_eq(str_of(sqlite3_errmsg(db)), STR("integer overflow")) ? SQL_ERROR_RANGE
                                                                       : SQL_ERROR_SCHEMA;
}

static enum status fail(struct sqlite_conn *conn, struct call *c)
{
    enum sql_error error = class_of(conn->db);

    if (error == SQL_ERROR_UNIQUE && conn->base.taken == COLUMN_NONE)
        conn->base.taken = taken_column(sqlite3_errmsg(conn->db));
    if (error == SQL_ERROR_TIMEOUT && c->cancelled && atomic_load(c->cancelled))
        error = SQL_ERROR_CANCELLED;
    return sql_fail(c, &conn->base, error,
                    error == SQL_ERROR_SCHEMA ? sqlite3_errmsg(conn->db) : NULL);
}

/* Called by SQLite between steps; non-zero interrupts the statement. */
static int watch(void *arg)
{
    const struct call *c = ((struct sqlite_conn *)arg)->call;

    if (!c)
        return 0;
    return (c->cancelled && atomic_load_explicit(c->cancelled, memory_order_relaxed)) ||
           (c->deadline_ns && call_monotonic_ns(c) >= c->deadline_ns);
}

/* To SQLite "$2" is a name, and names are numbered as they first occur. */
static bool find_places(sqlite3_stmt *q, uint16_t **out)
{
    int n = sqlite3_bind_parameter_count(q);
    bool in_order = true;
    long long number;

    *out = NULL;
    if (n && (*out = calloc((size_t)n + 1, sizeof **out)) == NULL)
        return false;
    for (int i = 1; i <= n; i++) {
        if (!str_to_int64(str_of(sqlite3_bind_parameter_name(q, i) + 1), &number) || number < 1 ||
            number > n)
            return false;
        (*out)[number] = (uint16_t)i;
        in_order &= number == i;
    }
    if (in_order) {
        free(*out);
        *out = NULL;
    }
    return true;
}

static void drop(struct cached *x)
{
    sqlite3_finalize(x->statement);
    free(x->places);
    *x = (struct cached){0};
}

/* A prepared statement for the text, reset and without bindings; NULL: it does not compile. */
static struct cached *prepare(struct sqlite_conn *conn, const char *text)
{
    str s = str_of(text);
    uint64_t h = sql_hash(s);
    struct cached *set = conn->cache[h % STATEMENT_SETS], *oldest = set;
    struct cached made = {.hash = h, .used = ++conn->tick};

    for (size_t i = 0; i < STATEMENT_WAYS; i++) {
        if (set[i].statement && set[i].hash == h &&
            str_eq(s, str_of(sqlite3_sql(set[i].statement)))) {
            set[i].used = ++conn->tick;
            return &set[i];
        }
        if (set[i].used < oldest->used)
            oldest = &set[i];
    }
    if (sqlite3_prepare_v3(conn->db, text, (int)s.n + 1, SQLITE_PREPARE_PERSISTENT, &made.statement,
                           NULL))
        return NULL;
    if (!find_places(made.statement, &made.places)) {
        drop(&made);
        return NULL;
    }
    drop(oldest);
    *oldest = made;
    return oldest;
}

static int bind(sqlite3_stmt *q, int at, const struct sql_value *v)
{
    switch (v->type) {
    case SQL_NULL: return sqlite3_bind_null(q, at);
    case SQL_INT: return sqlite3_bind_int64(q, at, v->i);
    case SQL_TEXT:
        return sqlite3_bind_text64(q, at, v->s.p ? v->s.p : "", v->s.n, SQLITE_STATIC, SQLITE_UTF8);
    case SQL_BYTES:
        return v->s.n ? sqlite3_bind_blob64(q, at, v->s.p, v->s.n, SQLITE_STATIC)
                      : sqlite3_bind_zeroblob(q, at, 0);
    }
    return SQLITE_MISUSE;
}

static struct sql_value read_column(sqlite3_stmt *q, int i)
{
    const char *p;

    switch (sqlite3_column_type(q, i)) {
    case SQLITE_NULL: return sql_null();
    case SQLITE_INTEGER: return sql_int(sqlite3_column_int64(q, i));
    case SQLITE_TEXT: /* the length after the text: SQLite may convert for the first call */
        p = (const char *)sqlite3_column_text(q, i);
        return sql_text((str){p, (size_t)sqlite3_column_bytes(q, i)});
    default: p = sqlite3_column_blob(q, i); return sql_bytes(p, (size_t)sqlite3_column_bytes(q, i));
    }
}

static enum status step_all(struct sqlite_conn *conn, struct call *c, sqlite3_stmt *q,
                            sql_row_fn row, void *arg)
{
    struct sql_value cols[SQL_COLUMNS_MAX];
    size_t n = (size_t)sqlite3_column_count(q);
    enum status s = STATUS_OK;
    int step;

    assert(n <= SQL_COLUMNS_MAX);
    while ((step = sqlite3_step(q)) == SQLITE_ROW && s == STATUS_OK)
        if (row) {
            for (int i = 0; i < (int)n; i++)
                cols[i] = read_column(q, i);
            s = row(arg, cols, n);
        }
    if (s == STATUS_OK && step != SQLITE_DONE)
        s = fail(conn, c);
    return s;
}

static enum status bind_all(struct sqlite_conn *conn, struct call *c, const struct cached *x,
                            const struct sql_value *args, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bind(x->statement, x->places ? x->places[i + 1] : (int)i + 1, &args[i]))
            return fail(conn, c);
    return STATUS_OK;
}

static enum status run_statement(struct sql_conn *base, struct call *c,
                                 const struct sql_statement *s, sql_row_fn row, void *arg)
{
    struct sqlite_conn *conn = self(base);
    struct cached *x = prepare(conn, s->text);
    enum status r;

    if (!x)
        return fail(conn, c);
    r = bind_all(conn, c, x, s->args, s->n_args);
    if (r == STATUS_OK)
        r = step_all(conn, c, x->statement, row, arg);
    sqlite3_reset(x->statement);
    sqlite3_clear_bindings(x->statement);
    return r;
}

static enum status query(struct sql_conn *base, struct call *c, const struct sql_statement *s,
                         sql_row_fn row, void *arg)
{
    self(base)->wrote |= !str_starts(str_of(s->text), STR("SELECT"));
    return run_statement(base, c, s, row, arg);
}

static enum status exec(struct sql_conn *base, struct call *c, const struct sql_statement *s)
{
    self(base)->wrote = true;
    return run_statement(base, c, s, NULL, NULL);
}

static enum status exec_many(struct sql_conn *base, struct call *c, const struct sql_statement *s,
                             size_t times)
{
    struct sqlite_conn *conn = self(base);
    struct cached *x = prepare(conn, s->text);
    enum status r = STATUS_OK;

    if (!x)
        return fail(conn, c);
    conn->wrote = true;
    for (size_t i = 0; i < times && r == STATUS_OK; i++) {
        r = bind_all(conn, c, x, s->args + i * s->n_args, s->n_args);
        if (r == STATUS_OK)
            r = step_all(conn, c, x->statement, NULL, NULL);
        sqlite3_reset(x->statement);
    }
    sqlite3_clear_bindings(x->statement);
    return r;
}

static enum status script(struct sql_conn *base, struct call *c, const char *text)
{
    struct sqlite_conn *conn = self(base);

    conn->wrote = true;
    return sqlite3_exec(conn->db, text, NULL, NULL, NULL) ? fail(conn, c) : STATUS_OK;
}

enum status conn_do(struct sqlite_conn *conn, struct call *c, const char *text)
{
    return run_statement(&conn->base, c, &(struct sql_statement){text, NULL, 0}, NULL, NULL);
}

bool conn_in_transaction(const struct sqlite_conn *conn)
{
    return !sqlite3_get_autocommit(conn->db);
}

void conn_enter(struct sqlite_conn *conn, struct call *c)
{
    conn->call = c;
    conn->wrote = false;
    conn->base.error = SQL_ERROR_NONE;
    conn->base.taken = COLUMN_NONE;
}

void conn_leave(struct sqlite_conn *conn)
{
    conn->call = NULL;
}

static const struct sql_conn_ops ops = {
    .exec = exec, .exec_many = exec_many, .query = query, .script = script};

static enum status configure(struct sqlite_conn *conn, struct call *c, const struct conn_options *o)
{
    bool writer = o->role == CONN_WRITER;
    char text[512];

    snprintf(text, sizeof text,
             "PRAGMA busy_timeout = %d; PRAGMA cache_size = -%d; PRAGMA mmap_size = %d; "
             "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA synchronous = FULL; "
             "PRAGMA wal_autocheckpoint = %d; PRAGMA query_only = %d; PRAGMA secure_delete = ON;",
             BUSY_MS, writer ? CACHE_KIB : READER_CACHE_KIB, MMAP_BYTES, CHECKPOINT_PAGES, !writer);
    TRY(script(&conn->base, c, text));
    if (writer)
        TRY(script(&conn->base, c, "PRAGMA journal_mode = WAL;"));
    if (writer && o->pages_max) {
        snprintf(text, sizeof text, "PRAGMA max_page_count = %lld;", (long long)o->pages_max);
        TRY(script(&conn->base, c, text));
    }
    sqlite3_progress_handler(conn->db, PROGRESS_STEPS, watch, conn);
    return STATUS_OK;
}

/* SQLite counts its memory under one global lock unless told otherwise before its first use. */
static void configure_library(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* Makes the file before SQLite does: nobody else may read it, nor the -wal and -shm that take after
 * it. */
static void create_private(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd >= 0) /* else SQLite will say what is wrong */
        close(fd);
}

enum status conn_open(struct call *c, struct sql_driver *driver, const struct conn_options *o,
                      struct sqlite_conn **out)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                (o->role == CONN_WRITER ? SQLITE_OPEN_CREATE : 0);
    struct sqlite_conn *conn = calloc(1, sizeof *conn);
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    enum status s;

    *out = NULL;
    pthread_once(&once, configure_library);
    if (o->role == CONN_WRITER)
        create_private(o->path);
    if (!conn)
        return call_nomem(c);
    conn->base.ops = &ops;
    conn->base.driver = driver;
    s = sqlite3_open_v2(o->path, &conn->db, flags, NULL) ? fail(conn, c) : configure(conn, c, o);
    if (s != STATUS_OK) {
        conn_close(conn);
        return s;
    }
    *out = conn;
    return STATUS_OK;
}

void conn_close(struct sqlite_conn *conn)
{
    if (!conn)
        return;
    for (size_t i = 0; i < STATEMENT_SETS; i++)
        for (size_t j = 0; j < STATEMENT_WAYS; j++)
            drop(&conn->cache[i][j]);
    sqlite3_close(conn->db);
    free(conn);
}
