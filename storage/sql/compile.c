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

static enum status read_value(struct query *q, const struct filter *f, const struct operand *o,
                              struct sql_value *out)
{
    bool ok = true;
    int64_t number;
    const char *why;

    *out = sql_null();
    if ((why = operand_read(o, f->value, &number)) != NULL)
        return bad_value(q, f, why);
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
