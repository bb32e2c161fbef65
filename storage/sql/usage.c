/* Counters as rows: an insert that adds where the row exists. */
#include "store/usage.h"

#include <assert.h>

#include "sql/tx.h"

enum status tx_usage_add(struct tx *tx, const struct usage_row *rows, size_t n)
{
    assert(tx->tenant_id == 0);
    TRY(tx_writable(tx));
    for (size_t i = 0; i < n; i++) {
        const struct sql_value args[] = {
            sql_int(rows[i].tenant_id),       sql_int(rows[i].day),
            sql_text(str_of(rows[i].method)), sql_text(str_of(rows[i].actor)),
            sql_int(rows[i].calls),           sql_int(rows[i].failed)};

        TRY(tx_exec(tx, &(struct sql_statement){
                            "INSERT INTO usage(tenant_id, day, method, actor, calls, failed) "
                            "VALUES($1, $2, $3, $4, $5, $6) "
                            "ON CONFLICT (tenant_id, day, method, actor) DO UPDATE SET "
                            "calls = usage.calls + $5, failed = usage.failed + $6",
                            args, sizeof args / sizeof *args}));
    }
    return STATUS_OK;
}

struct sums {
    struct call *call;
    enum usage_group by;
    struct usage_sum *out;
    size_t n;
};

/* key, calls, failed */
static enum status sum_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct sums *s = arg;
    struct usage_sum *to = &s->out[s->n++];

    assert(n == 3 && s->n <= USAGE_ROWS_MAX);
    *to = (struct usage_sum){.calls = cols[1].i, .failed = cols[2].i};
    if (s->by == USAGE_BY_DAY || s->by == USAGE_TOTAL)
        to->day = cols[0].i;
    else
        to->text = arena_str(&s->call->arena, cols[0].s);
    return cols[0].type != SQL_TEXT || to->text.p ? STATUS_OK : call_nomem(s->call);
}

#define SUMS(key, group)                                                                           \
    "SELECT " key ", CAST(COALESCE(SUM(calls), 0) AS BIGINT), "                                    \
    "CAST(COALESCE(SUM(failed), 0) AS BIGINT) FROM usage "                                         \
    "WHERE tenant_id = $1 AND day >= $2 AND day <= $3 " group

static const char *const texts[] = {
    [USAGE_BY_DAY] = SUMS("day", "GROUP BY day ORDER BY day LIMIT 1000"),
    [USAGE_BY_METHOD] = SUMS("method", "GROUP BY method ORDER BY method LIMIT 1000"),
    [USAGE_BY_ACTOR] = SUMS("actor", "GROUP BY actor ORDER BY actor LIMIT 1000"),
    [USAGE_TOTAL] = SUMS("CAST(0 AS BIGINT)", ""),
};

enum status tx_usage_sum(struct tx *tx, struct usage_days days, enum usage_group by,
                         struct usage_sum out[USAGE_ROWS_MAX], size_t *n_out)
{
    struct sums s = {tx->call, by, out, 0};
    const struct sql_value args[] = {sql_int(tx->tenant_id), sql_int(days.first),
                                     sql_int(days.last)};

    static_assert(USAGE_ROWS_MAX == 1000, "the statements say so too");
    *n_out = 0;
    TRY(tx_query(tx, &(struct sql_statement){texts[by], args, 3}, sum_row, &s));
    *n_out = s.n;
    return STATUS_OK;
}
