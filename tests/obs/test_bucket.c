#include <criterion/criterion.h>

#include "obs/bucket.h"

enum { SECOND = 1000000000 };

Test(bucket, gives_its_burst_then_its_rate)
{
    struct bucket_rate rate = bucket_rate_of(10, 5);
    struct bucket b = {0};
    int64_t now = 7LL * SECOND;
    int taken = 0;

    for (int i = 0; i < 5; i++)
        cr_assert_eq(bucket_take(&b, rate, now), 0, "token %d of the burst", i);
    cr_assert_eq(bucket_take(&b, rate, now), SECOND / 10);
    for (int ms = 0; ms < 1000; ms++)
        taken += bucket_take(&b, rate, now += 1000000) == 0;
    cr_assert_eq(taken, 10);
}

Test(bucket, a_refusal_says_exactly_when_to_come_back)
{
    struct bucket_rate rate = bucket_rate_of(3, 2);
    struct bucket b = {0};
    int64_t now = 1, wait;

    while ((wait = bucket_take(&b, rate, now)) == 0)
        ;
    cr_assert_gt(bucket_take(&b, rate, now + wait - 1), 0);
    cr_assert_eq(bucket_take(&b, rate, now + wait), 0);
}

Test(bucket, idle_time_does_not_fill_it_over_its_burst)
{
    struct bucket_rate rate = bucket_rate_of(1000, 3);
    struct bucket b = {0};
    int taken = 0;

    cr_assert_eq(bucket_take(&b, rate, 1), 0);
    for (int i = 0; i < 10; i++)
        taken += bucket_take(&b, rate, 3600LL * SECOND) == 0;
    cr_assert_eq(taken, 3);
}
