/* The part of a connection that both engines share: one way to fail, one way to be made to fail. */
#include "sql/driver.h"

#include <assert.h>

#include "store/record_info.h"

static const struct {
    enum status status;
    const char *reason, *text;
} errors[SQL_ERRORS] = {
#define X(name, status, reason, retry, text)                                                       \
    [SQL_ERROR_##name] = {STATUS_##status, (reason), (text)},
    SQL_ERROR_LIST(X)
#undef X
};

enum status sql_fail(struct call *c, struct sql_conn *conn, enum sql_error error,
                     const char *detail)
{
    assert(error > SQL_ERROR_NONE && error < SQL_ERRORS);
    if (conn && conn->error == SQL_ERROR_NONE)
        conn->error = error;
    return call_fail_as(c, errors[error].status, errors[error].reason, "%s%s%s", errors[error].text,
                        detail ? ": " : "", detail ? detail : "");
}

bool sql_fault_hits(struct sql_driver *d, enum sql_error *out)
{
    if (!d->fault || atomic_load_explicit(&d->fault->countdown, memory_order_relaxed) <= 0 ||
        atomic_fetch_sub(&d->fault->countdown, 1) != 1)
        return false;
    if (d->fault->hit)
        d->fault->hit();
    *out = d->fault->error;
    return true;
}

enum record_column sql_column_of(str table, str column)
{
    enum record_kind kind = record_kind_of(table);

    if (kind == RECORD_NONE)
        return COLUMN_NONE;
    for (int i = COLUMN_NONE + 1; i < RECORD_COLUMNS; i++) {
        const struct column_info *info = column_info((enum record_column)i);

        if (info->kind == kind && str_eq(str_of(info->name), column))
            return (enum record_column)i;
    }
    return COLUMN_NONE;
}

enum record_column sql_column_of_index(str index)
{
    if (!str_ends(index, STR("_key")))
        return COLUMN_NONE;
    index.n -= 4;
    for (int i = RECORD_NONE + 1; i < RECORD_KINDS; i++) {
        str table = str_of(record_info((enum record_kind)i)->table);
        enum record_column column;

        if (!str_starts(index, table) || index.n <= table.n || index.p[table.n] != '_')
            continue;
        column = sql_column_of(table, str_sub(index, table.n + 1, index.n));
        if (column != COLUMN_NONE)
            return column;
    }
    return COLUMN_NONE;
}

uint64_t sql_hash(str text)
{
    uint64_t h = text.n * 0x9E3779B97F4A7C15u, v;
    size_t at = 0;

    for (; at + 8 <= text.n; at += 8) {
        memcpy(&v, text.p + at, 8);
        h = (h ^ v) * 0x9FB21C651E98DF25u;
        h ^= h >> 32;
    }
    v = 0;
    if (at < text.n)
        memcpy(&v, text.p + at, text.n - at);
    h = (h ^ v) * 0x9FB21C651E98DF25u;
    return h ^ h >> 29;
}

/* OK: the operation may go on. */
static enum status admit(struct sql_conn *conn, struct call *c)
{
    enum sql_error error;

    if (conn->error != SQL_ERROR_NONE)
        return sql_fail(c, conn, conn->error, NULL);
    if (sql_fault_hits(conn->driver, &error))
        return sql_fail(c, conn, error, "injected");
    return STATUS_OK;
}

enum status sql_exec(struct sql_conn *conn, struct call *c, const struct sql_statement *s)
{
    assert(s->n_args <= SQL_ARGS_MAX);
    TRY(admit(conn, c));
    return conn->ops->exec(conn, c, s);
}

static bool is_armed(const struct sql_fault *f)
{
    return f && atomic_load_explicit(&f->countdown, memory_order_relaxed) > 0;
}

/* With a fault to inject each set counts as the statement that it stands for. */
enum status sql_exec_many(struct sql_conn *conn, struct call *c, const struct sql_statement *s,
                          size_t times)
{
    struct sql_statement one = *s;

    assert(s->n_args <= SQL_ARGS_MAX);
    if (conn->ops->exec_many && !is_armed(conn->driver->fault)) {
        TRY(admit(conn, c));
        return conn->ops->exec_many(conn, c, s, times);
    }
    for (size_t i = 0; i < times; i++, one.args += s->n_args)
        TRY(sql_exec(conn, c, &one));
    return STATUS_OK;
}

enum status sql_query(struct sql_conn *conn, struct call *c, const struct sql_statement *s,
                      sql_row_fn row, void *arg)
{
    assert(s->n_args <= SQL_ARGS_MAX);
    TRY(admit(conn, c));
    return conn->ops->query(conn, c, s, row, arg);
}
