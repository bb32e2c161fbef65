#include <criterion/criterion.h>

#include "base/call.h"

static int64_t fake_ns;

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
static void fake_random(const struct clock_ops *c, void *out, size_t n)
{
    (void)c;
    memset(out, 7, n);
}
static const struct clock_ops fake_clock = {fake_now, fake_monotonic, fake_random};

Test(call, the_first_failure_wins)
{
    struct call c;

    call_init(&c, NULL, 1 << 16);
    cr_assert_eq(call_fail_as(&c, STATUS_CONFLICT, "ETAG_MISMATCH", "version %d", 3),
                 STATUS_CONFLICT);
    cr_assert_eq(call_fail(&c, STATUS_INTERNAL, "later"), STATUS_CONFLICT);
    cr_assert_str_eq(c.fault.why, "version 3");
    cr_assert_str_eq(c.fault.reason, "ETAG_MISMATCH");
    call_clear(&c);
    cr_assert_eq(c.fault.status, STATUS_OK);
    call_release(&c);
}

Test(call, details_are_kept_in_order_and_bounded)
{
    struct call c;

    call_init(&c, NULL, 1 << 20);
    for (int i = 0; i < FAULT_DETAILS_MAX + 5; i++)
        call_detail(&c, FAULT_FIELD, "string.min_len", STR("lead.email"), "rule %d", i);
    cr_assert_eq(c.fault.n_details, FAULT_DETAILS_MAX);
    cr_assert_eq(c.fault.n_dropped, 5);
    cr_assert_str_eq(c.fault.details[9].text.p, "rule 9");
    call_release(&c);
}

Test(call, deadline_and_cancel_are_reported_once_asked)
{
    struct call c;
    atomic_bool cancelled = false;

    fake_ns = 1000;
    call_init(&c, &fake_clock, 1 << 16);
    c.deadline_ns = 2000;
    c.cancelled = &cancelled;
    cr_assert_eq(call_check(&c), STATUS_OK);
    cr_assert_eq(call_left_ns(&c, 5000), 1000);
    fake_ns = 2000;
    cr_assert_eq(call_left_ns(&c, 5000), 0);
    cr_assert_eq(call_check(&c), STATUS_DEADLINE);
    call_clear(&c);
    cancelled = true;
    cr_assert_eq(call_check(&c), STATUS_CANCELLED);
    call_release(&c);
}
