/* Integers are big-endian on the wire; texts and bytes are as they are. */
#include "postgres/result.h"

#include <assert.h>

/* pg_type.dat */
enum { OID_BYTEA = 17, OID_INT8 = 20, OID_INT4 = 23, OID_TEXT = 25, OID_FLOAT8 = 701 };

static void put_int(char out[8], int64_t v)
{
    for (int i = 0; i < 8; i++)
        out[i] = (char)((uint64_t)v >> (56 - 8 * i));
}

static int64_t get_int(const char *p, int n)
{
    uint64_t v = 0;

    for (int i = 0; i < n; i++)
        v = v << 8 | (unsigned char)p[i];
    return n == 4 ? (int32_t)(uint32_t)v : (int64_t)v;
}

bool params_fill(struct params *out, struct arena *a, const struct sql_statement *q)
{
    size_t n = q->n_args;
    Oid *types = arena_take(a, n * sizeof *types + 1);
    const char **values = arena_take(a, n * sizeof *values + 1);
    int *sizes = arena_take(a, 2 * n * sizeof *sizes + 1);
    char *ints = arena_take(a, 8 * n + 1);

    if (!types || !values || !sizes || !ints)
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct sql_value *v = &q->args[i];

        sizes[n + i] = 1; /* binary */
        sizes[i] = v->type == SQL_INT ? 8 : (int)v->s.n;
        types[i] = v->type == SQL_INT     ? OID_INT8
                   : v->type == SQL_TEXT  ? OID_TEXT
                   : v->type == SQL_BYTES ? OID_BYTEA
                                          : 0; /* NULL: whatever its place needs */
        values[i] = v->type == SQL_NULL ? NULL : v->s.p ? v->s.p : "";
        if (v->type == SQL_INT) {
            put_int(ints + 8 * i, v->i);
            values[i] = ints + 8 * i;
        }
    }
    *out = (struct params){types, values, sizes, sizes + n};
    return true;
}

static struct sql_value read_value(const PGresult *r, int row, int column)
{
    const char *p = PQgetvalue(r, row, column);
    str s = {p, (size_t)PQgetlength(r, row, column)};

    if (PQgetisnull(r, row, column))
        return sql_null();
    switch (PQftype(r, column)) {
    case OID_INT8:
    case OID_INT4: return sql_int(get_int(p, (int)s.n));
    case OID_BYTEA: return (struct sql_value){.type = SQL_BYTES, .s = s};
    default: return sql_text(s);
    }
}

enum status result_rows(const PGresult *r, sql_row_fn row, void *arg)
{
    struct sql_value cols[SQL_COLUMNS_MAX];
    int n = PQnfields(r);

    assert(n <= SQL_COLUMNS_MAX);
    for (int i = 0; i < PQntuples(r); i++) {
        for (int j = 0; j < n; j++)
            cols[j] = read_value(r, i, j);
        TRY(row(arg, cols, (size_t)n));
    }
    return STATUS_OK;
}

/* clang-format off */
/* SQLSTATE by its beginning; the first match counts */
static const struct {
    const char *state;
    enum sql_error error;
} classes[] = {
    {"23505", SQL_ERROR_UNIQUE},
    {"40",    SQL_ERROR_SERIALIZE},  /* serialization_failure, deadlock_detected */
    {"57014", SQL_ERROR_TIMEOUT},    /* query_canceled */
    {"57",    SQL_ERROR_CONNECTION}, /* admin_shutdown, crash_shutdown, cannot_connect_now */
    {"25P03", SQL_ERROR_CONNECTION}, /* idle_in_transaction_session_timeout */
    {"08",    SQL_ERROR_CONNECTION},
    {"53100", SQL_ERROR_FULL},
    {"53",    SQL_ERROR_BUSY},       /* too_many_connections, out_of_memory */
    {"55P03", SQL_ERROR_BUSY},       /* lock_not_available */
    {"25006", SQL_ERROR_READONLY},
    {"58",    SQL_ERROR_IO},
    {"XX001", SQL_ERROR_CORRUPT},
    {"XX002", SQL_ERROR_CORRUPT},
    {"22003", SQL_ERROR_RANGE},
};
/* clang-format on */

enum sql_error result_error(const PGresult *r, enum record_column *taken)
{
    str state = str_of(PQresultErrorField(r, PG_DIAG_SQLSTATE));

    if (!state.n) /* made by libpq itself: the connection broke */
        return SQL_ERROR_CONNECTION;
    if (str_eq(state, STR("23505")) && *taken == COLUMN_NONE)
        *taken = sql_column_of_index(str_of(PQresultErrorField(r, PG_DIAG_CONSTRAINT_NAME)));
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (str_starts(state, str_of(classes[i].state)))
            return classes[i].error;
    return SQL_ERROR_SCHEMA;
}
