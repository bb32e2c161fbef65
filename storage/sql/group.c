/* Counts and sums by columns. */
#include <assert.h>

#include "sql/query.h"
#include "sql/reach.h"

struct group_build {
    struct tx *tx;
    const struct group_query *query;
    struct group_rows *out;
    size_t cap;
};

static enum status make_room(struct group_build *g)
{
    size_t cap = g->cap ? g->cap * 2 : 32;
    struct group_row *more;

    if (g->out->n_rows < g->cap)
        return STATUS_OK;
    if (g->out->n_rows == GROUP_ROWS_MAX)
        return call_fail_as(g->tx->call, STATUS_EXHAUSTED, "GROUPS", "more than %d groups",
                            GROUP_ROWS_MAX);
    if ((more = NEW(&g->tx->call->arena, struct group_row, cap)) == NULL)
        return call_nomem(g->tx->call);
    for (size_t i = 0; i < g->out->n_rows; i++)
        more[i] = g->out->rows[i];
    g->out->rows = more;
    g->cap = cap;
    return STATUS_OK;
}

static struct group_key key_of(struct group_build *g, const struct sql_value *v, bool *ok)
{
    struct group_key k = {.number = v->i, .is_null = v->type == SQL_NULL};

    if (v->type == SQL_INT && v->i == COLUMN_MISSING)
        k = (struct group_key){.is_null = true};
    if (v->type == SQL_TEXT) {
        k.text = arena_str(&g->tx->call->arena, v->s);
        k.is_null = v->s.n == 0;
        *ok &= k.text.p != NULL;
    }
    return k;
}

static enum status group_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct group_build *g = arg;
    struct group_row *row;
    bool ok = true;

    assert(n == g->query->n_by + 2);
    TRY(make_room(g));
    row = &g->out->rows[g->out->n_rows++];
    for (size_t i = 0; i < g->query->n_by; i++)
        row->key[i] = key_of(g, &cols[i], &ok);
    row->count = cols[n - 2].i;
    row->sum = cols[n - 1].i;
    return ok ? STATUS_OK : call_nomem(g->tx->call);
}

static void put_columns(struct query *q, const struct group_query *g)
{
    const struct column_info *sum = g->sum == COLUMN_NONE ? NULL : column_info(g->sum);

    buf_put(&q->sql, STR("SELECT "));
    for (size_t i = 0; i < g->n_by; i++) {
        const struct column_info *c = column_info(g->by[i]);

        assert(c->kind == q->info->kind && column_is_stored(c) && c->type != COLUMN_BLIND);
        buf_printf(&q->sql, "r.%s, ", c->name);
    }
    buf_put(&q->sql, STR("COUNT(*), "));
    if (!sum)
        buf_put(&q->sql, STR("0"));
    else /* missing values are the lowest integer: they do not count */
        buf_printf(
            &q->sql,
            "CAST(COALESCE(SUM(CASE WHEN r.%s > (-9223372036854775807 - 1) THEN r.%s END), 0)"
            " AS BIGINT)",
            sum->name, sum->name);
}

enum status tx_group(struct tx *tx, enum record_kind kind, const struct group_query *g,
                     struct group_rows *out)
{
    const struct record_info *info = tx_kind(tx, kind);
    struct query *q = NEW(&tx->call->arena, struct query, 1);
    struct group_build build = {.tx = tx, .query = g, .out = out};

    assert(g->n_by <= GROUP_COLUMNS_MAX);
    *out = (struct group_rows){0};
    if (!q)
        return call_nomem(tx->call);
    TRY(query_init(q, tx, info, g->filter, (str){0}));
    query_put_tokens(q, g->where, g->n_where);
    put_columns(q, g);
    TRY(query_put_where(q, g->where, g->n_where));
    reach_put(q, REACH_ANY);
    for (size_t i = 0; i < g->n_by; i++)
        buf_printf(&q->sql, "%sr.%s", i ? ", " : " GROUP BY ", column_info(g->by[i])->name);
    for (size_t i = 0; i < g->n_by; i++)
        buf_printf(&q->sql, "%s%zu", i ? ", " : " ORDER BY ", i + 1);
    buf_printf(&q->sql, " LIMIT %d", GROUP_ROWS_MAX + 1);
    TRY(query_check(q));
    return tx_query(tx, &(struct sql_statement){buf_str(&q->sql).p, q->args, q->n_args}, group_row,
                    &build);
}
