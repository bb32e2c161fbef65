/*
 * Filters as SQL conditions. Every comparison is true or false, also of missing values: a missing
 * value satisfies `!=` and nothing else. Index columns hold NULL for it, ORDER columns the lowest
 * value.
 */
#include <assert.h>

#include "sql/query.h"

/* Bounds of SQL's answer to "lower than every value"; written so that both engines read an integer.
 */
#define MISSING_SQL "(-9223372036854775807 - 1)"

static const char *const op_sql[] = {
    [FILTER_EQ] = "=", [FILTER_NE] = "<>", [FILTER_LT] = "<",  [FILTER_LE] = "<=",
    [FILTER_GT] = ">", [FILTER_GE] = ">=", [FILTER_HAS] = "=",
};

static enum status bad_value(struct query *q, const struct filter *f, const char *why)
{
    return query_invalid(q->tx, "filter", f->value_column, why);
}

/* The number that a value stands for. */
static enum status read_number(struct query *q, const struct filter *f, const struct operand *o,
                               int64_t *out)
{
    long long v = 0;

    switch (o->type) {
    case COLUMN_INT:
        if (!str_to_int64(f->value, &v))
            return bad_value(q, f, "expected a whole number");
        *out = v;
        return STATUS_OK;
    case COLUMN_ENUM:
        if (!column_enum_number(o->info, f->value, out))
            return bad_value(q, f, "this field has no such value");
        return STATUS_OK;
    case COLUMN_BOOL:
        *out = str_eq(f->value, STR("true"));
        if (!*out && !str_eq(f->value, STR("false")))
            return bad_value(q, f, "expected true or false");
        return STATUS_OK;
    case COLUMN_TIME:
        if (!time_parse(f->value, out))
            return bad_value(q, f, "expected a time such as \"2026-01-31T12:00:00Z\"");
        return STATUS_OK;
    case COLUMN_TEXT:
    case COLUMN_ID:
    case COLUMN_BLIND:
    case COLUMN_TAGS: break;
    }
    *out = 0;
    return STATUS_OK;
}

static enum status read_value(struct query *q, const struct filter *f, const struct operand *o,
                              struct sql_value *out)
{
    bool ok = true;
    int64_t number;
    struct uuid id;

    *out = sql_null();
    TRY(read_number(q, f, o, &number));
    if (o->type == COLUMN_ID && !uuid_parse(f->value, &id))
        return bad_value(q, f, "expected an id (a UUID)");
    *out = o->info ? column_value(q->tx, o->info, f->value, number, &ok) : sql_int(number);
    return ok ? STATUS_OK : call_nomem(q->tx->call);
}

static void put_is_set(struct query *q, const struct operand *o, bool set)
{
    if (!(o->flags & COLUMN_ORDER))
        buf_printf(&q->sql, "r.%s IS %sNULL", o->name, set ? "NOT " : "");
    else if (o->type == COLUMN_TEXT)
        buf_printf(&q->sql, "r.%s %s ''", o->name, set ? "<>" : "=");
    else
        buf_printf(&q->sql, "r.%s %s " MISSING_SQL, o->name, set ? ">" : "=");
}

/* The smallest id of the millisecond, for a coarse bound that the primary key can use. */
static struct sql_value id_at(struct query *q, int64_t us, int64_t plus_ms, bool *ok)
{
    struct uuid *u = NEW(&q->tx->call->arena, struct uuid, 1);
    int64_t ms = (us < 0 ? 0 : us / 1000) + plus_ms;

    if (!u) {
        *ok = false;
        return sql_null();
    }
    for (int i = 0; i < 6; i++)
        u->b[i] = (unsigned char)(ms >> (40 - 8 * i));
    return sql_bytes(u->b, sizeof u->b);
}

/* create_time is the time in the id: say so, and the rows are found by the primary key. */
static enum status put_id_bounds(struct query *q, const struct filter *f, int64_t us)
{
    bool ok = true;

