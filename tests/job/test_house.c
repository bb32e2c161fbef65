/* What the service's own tables are kept small by, run by a real engine on both engines' tables. */
#define STORE_SUITE house
#include <stdio.h>

#include "job/house.h"
#include "storage/store_test.h"
#include "store/spend.h"

enum { MANY = SPEND_SWEEP_MAX + 500 };

static const int64_t day_us = INT64_C(86400) * 1000000, minute_us = INT64_C(60) * 1000000;

static int64_t ahead_us;

static int64_t later_now(const struct clock_ops *c)
{
    (void)c;
    return system_clock.now_us(&system_clock) + ahead_us;
}

static int64_t later_monotonic(const struct clock_ops *c)
{
    (void)c;
    return system_clock.monotonic_ns(&system_clock) + ahead_us * 1000;
}

static void random_of(const struct clock_ops *c, void *out, size_t n)
{
    (void)c;
    system_clock.random(&system_clock, out, n);
}

static const struct clock_ops later = {later_now, later_monotonic, random_of};

struct spending {
    int from, n;
    bool settles;
};

/* One sum each, of users of one day. */
static enum status spend_unit(struct call *c, struct tx *tx, void *arg)
{
    const struct spending *s = arg;

    for (int i = s->from; i < s->from + s->n; i++) {
        struct spend_hold h = {
            .id = uuid_new(c),
            .amount_micro = 7,
            .until_us = call_now_us(c) + minute_us,
            .lines = {[SPEND_WORKFLOW] = {.limit_micro = -1},
                      [SPEND_USER_DAY] = {str_of(arena_printf(&c->arena, "rep-%d", i)), 20000, 100},
                      [SPEND_MONTH] = {.limit_micro = -1}}};

        TRY(tx_spend_hold(tx, &h));
        if (s->settles)
            TRY(tx_spend_settle(tx, &h, 5));
    }
    return STATUS_OK;
}

static void spend(struct fixture *f, int from, int n, bool settles)
{
    for (int i = 0; i < n; i += 100)
        RUN(f, STORE_TAKE, spend_unit,
            (&(struct spending){from + i, n - i < 100 ? n - i : 100, settles}), STATUS_OK);
}

static void run_house(struct fixture *f)
{
    const struct job_binding kinds[] = {{&house_expire_spend, f->store}};
    struct job_engine *e;
    size_t n = 0;

    cr_assert_eq(job_engine_open(&f->call,
                                 &(struct job_engine_options){.store = f->store,
                                                              .clock = &later,
                                                              .kinds = kinds,
                                                              .n_kinds = 1,
                                                              .n_workers = 1,
                                                              .poll_ms = 1000},
                                 &e),
                 STATUS_OK);
    cr_assert_eq(job_engine_plan(e, &f->call), STATUS_OK, "%s", f->call.fault.why);
    cr_assert_eq(job_engine_turn(e, &n), STATUS_OK);
    cr_assert_geq(n, 1, "the job is not due");
    cr_assert_eq(job_engine_stop(e, 1000), STATUS_OK);
    job_engine_close(e);
}

static long long rows(struct fixture *f)
{
    return fixture_number(f, "SELECT count(*) FROM spend");
}

STORE_TEST(sums_nobody_compares_any_more_go_and_no_others)
{
    ahead_us = 0;
    f->call.clock = &later;
    spend(f, 0, MANY, true);
    spend(f, MANY, 10, false); /* held, whoever holds it */
    cr_assert_eq(rows(f), MANY + 10);
    run_house(f);
    cr_assert_eq(rows(f), MANY + 10, "of today");
    ahead_us = (SPEND_KEEP_DAYS - 1) * day_us;
    run_house(f);
    cr_assert_eq(rows(f), MANY + 10, "a day too early");
    spend(f, MANY + 10, 3, true);
    ahead_us = (SPEND_KEEP_DAYS + 1) * day_us;
    run_house(f);
    cr_assert_eq(rows(f), 13,
                 "old sums in more than one unit go, what is held and what is newer stays");
}
