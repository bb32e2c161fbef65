/* money: exact amounts and sums. */
#include <math.h>
#include <stdint.h>

#include "domain/money.h"
#include "support/table.h"

struct parse_case {
    const char *in;
    unsigned digits;
    bool ok;
    int64_t minor;
};

static const struct parse_case parses[] = {
    {"1234.5", 2, true, 123450},
    {"1234,50", 2, true, 123450},
    {" 7 ", 2, true, 700},
    {"-0.01", 2, true, -1},
    {"+5", 0, true, 5},
    {"1.500", 2, true, 150},
    {"1.505", 2, false, 0},
    {"1.5", 3, true, 1500},
    {"", 2, false, 0},
    {"-", 2, false, 0},
    {".5", 2, false, 0},
    {"1e5", 2, false, 0},
    {"1,234.50", 2, false, 0},
    {"- 5", 2, false, 0},
    {"--5", 2, false, 0},
    {"92233720368547758.07", 2, true, INT64_MAX},
    {"92233720368547758.08", 2, false, 0},
};

TABLE_TEST(money, decimal_text_becomes_minor_units_or_nothing, struct parse_case, parses)
{
    int64_t minor;

    cr_assert_eq(money_parse(str_of(row->in), row->digits, &minor), row->ok, "[%s]", row->in);
    cr_assert_eq(minor, row->minor, "[%s] gave %lld", row->in, (long long)minor);
}

Test(money, currencies_know_their_digits)
{
    unsigned digits;

    cr_assert(currency_find(STR("USD"), &digits) && digits == 2);
    cr_assert(currency_find(STR("JPY"), &digits) && digits == 0);
    cr_assert(currency_find(STR("BHD"), &digits) && digits == 3);
    cr_assert_not(currency_find(STR("XXX"), &digits));
    cr_assert_not(currency_find(STR("usd"), &digits));
}

Test(money, formats_with_the_digits_of_the_currency)
{
    struct arena a;

    arena_init(&a, 1 << 16);
    cr_assert_str_eq(money_format(&a, 123450, STR("USD")), "1234.50 USD");
    cr_assert_str_eq(money_format(&a, -5, STR("USD")), "-0.05 USD");
    cr_assert_str_eq(money_format(&a, 7, STR("JPY")), "7 JPY");
    cr_assert_str_eq(money_format(&a, INT64_MIN, STR("EUR")), "-92233720368547758.08 EUR");
    arena_release(&a);
}

Test(money, a_thousand_thirds_do_not_drift)
{
    struct money_sum s = {0};

    for (int i = 0; i < 1000; i++)
        money_sum_add(&s, 100, 0.333333);
    cr_assert_eq(s.minor, 100000);
    cr_assert_eq(money_sum_weighted(&s), 33333); /* 33333.3; rounding each would give 33000 */
    cr_assert_eq(s.count, 1000);
    cr_assert_not(s.overflowed);
}

Test(money, sums_stop_at_the_end_and_say_so)
{
    struct money_sum s = {0};

    money_sum_add(&s, INT64_MAX, 1);
    cr_assert_eq(money_sum_weighted(&s), INT64_MAX);
    cr_assert_not(s.overflowed);
    money_sum_add(&s, 1, 1);
    cr_assert(s.overflowed);
    cr_assert_eq(s.minor, INT64_MAX);
    s = (struct money_sum){0};
    money_sum_add(&s, INT64_MIN, 1);
    cr_assert_eq(s.weighted_minor, INT64_MIN);
}

Test(money, chances_outside_of_0_to_1_are_clipped)
{
    cr_assert_eq(money_weighted(1000, 2), 1000);
    cr_assert_eq(money_weighted(1000, -1), 0);
    cr_assert_eq(money_weighted(1000, (double)NAN), 0);
    cr_assert_eq(money_weighted(-1001, 0.5), -500); /* half a cent goes up */
    cr_assert_eq(money_weighted(1001, 0.5), 501);
}