    if (f->op == FILTER_EQ || f->op == FILTER_GT || f->op == FILTER_GE) {
        buf_put(&q->sql, STR(" AND r.id >= "));
        query_put_arg(q, id_at(q, us, 0, &ok));
    }
    if (f->op == FILTER_EQ || f->op == FILTER_LT || f->op == FILTER_LE) {
        buf_put(&q->sql, STR(" AND r.id < "));
        query_put_arg(q, id_at(q, us, 1, &ok));
    }
    return ok ? STATUS_OK : call_nomem(q->tx->call);
}

/* A range of another column than the one a list is sorted by must not choose the index: a page then
 * reads the rows in order and stops early, in place of sorting all that are in the range. Unary
 * plus says so on both engines. */
static bool hides_index(const struct query *q, const struct filter *f, const struct operand *o)
{
    return q->leading && o->info && o->type != COLUMN_TEXT && f->op != FILTER_EQ &&
           f->op != FILTER_HAS && !str_eq(str_of(q->leading), str_of(o->name));
}

/* An ORDER column, never NULL: two-valued by itself. */
static enum status put_ordered(struct query *q, const struct filter *f, const struct operand *o,
                               bool negate)
{
    struct sql_value v;

    TRY(read_value(q, f, o, &v));
    buf_printf(&q->sql, "%s(%sr.%s %s ", negate ? "NOT " : "", hides_index(q, f, o) ? "+" : "",
               o->name, op_sql[f->op]);
    query_put_arg(q, v);
    if (o->info && (f->op == FILTER_LT || f->op == FILTER_LE)) {
        buf_put(&q->sql, STR(" AND "));
        put_is_set(q, o, true);
    }
    if (!o->info && str_eq(f->name, STR("create_time")) && q->info->create_time.n)
        TRY(put_id_bounds(q, f, v.i));
    buf_putc(&q->sql, ')');
    return STATUS_OK;
}

/* A column that is NULL when missing. */
static enum status put_nullable(struct query *q, const struct filter *f, const struct operand *o,
                                bool negate)
{
    bool equality = f->op == FILTER_EQ || f->op == FILTER_NE || f->op == FILTER_HAS;
    struct sql_value v;

    if (!equality && (o->type == COLUMN_BLIND || o->type == COLUMN_ID))
        return query_invalid(q->tx, "filter", f->column,
                             "this field can only be compared by = and !=");
    TRY(read_value(q, f, o, &v));
    if ((f->op == FILTER_NE) != negate) /* what a missing value satisfies */
        buf_printf(&q->sql, "(r.%s IS NULL OR %s r.%s %s ", o->name, equality ? "" : "NOT", o->name,
                   equality ? "<>" : op_sql[f->op]);
    else
        buf_printf(&q->sql, "(r.%s %s ", o->name, equality ? "=" : op_sql[f->op]);
    query_put_arg(q, v);
    buf_putc(&q->sql, ')');
    return STATUS_OK;
}

static enum status put_tag(struct query *q, const struct filter *f, const struct operand *o,
                           bool negate)
{
    if (f->op != FILTER_HAS || (!f->quoted && str_eq(f->value, STR("*"))))
        return query_invalid(q->tx, "filter", f->column,
                             "this field can only be compared by : and a value");
    buf_printf(&q->sql, "%sEXISTS (SELECT 1 FROM word t WHERE t.tenant_id = $1 AND t.token = ",
               negate ? "NOT " : "");
    query_put_arg(q, sql_int(token_of_tag(q->tx, o->info, f->value)));
    buf_put(&q->sql, STR(" AND t.id = r.id)"));
    return STATUS_OK;
}

static enum status put_term(struct query *q, const struct filter *f, bool negate)
{
    struct operand o;

    if (!operand_find(q->info, f->name, COLUMN_FILTER, &o))
        return query_invalid(q->tx, "filter", f->column, "there is no such field to filter by");
    if (o.type == COLUMN_TAGS)
        return put_tag(q, f, &o, negate);
    if (f->op == FILTER_HAS && !f->quoted && str_eq(f->value, STR("*"))) {
        put_is_set(q, &o, !negate);
        return STATUS_OK;
    }
    return o.flags & COLUMN_ORDER ? put_ordered(q, f, &o, negate) : put_nullable(q, f, &o, negate);
}

