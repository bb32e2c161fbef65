/* Limits as rows: a statement that adds only where it still fits. */
#include "store/spend.h"

#include <assert.h>

#include "sql/tx.h"

enum { DAYS_FROM_0_TO_1970 = 719468 };

static const int64_t day_us = INT64_C(86400) * 1000000;

static const char *const scope_names[SPEND_SCOPES] = {
    [SPEND_WORKFLOW] = "workflow",
    [SPEND_USER_DAY] = "user_day",
    [SPEND_MONTH] = "month",
};

const char *spend_scope_name(enum spend_scope scope)
{
    assert(scope < SPEND_SCOPES);
    return scope_names[scope];
}

/* Howard Hinnant's civil_from_days: years begin in March, so that the leap day is the last. */
int64_t spend_month(int64_t us)
{
    int64_t days = us / day_us - (us % day_us < 0) + DAYS_FROM_0_TO_1970;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097, doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t mp = (5 * (doe - (365 * yoe + yoe / 4 - yoe / 100)) + 2) / 153;
    int64_t month = mp < 10 ? mp + 3 : mp - 9, year = yoe + era * 400 + (month <= 2);

    return (year - 1970) * 12 + month - 1;
}

static enum status count_row(void *arg, const struct sql_value *cols, size_t n)
{
    (void)cols;
    (void)n;
    ++*(size_t *)arg;
    return STATUS_OK;
}

static enum status refuse(struct tx *tx, enum spend_scope scope)
{
    call_fail_as(tx->call, STATUS_EXHAUSTED, "AI_BUDGET",
                 "what is left of the budget (%s) does not cover the call", scope_names[scope]);
    call_detail(tx->call, FAULT_METADATA, "", STR("scope"), "%s", scope_names[scope]);
    return STATUS_EXHAUSTED;
}

/* A row is returned where the amount fitted. */
static enum status hold_line(struct tx *tx, enum spend_scope scope, const struct spend_line *l,
                             int64_t amount)
{
    const struct sql_value args[] = {sql_int(tx->tenant_id),
                                     sql_int(scope),
                                     sql_text(l->name),
                                     sql_int(l->period),
                                     sql_int(amount),
                                     sql_int(l->limit_micro),
                                     sql_int(call_now_us(tx->call))};
    size_t n = 0;

    assert(l->name.n <= SPEND_NAME_BYTES);
    if (amount > l->limit_micro)
        return refuse(tx, scope);
    TRY(tx_query(tx,
                 &(struct sql_statement){
                     "INSERT INTO spend(tenant_id, scope, name, period, spent, held, update_time) "
                     "VALUES($1, $2, $3, $4, 0, $5, $7) "
                     "ON CONFLICT (tenant_id, scope, name, period) DO UPDATE SET "
                     "held = spend.held + $5, update_time = $7 "
                     "WHERE spend.spent + spend.held + $5 <= $6 RETURNING 1",
                     args, sizeof args / sizeof *args},
                 count_row, &n));
    return n ? STATUS_OK : refuse(tx, scope);
}

static bool is_kept(const struct spend_line *l)
{
    return l->limit_micro >= 0;
}

enum status tx_spend_hold(struct tx *tx, const struct spend_hold *h)
{
    const struct spend_line *l = h->lines;
    const struct sql_value args[] = {
        sql_int(tx->tenant_id),
        sql_bytes(h->id.b, sizeof h->id.b),
        sql_int(h->amount_micro),
        sql_int(h->until_us),
        is_kept(&l[SPEND_WORKFLOW]) ? sql_text(l[SPEND_WORKFLOW].name) : sql_null(),
        is_kept(&l[SPEND_USER_DAY]) ? sql_text(l[SPEND_USER_DAY].name) : sql_null(),
        is_kept(&l[SPEND_USER_DAY]) ? sql_int(l[SPEND_USER_DAY].period) : sql_null(),
        is_kept(&l[SPEND_MONTH]) ? sql_int(l[SPEND_MONTH].period) : sql_null()};

    assert(tx->tenant_id > 0);
    assert(h->amount_micro >= 0);
    TRY(tx_writable(tx));
    TRY(tx_exec(tx, &(struct sql_statement){"INSERT INTO spend_hold(tenant_id, id, amount, "
                                            "until_time, workflow, actor, day, month) "
                                            "VALUES($1, $2, $3, $4, $5, $6, $7, $8)",
                                            args, sizeof args / sizeof *args}));
    for (enum spend_scope i = 0; i < SPEND_SCOPES; i++)
        if (is_kept(&l[i]))
            TRY(hold_line(tx, i, &l[i], h->amount_micro));
    return STATUS_OK;
}

static enum status settle_line(struct tx *tx, enum spend_scope scope, const struct spend_line *l,
                               const int64_t change[2])
{
    const struct sql_value args[] = {sql_int(tx->tenant_id),
                                     sql_int(scope),
                                     sql_text(l->name),
                                     sql_int(l->period),
                                     sql_int(change[0]),
                                     sql_int(change[1]),
                                     sql_int(call_now_us(tx->call))};

    return tx_exec(tx, &(struct sql_statement){
                           "INSERT INTO spend(tenant_id, scope, name, period, spent, held, "
                           "update_time) VALUES($1, $2, $3, $4, $5, 0, $7) "
                           "ON CONFLICT (tenant_id, scope, name, period) DO UPDATE SET "
                           "spent = spend.spent + $5, held = spend.held - $6, update_time = $7",
                           args, sizeof args / sizeof *args});
}

