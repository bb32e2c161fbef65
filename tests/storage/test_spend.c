/* The contract of store/spend.h, run on both engines: above all that no limit is ever passed. */
#define STORE_SUITE spend
#include <pthread.h>

#include "storage/store_test.h"
#include "store/spend.h"

enum { AT_ONCE = 1000, PRICE = 7, STACK_BYTES = 256 << 10 };

static const int64_t minute_us = INT64_C(60) * 1000000;

static int64_t ahead_us;

static int64_t later_us(const struct clock_ops *c)
{
    (void)c;
    return system_clock.now_us(&system_clock) + ahead_us;
}

static struct spend_hold hold_of(struct call *c, int64_t amount, int64_t limit)
{
    return (struct spend_hold){
        .id = uuid_new(c),
        .amount_micro = amount,
        .until_us = call_now_us(c) + minute_us,
        .lines = {[SPEND_WORKFLOW] = {.limit_micro = -1},
                  [SPEND_USER_DAY] = {STR("ada"), 20000, limit},
                  [SPEND_MONTH] = {STR(""), 600, limit}},
    };
}

static enum status hold_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_spend_hold(tx, arg);
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

struct look {
    enum spend_scope scope;
    struct spend_line line;
    struct spend_sum sum;
};

static enum status look_unit(struct call *c, struct tx *tx, void *arg)
{
    struct look *l = arg;

    (void)c;
    return tx_spend_get(tx, l->scope, &l->line, &l->sum);
}

static void expect_sum(struct fixture *f, enum spend_scope scope, const struct spend_line *line,
                       struct spend_sum want)
{
    struct look l = {.scope = scope, .line = *line};

    RUN(f, STORE_READ, look_unit, &l, STATUS_OK);
    cr_assert(l.sum.spent_micro == want.spent_micro && l.sum.held_micro == want.held_micro,
              "%s %s: spent %lld held %lld, expected %lld and %lld", engine_names[f->engine],
              spend_scope_name(scope), (long long)l.sum.spent_micro, (long long)l.sum.held_micro,
              (long long)want.spent_micro, (long long)want.held_micro);
}

STORE_TEST(a_hold_counts_until_it_is_settled)
{
    struct spend_hold h = hold_of(&f->call, 60, 100), other = hold_of(&f->call, 60, 100);

    RUN(f, STORE_TAKE, hold_unit, &h, STATUS_OK);
    RUN(f, STORE_TAKE, hold_unit, &other, STATUS_EXHAUSTED);
    expect_sum(f, SPEND_MONTH, &h.lines[SPEND_MONTH], (struct spend_sum){0, 60});
    RUN(f, STORE_TAKE, settle_unit, (&(struct settle){&h, 40}), STATUS_OK);
    expect_sum(f, SPEND_MONTH, &h.lines[SPEND_MONTH], (struct spend_sum){40, 0});
    RUN(f, STORE_TAKE, hold_unit, &other, STATUS_OK);
    expect_sum(f, SPEND_USER_DAY, &h.lines[SPEND_USER_DAY], (struct spend_sum){40, 60});
}

STORE_TEST(a_refused_hold_leaves_nothing_in_any_line)
{
    struct spend_hold h = hold_of(&f->call, 60, 100);

    h.lines[SPEND_MONTH].limit_micro = 59;
    h.lines[SPEND_WORKFLOW] = (struct spend_line){STR("run-1"), 0, 1000};
    cr_assert_eq(store_run(f->store, &f->call, STORE_TAKE, hold_unit, &h), STATUS_EXHAUSTED);
    cr_assert_str_eq(f->call.fault.reason, "AI_BUDGET");
    cr_assert(has_detail(&f->call, "scope", "month"));
    call_clear(&f->call);
    for (enum spend_scope i = 0; i < SPEND_SCOPES; i++)
        expect_sum(f, i, &h.lines[i], (struct spend_sum){0, 0});
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM spend_hold"), 0);
}