/* Negation is pushed down to the comparisons (De Morgan), where missing values are understood.
 * Recursion is bounded by FILTER_TERMS_MAX and FILTER_DEPTH_MAX. */
static enum status put_node(struct query *q, const struct filter *f, bool negate)
{
    switch (f->kind) {
    case FILTER_TERM: return put_term(q, f, negate);
    case FILTER_NOT: return put_node(q, f->left, !negate);
    case FILTER_AND:
    case FILTER_OR:
        buf_putc(&q->sql, '(');
        TRY(put_node(q, f->left, negate));
        buf_put(&q->sql, (f->kind == FILTER_AND) != negate ? STR(" AND ") : STR(" OR "));
        TRY(put_node(q, f->right, negate));
        buf_putc(&q->sql, ')');
        return STATUS_OK;
    }
    return STATUS_OK;
}

enum status query_put_filter(struct query *q, const struct filter *f)
{
    return put_node(q, f, false);
}

/* n digits at *at; -1: something else. */
static int digits(str s, size_t *at, size_t n)
{
    int v = 0;

    if (*at + n > s.n)
        return -1;
    for (size_t i = 0; i < n; i++) {
        char c = s.p[(*at)++];

        if (c < '0' || c > '9')
            return -1;
        v = v * 10 + (c - '0');
    }
    return v;
}

static bool eat(str s, size_t *at, char c)
{
    return *at < s.n && s.p[*at] == c && ++*at;
}

/* Days since 1970 of a date of the proleptic Gregorian calendar. */
static int64_t days_of(int y, int m, int d)
{
    int64_t year = m <= 2 ? y - 1 : y, era = (year >= 0 ? year : year - 399) / 400;
    int64_t in_era = year - era * 400, in_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;

    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

/* "+01:00", "Z" at *at: seconds east. */
static bool read_zone(str s, size_t *at, int *out)
{
    int sign, hour, minute;

    *out = 0;
    if (eat(s, at, 'Z') || eat(s, at, 'z'))
        return true;
    sign = eat(s, at, '+') ? 1 : eat(s, at, '-') ? -1 : 0;
    hour = digits(s, at, 2);
    if (!sign || hour < 0 || hour > 23 || !eat(s, at, ':'))
        return false;
    minute = digits(s, at, 2);
    *out = sign * (hour * 3600 + minute * 60);
    return minute >= 0 && minute < 60;
}

static bool read_fraction(str s, size_t *at, int64_t *us)
{
    int64_t unit = 100000;

    if (!eat(s, at, '.'))
        return true;
    if (*at == s.n || s.p[*at] < '0' || s.p[*at] > '9')
        return false;
    for (; *at < s.n && s.p[*at] >= '0' && s.p[*at] <= '9'; unit /= 10)
        *us += unit * (s.p[(*at)++] - '0');
    return true;
}

bool time_parse(str s, int64_t *us_out)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    size_t at = 0;
    int y, m, d, hour, minute, second, zone;
    int64_t us = 0;
    bool leap;

    *us_out = 0;
    if ((y = digits(s, &at, 4)) < 1 || !eat(s, &at, '-') || (m = digits(s, &at, 2)) < 1 || m > 12 ||
        !eat(s, &at, '-') || (d = digits(s, &at, 2)) < 1 || d > days[m - 1])
        return false;
    leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (m == 2 && d == 29 && !leap)
        return false;
    *us_out = days_of(y, m, d) * 86400 * 1000000;
    if (at == s.n)
        return true;
    if (!(eat(s, &at, 'T') || eat(s, &at, 't')) || (hour = digits(s, &at, 2)) < 0 || hour > 23 ||
        !eat(s, &at, ':') || (minute = digits(s, &at, 2)) < 0 || minute > 59 || !eat(s, &at, ':') ||
        (second = digits(s, &at, 2)) < 0 || second > 60 || !read_fraction(s, &at, &us) ||
        !read_zone(s, &at, &zone) || at != s.n)
        return false;
    *us_out += ((int64_t)hour * 3600 + minute * 60 + second - zone) * 1000000 + us;
    return true;
}