/* Whoever deletes the row of a hold ends it; nobody else does. */
static enum status take_hold(struct tx *tx, const struct spend_hold *h, size_t *n_out)
{
    const struct sql_value args[] = {sql_int(tx->tenant_id), sql_bytes(h->id.b, sizeof h->id.b)};

    *n_out = 0;
    TRY(tx_writable(tx));
    return tx_query(
        tx,
        &(struct sql_statement){
            "DELETE FROM spend_hold WHERE tenant_id = $1 AND id = $2 RETURNING 1", args, 2},
        count_row, n_out);
}

static enum status settle_lines(struct tx *tx, const struct spend_hold *h, int64_t spent,
                                int64_t released)
{
    const int64_t change[2] = {spent, released};

    for (enum spend_scope i = 0; i < SPEND_SCOPES; i++)
        if (is_kept(&h->lines[i]))
            TRY(settle_line(tx, i, &h->lines[i], change));
    return STATUS_OK;
}

enum status tx_spend_settle(struct tx *tx, const struct spend_hold *h, int64_t actual_micro)
{
    size_t n;

    assert(actual_micro >= 0);
    TRY(take_hold(tx, h, &n));
    return settle_lines(tx, h, actual_micro, n ? h->amount_micro : 0);
}

enum status tx_spend_expire(struct tx *tx, const struct spend_hold *h)
{
    size_t n;

    TRY(take_hold(tx, h, &n));
    return n ? settle_lines(tx, h, 0, h->amount_micro) : STATUS_OK;
}

struct expired {
    struct call *call;
    struct spend_hold *out;
    size_t n;
};

/* Of a stored hold: only whether it counts there, not up to what. */
static struct spend_line line_of(struct expired *e, const struct sql_value *name,
                                 const struct sql_value *period)
{
    bool is_in = (name ? name : period)->type != SQL_NULL;

    return (struct spend_line){
        .name = is_in && name ? arena_str(&e->call->arena, name->s) : STR(""),
        .period = is_in && period ? period->i : 0,
        .limit_micro = is_in ? 0 : -1,
    };
}

/* id, amount, workflow, actor, day, month */
static enum status expired_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct expired *e = arg;
    struct spend_hold *h = &e->out[e->n];

    assert(n == 6 && e->n < SPEND_EXPIRE_MAX);
    *h = (struct spend_hold){.amount_micro = cols[1].i};
    if (cols[0].s.n != sizeof h->id.b)
        return call_fail(e->call, STATUS_DATA_LOSS, "an id in spend_hold is no UUID");
    memcpy(h->id.b, cols[0].s.p, sizeof h->id.b);
    h->lines[SPEND_WORKFLOW] = line_of(e, &cols[2], NULL);
    h->lines[SPEND_USER_DAY] = line_of(e, &cols[3], &cols[4]);
    h->lines[SPEND_MONTH] = line_of(e, NULL, &cols[5]);
    e->n++;
    return STATUS_OK;
}

enum status tx_spend_expired(struct tx *tx, struct spend_hold *out, size_t *n_out)
{
    struct expired e = {tx->call, out, 0};
    const struct sql_value args[] = {sql_int(tx->tenant_id), sql_int(call_now_us(tx->call)),
                                     sql_int(SPEND_EXPIRE_MAX)};

    *n_out = 0;
    TRY(tx_query(tx,
                 &(struct sql_statement){
                     "SELECT id, amount, workflow, actor, day, month FROM spend_hold "
                     "WHERE tenant_id = $1 AND until_time <= $2 ORDER BY until_time LIMIT $3",
                     args, 3},
                 expired_row, &e));
    *n_out = e.n;
    return STATUS_OK;
}

/* spent, held */
static enum status sum_row(void *arg, const struct sql_value *cols, size_t n)
{
    assert(n == 2);
    *(struct spend_sum *)arg = (struct spend_sum){cols[0].i, cols[1].i};
    return STATUS_OK;
}

enum status tx_spend_get(struct tx *tx, enum spend_scope scope, const struct spend_line *l,
                         struct spend_sum *out)
{
    const struct sql_value args[] = {sql_int(tx->tenant_id), sql_int(scope), sql_text(l->name),
                                     sql_int(l->period)};

    *out = (struct spend_sum){0};
    return tx_query(tx,
                    &(struct sql_statement){"SELECT spent, held FROM spend WHERE tenant_id = $1 "
                                            "AND scope = $2 AND name = $3 AND period = $4",
                                            args, 4},
                    sum_row, out);
}

enum status tx_spend_sweep(struct tx *tx, size_t *n_out)
{
    const struct sql_value args[] = {sql_int(call_now_us(tx->call) - SPEND_KEEP_DAYS * day_us),
                                     sql_int(SPEND_SWEEP_MAX)};

    *n_out = 0;
    assert(tx->tenant_id == 0);
    TRY(tx_writable(tx));
    return tx_query(tx,
                    &(struct sql_statement){
                        "DELETE FROM spend WHERE (tenant_id, scope, name, period) IN (SELECT "
                        "tenant_id, scope, name, period FROM spend WHERE update_time <= $1 AND "
                        "held = 0 ORDER BY update_time LIMIT $2) RETURNING 1",
                        args, 2},
                    count_row, n_out);
}
