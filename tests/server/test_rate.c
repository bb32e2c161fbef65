/* Token buckets of tenants: alone, by class, by policy, and shared through a real Redis. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "intercept/tenant_rate.h"
#include "support/table.h"

static int64_t fake_ns = 1000000000;

static int64_t fake_now(const struct clock_ops *c)
{
    (void)c;
    return fake_ns / 1000;
}
static int64_t fake_monotonic(const struct clock_ops *c)
{
    (void)c;
    return fake_ns;
}
static void some_random(const struct clock_ops *c, void *out, size_t n)
{
    (void)c;
    system_clock.random(&system_clock, out, n);
}
static const struct clock_ops fake_clock = {fake_now, fake_monotonic, some_random};

static struct call c;

static struct tenant_rate *make(int64_t rate, int64_t burst, const char *url)
{
    return tenant_rate_new(&c, &(struct tenant_rate_options){rate, burst, url, NULL});
}

/* Calls let through, of n at once. */
static int let_through(struct tenant_rate *t, struct rate_ask ask, int n)
{
    int passed = 0;

    for (int i = 0; i < n; i++)
        passed += tenant_rate_take(t, &c, &ask).wait_ns == 0;
    return passed;
}

static void set_up(void)
{
    call_init(&c, &fake_clock, 16 << 20);
}

static void tear_down(void)
{
    call_release(&c);
}

TestSuite(rate, .init = set_up, .fini = tear_down);

struct class_row {
    enum rate_class class;
    int32_t policy; /* calls per second; 0: the server's 100, burst 200 */
    int burst;      /* let through at once */
    int per_second; /* and after a second more */
};

static const struct class_row class_rows[] = {
    {RATE_READ, 0, 200, 100},      {RATE_WRITE, 0, 100, 50}, {RATE_STREAM, 0, 10, 5},
    {RATE_READ, 1000, 2000, 1000}, {RATE_WRITE, 10, 10, 5},  {RATE_STREAM, 1, 2, 1},
};

TABLE_TEST(rate_class, each_has_its_share_of_what_the_policy_allows, struct class_row, class_rows)
{
    struct tenant_rate *t;
    struct rate_ask ask = {7, row->policy, row->class};

    set_up();
    t = make(100, 200, "");
    cr_assert_not_null(t);
    cr_expect_eq(let_through(t, ask, 5000), row->burst);
    fake_ns += 1000000000;
    cr_expect_eq(let_through(t, ask, 5000), row->per_second);
    cr_expect_eq(tenant_rate_take(t, &c, &ask).calls_per_second, row->per_second);
    tenant_rate_free(t);
    tear_down();
}

Test(rate, classes_and_tenants_do_not_pay_for_each_other)
{
    struct tenant_rate *t = make(10, 3, NULL);

    cr_expect_eq(let_through(t, (struct rate_ask){1, 0, RATE_READ}, 10), 3);
    cr_expect_eq(let_through(t, (struct rate_ask){1, 0, RATE_WRITE}, 10), 1);
    for (int64_t tenant = 2; tenant < 1000; tenant++)
        cr_assert_eq(let_through(t, (struct rate_ask){tenant, 0, RATE_READ}, 1), 1);
    tenant_rate_free(t);
}

Test(rate, more_tenants_than_slots_still_work)
{
    struct tenant_rate *t = make(1000000, 1000000, NULL);

    for (int64_t tenant = 1; tenant < 2 * TENANT_RATE_SLOTS; tenant++)
        cr_assert_eq(let_through(t, (struct rate_ask){tenant, 0, RATE_READ}, 1), 1);
    tenant_rate_free(t);
}

Test(rate, the_wait_is_the_time_to_the_next_token)
{
    struct tenant_rate *t = make(10, 1, NULL);
    struct rate_ask ask = {1, 0, RATE_READ};
    int64_t wait_ns;

    cr_assert_eq(let_through(t, ask, 5), 1);
    wait_ns = tenant_rate_take(t, &c, &ask).wait_ns;
    cr_assert_gt(wait_ns, 0);
    cr_expect_eq(tenant_rate_closed(t, 1, RATE_READ, fake_ns).wait_ns, wait_ns);
    cr_expect_eq(tenant_rate_closed(t, 1, RATE_READ, fake_ns).calls_per_second, 10);
    cr_expect_eq(tenant_rate_closed(t, 1, RATE_WRITE, fake_ns).wait_ns, 0);
    cr_expect_eq(tenant_rate_closed(t, 2, RATE_READ, fake_ns).wait_ns, 0);
    cr_expect_eq(tenant_rate_closed(t, 1, RATE_READ, fake_ns + wait_ns).wait_ns, 0);
    fake_ns += wait_ns - 1;
    cr_expect_eq(let_through(t, ask, 1), 0);
    fake_ns += 1;
    cr_expect_eq(let_through(t, ask, 1), 1);
    tenant_rate_free(t);
}

/* A tenant that no other run has used. */
static int64_t fresh_tenant(void)
{
    uint32_t n;

    system_clock.random(&system_clock, &n, sizeof n);
    return (int64_t)n + 1;
}

static const char *redis_url(void)
{
    static char url[100];
    const char *address = getenv("SALES_TEST_REDIS");

    cr_assert_not_null(address, "run this through ./dev test");
    snprintf(url, sizeof url, "redis://%s", address);
    return url;
}

/* The clock of Redis runs on: the bounds follow from the time that has passed. */
Test(rate, two_servers_share_one_bucket_in_redis)
{
    enum { RATE = 2000, BURST = 400, LEASE = RATE * RATE_LEASE_MS / 1000 };
    struct tenant_rate *servers[2];
    struct rate_ask ask = {fresh_tenant(), 0, RATE_READ};
    int64_t began_us, took_us;
    int passed = 0;

    call_release(&c);
    call_init(&c, NULL, 64 << 20);
    for (int i = 0; i < 2; i++)
        cr_assert_not_null(servers[i] = make(RATE, BURST, redis_url()));
    began_us = call_now_us(&c);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 2; i++)
            passed += let_through(servers[i], ask, 100);
        usleep(2000);
    }
    took_us = call_now_us(&c) - began_us;
    cr_expect_geq(passed, BURST);
    cr_expect_leq(passed, BURST + (int)(took_us * RATE / 1000000) + 2 * LEASE,
                  "%d passed in %lld us: more than one bucket gives", passed, (long long)took_us);
    for (int i = 0; i < 2; i++)
        tenant_rate_free(servers[i]);
}

Test(rate, without_an_answer_from_redis_each_server_counts_for_itself)
{
    struct tenant_rate *t = make(10, 4, "redis://127.0.0.1:1"); /* nobody listens there */

    cr_assert_not_null(t);
    cr_expect_eq(let_through(t, (struct rate_ask){1, 0, RATE_READ}, 100), 4);
    cr_expect_eq(c.fault.status, STATUS_OK);
    tenant_rate_free(t);
}

Test(rate, a_wrong_url_is_refused)
{
    cr_assert_null(make(10, 4, "http://user:secret@example.org"));
    cr_expect_eq(c.fault.status, STATUS_INVALID);
    cr_expect_null(strstr(c.fault.why, "secret"));
}