STORE_TEST(users_days_and_runs_have_limits_of_their_own)
{
    struct spend_hold h = hold_of(&f->call, 60, 100), bob = h, run = h;

    h.lines[SPEND_MONTH].limit_micro = 1000;
    RUN(f, STORE_TAKE, hold_unit, &h, STATUS_OK);
    bob = h;
    bob.id = uuid_new(&f->call);
    RUN(f, STORE_TAKE, hold_unit, &bob, STATUS_EXHAUSTED);
    bob.lines[SPEND_USER_DAY].name = STR("bob");
    RUN(f, STORE_TAKE, hold_unit, &bob, STATUS_OK);
    run = h;
    run.id = uuid_new(&f->call);
    run.lines[SPEND_USER_DAY].period++;
    run.lines[SPEND_WORKFLOW] = (struct spend_line){STR("run-1"), 0, 60};
    RUN(f, STORE_TAKE, hold_unit, &run, STATUS_OK);
    run.id = uuid_new(&f->call);
    run.lines[SPEND_USER_DAY].limit_micro = -1;
    RUN(f, STORE_TAKE, hold_unit, &run, STATUS_EXHAUSTED);
    expect_sum(f, SPEND_MONTH, &h.lines[SPEND_MONTH], (struct spend_sum){0, 180});
}

STORE_TEST(tenants_do_not_share_a_budget)
{
    struct spend_hold h = hold_of(&f->call, 60, 100);

    RUN(f, STORE_TAKE, hold_unit, &h, STATUS_OK);
    f->call.principal.tenant_id = 2;
    expect_sum(f, SPEND_MONTH, &h.lines[SPEND_MONTH], (struct spend_sum){0, 0});
    RUN(f, STORE_TAKE, hold_unit, &h, STATUS_OK);
}

struct give_back {
    size_t n;
    struct spend_hold *holds;
};

static enum status expired_unit(struct call *c, struct tx *tx, void *arg)
{
    struct give_back *g = arg;

    g->holds = NEW(&c->arena, struct spend_hold, SPEND_EXPIRE_MAX);
    return g->holds ? tx_spend_expired(tx, g->holds, &g->n) : call_nomem(c);
}

static enum status expire_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_spend_expire(tx, arg);
}

STORE_TEST(a_hold_nobody_settles_counts_until_it_runs_out)
{
    struct spend_hold h = hold_of(&f->call, 60, 100), other = h;
    struct clock_ops clock = system_clock;
    struct give_back g = {0};

    h.lines[SPEND_WORKFLOW] = (struct spend_line){STR("run-1"), 0, 60};
    RUN(f, STORE_TAKE, hold_unit, &h, STATUS_OK);
    RUN(f, STORE_READ, expired_unit, &g, STATUS_OK);
    cr_assert_eq(g.n, 0);
    clock.now_us = later_us;
    ahead_us = 2 * minute_us;
    f->call.clock = &clock;
    other.id = uuid_new(&f->call);
    RUN(f, STORE_TAKE, hold_unit, &other, STATUS_EXHAUSTED);
    RUN(f, STORE_READ, expired_unit, &g, STATUS_OK);
    cr_assert_eq(g.n, 1);
    RUN(f, STORE_TAKE, expire_unit, &g.holds[0], STATUS_OK);
    RUN(f, STORE_TAKE, expire_unit, &g.holds[0], STATUS_OK); /* the second one changes nothing */
    for (enum spend_scope i = 0; i < SPEND_SCOPES; i++)
        expect_sum(f, i, &h.lines[i], (struct spend_sum){0, 0});
    RUN(f, STORE_TAKE, hold_unit, &other, STATUS_OK);
    /* Its owner was only slow: the money is gone all the same. */
    RUN(f, STORE_TAKE, settle_unit, (&(struct settle){&h, 55}), STATUS_OK);
    expect_sum(f, SPEND_MONTH, &h.lines[SPEND_MONTH], (struct spend_sum){55, 60});
}

static enum status sweep_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_spend_sweep(tx, arg);
}

