/* Arithmetic in whole numbers, and units of work around store/spend.h. */
#include "ai/budget.h"

#include <assert.h>

#include "base/banned.h"

enum { PROTOCOL_BYTES = 1024 }; /* of a request beside our texts */

static const int64_t million = 1000000, day_us = INT64_C(86400) * 1000000;

static enum status bad_price(struct call *c)
{
    return call_fail_as(c, STATUS_INVALID, "AI_PRICES",
                        "prices are MODEL=IN/OUT[/READ/WRITE] in US dollars, joined by commas");
}

/* Dollars with at most six decimals; false: they are not, or over a thousand. */
static bool dollars(str text, int64_t *out)
{
    str decimals = text, whole = str_cut(&decimals, '.');
    long long d = 0, n;

    if (whole.n > 4 || !str_to_int64(whole, &n) || n < 0 || n > 1000)
        return false;
    if (decimals.n > 6 || (decimals.n && (!str_to_int64(decimals, &d) || d < 0)))
        return false;
    for (size_t i = decimals.n; i < 6; i++)
        d *= 10;
    *out = n * million + d;
    return true;
}

static bool price_read(str text, struct ai_price *out)
{
    str rest = text, model = str_trim(str_cut(&rest, '=')), in = str_cut(&rest, '/'),
        outp = str_cut(&rest, '/'), read = str_cut(&rest, '/');

    *out = (struct ai_price){0};
    if (!model.n || model.n > AI_MODEL_BYTES || !dollars(str_trim(in), &out->input) ||
        !dollars(str_trim(outp), &out->output))
        return false;
    memcpy(out->model, model.p, model.n);
    out->cache_read = (out->input + 9) / 10;
    out->cache_write = out->input * 2;
    return !read.n || (dollars(str_trim(read), &out->cache_read) &&
                       dollars(str_trim(rest), &out->cache_write));
}

enum status budget_prices_read(struct call *c, const char *text, struct ai_price *out,
                               size_t *n_out)
{
    str rest = str_of(text);

    *n_out = 0;
    while (rest.n) {
        str one = str_trim(str_cut(&rest, ','));

        if (!one.n)
            continue;
        if (*n_out == BUDGET_PRICES_MAX || !price_read(one, &out[*n_out]) ||
            budget_price(out, *n_out, out[*n_out].model))
            return bad_price(c);
        ++*n_out;
    }
    return STATUS_OK;
}

const struct ai_price *budget_price(const struct ai_price *prices, size_t n, const char *model)
{
    for (size_t i = 0; model && i < n; i++)
        if (!strcmp(prices[i].model, model))
            return &prices[i];
    return NULL;
}

static int64_t cost(int64_t tokens, int64_t price)
{
    static const int64_t tokens_max = INT64_C(1) << 30;

    if (tokens < 0)
        tokens = 0;
    if (tokens > tokens_max)
        tokens = tokens_max;
    return (tokens * price + million - 1) / million;
}

int64_t budget_worst_micro(const struct ai_price *p, size_t request_bytes, int32_t max_tokens)
{
    int64_t input = p->input > p->cache_write ? p->input : p->cache_write;

    assert(request_bytes <= AI_SENT_BYTES);
    return cost((int64_t)request_bytes + PROTOCOL_BYTES, input) + cost(max_tokens, p->output);
}

int64_t budget_cost_micro(const struct ai_price *p, const struct ai_usage *u)
{
    return cost(u->input - u->cache_read - u->cache_write, p->input) +
           cost(u->cache_read, p->cache_read) + cost(u->cache_write, p->cache_write) +
           cost(u->output, p->output);
}

static enum status hold_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_spend_hold(tx, arg);
}

static enum status expire_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_spend_expire(tx, arg);
}

struct expired {
    struct spend_hold *holds;
    size_t n;
};

static enum status expired_unit(struct call *c, struct tx *tx, void *arg)
{
    struct expired *e = arg;

    if (!(e->holds = NEW(&c->arena, struct spend_hold, SPEND_EXPIRE_MAX)))
        return call_nomem(c);
    return tx_spend_expired(tx, e->holds, &e->n);
}

struct spend_hold budget_hold_of(const struct call *c, const struct budget_ask *ask)
{
    int64_t now = call_now_us(c), user = 0;

    if (ask->policy->user_daily_budget_micro_usd)
        user = (int64_t)(ask->policy->user_daily_budget_micro_usd & INT64_MAX);
    return (struct spend_hold){
        .id = uuid_new(c),
        .amount_micro = ask->amount_micro,
        .until_us = now + (ask->lease_ms ? ask->lease_ms : BUDGET_LEASE_MS) * 1000,
        .lines = {
            [SPEND_WORKFLOW] = {ask->workflow, 0, ask->workflow.n ? ask->workflow_limit_micro : -1},
            [SPEND_USER_DAY] = {ask->user, now / day_us, ask->user.n && user ? user : -1},
            [SPEND_MONTH] = {STR(""), spend_month(now),
                             (int64_t)(ask->policy->monthly_budget_micro_usd & INT64_MAX)},
        }};
}

static bool is_over(const struct call *c)
{
    return c->fault.reason && !strcmp(c->fault.reason, "AI_BUDGET");
}

enum status budget_hold(struct store *s, struct call *c, const struct budget_ask *ask,
                        struct spend_hold *out)
{
    struct expired e = {0};
    enum status status;

    *out = (struct spend_hold){0};
    if (!ask->policy || !ask->policy->monthly_budget_micro_usd)
        return call_fail_as(c, STATUS_EXHAUSTED, "AI_BUDGET", "the tenant has no budget for AI");
    *out = budget_hold_of(c, ask);
    status = store_run(s, c, STORE_TAKE, hold_unit, out);
    if (status == STATUS_OK || !is_over(c))
        return status;
    call_clear(c);
    TRY(store_run(s, c, STORE_READ, expired_unit, &e));
    for (size_t i = 0; i < e.n; i++)
        TRY(store_run(s, c, STORE_TAKE, expire_unit, &e.holds[i]));
    return store_run(s, c, STORE_TAKE, hold_unit, out);
}

struct settle {
    const struct spend_hold *hold;
    int64_t actual;
};

static enum status settle_unit(struct call *c, struct tx *tx, void *arg)
{
    const struct settle *s = arg;

    (void)c;
    return tx_spend_settle(tx, s->hold, s->actual);
}

enum status budget_settle(struct store *s, struct call *c, const struct spend_hold *hold,
                          int64_t actual_micro)
{
    struct settle what = {hold, actual_micro};
    struct call own;
    enum status status;

    call_init(&own, c->clock, CALL_ARENA_BYTES);
    own.principal = c->principal;
    own.trace = c->trace;
    own.method = c->method;
    own.deadline_ns = call_monotonic_ns(c) + BUDGET_SETTLE_MS * INT64_C(1000000);
    status = store_run(s, &own, STORE_TAKE, settle_unit, &what);
    call_release(&own);
    return status;
}