STORE_TEST(old_sums_are_swept_but_not_under_a_hold)
{
    struct spend_hold h = hold_of(&f->call, 60, 100), other = h;
    struct clock_ops clock = system_clock;
    size_t n = 0;

    other.id = uuid_new(&f->call);
    other.lines[SPEND_MONTH].period++;
    other.lines[SPEND_USER_DAY].period++;
    RUN(f, STORE_TAKE, hold_unit, &h, STATUS_OK);
    RUN(f, STORE_TAKE, hold_unit, &other, STATUS_OK);
    RUN(f, STORE_TAKE, settle_unit, (&(struct settle){&h, 1}), STATUS_OK);
    clock.now_us = later_us;
    f->call.clock = &clock;
    for (int pass = 0; pass < 2; pass++) {
        ahead_us = (int64_t)pass * (SPEND_KEEP_DAYS + 1) * 1440 * minute_us;
        cr_assert_eq(store_run_system(f->store, &f->call, STORE_WRITE, sweep_unit, &n), STATUS_OK);
        cr_assert_eq(n, pass ? 2 : 0, "pass %d: %zu rows", pass, n);
    }
    expect_sum(f, SPEND_MONTH, &other.lines[SPEND_MONTH], (struct spend_sum){0, 60});
}

/* One of many callers: holds, and settles for less where it was let through. */
struct caller {
    struct fixture *f;
    pthread_barrier_t *start;
    struct spend_hold hold;
    enum status held, settled;
    bool is_budget;
};

static void *call_once(void *arg)
{
    struct caller *me = arg;
    struct settle s = {&me->hold, PRICE - 2};
    struct call c;

    fixture_call(&c, 1);
    me->hold = hold_of(&c, PRICE, (int64_t)AT_ONCE * PRICE / 2 + PRICE - 1);
    pthread_barrier_wait(me->start);
    me->held = store_run(me->f->store, &c, STORE_TAKE, hold_unit, &me->hold);
    me->is_budget = c.fault.reason && !strcmp(c.fault.reason, "AI_BUDGET");
    call_release(&c);
    pthread_barrier_wait(me->start);
    fixture_call(&c, 1);
    if (me->held == STATUS_OK)
        me->settled = store_run(me->f->store, &c, STORE_TAKE, settle_unit, &s);
    call_release(&c);
    return NULL;
}

/* The budget covers half of them. Nobody settles before all have asked. */
STORE_TEST(a_thousand_calls_at_the_edge_spend_no_more_than_there_is)
{
    static struct caller callers[AT_ONCE];
    static pthread_t threads[AT_ONCE];
    pthread_barrier_t start;
    pthread_attr_t attr;
    long n_held = 0;

    pthread_barrier_init(&start, NULL, AT_ONCE);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    for (int i = 0; i < AT_ONCE; i++) {
        callers[i] = (struct caller){.f = f, .start = &start};
        cr_assert_eq(pthread_create(&threads[i], &attr, call_once, &callers[i]), 0);
    }
    for (int i = 0; i < AT_ONCE; i++) {
        pthread_join(threads[i], NULL);
        cr_assert(callers[i].held == STATUS_OK || callers[i].is_budget, "%s: %s",
                  engine_names[f->engine], status_name(callers[i].held));
        cr_assert_eq(callers[i].settled, STATUS_OK);
        n_held += callers[i].held == STATUS_OK;
    }
    cr_assert_eq(n_held, AT_ONCE / 2, "%s: %ld calls were let through", engine_names[f->engine],
                 n_held);
    expect_sum(f, SPEND_MONTH, &callers[0].hold.lines[SPEND_MONTH],
               (struct spend_sum){AT_ONCE / 2 * (PRICE - 2), 0});
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM spend_hold"), 0);
}

static const struct {
    const char *date;
    int64_t us, month;
} months[] = {
    {"1970-01-01", 0, 0},
    {"1969-12-31", -1, -1},
    {"2000-02-29", INT64_C(951868799) * 1000000, 361},
    {"2000-03-01", INT64_C(951868800) * 1000000, 362},
    {"2026-11-30", INT64_C(1796083199) * 1000000, 682},
    {"2026-12-01", INT64_C(1796083200) * 1000000, 683},
};

Test(spend, months_begin_at_midnight_utc)
{
    for (size_t i = 0; i < sizeof months / sizeof *months; i++)
        cr_assert_eq(spend_month(months[i].us), months[i].month, "%s", months[i].date);
}
