/* webhook_share: no class and no tenant has all of the places. */
#include <criterion/criterion.h>

#include "agent/webhook_share.h"
#include "support/table.h"

enum { SECONDS_NS = 1000000000 };

/* One tenant takes places of one class until there are no more; another does the same after it. */
static const struct row {
    enum webhook_class first, second;
    size_t n_first, n_second;
} rows[] = {
    {WEBHOOK_SLOW, WEBHOOK_SLOW, 1, 1},  {WEBHOOK_SLOW, WEBHOOK_NEW, 1, 4},
    {WEBHOOK_SLOW, WEBHOOK_QUICK, 1, 5}, {WEBHOOK_NEW, WEBHOOK_SLOW, 4, 1},
    {WEBHOOK_NEW, WEBHOOK_NEW, 4, 1},    {WEBHOOK_NEW, WEBHOOK_QUICK, 4, 2},
    {WEBHOOK_QUICK, WEBHOOK_SLOW, 5, 1}, {WEBHOOK_QUICK, WEBHOOK_QUICK, 5, 1},
};

static const size_t most[] = {[WEBHOOK_QUICK] = 5, [WEBHOOK_NEW] = 4, [WEBHOOK_SLOW] = 1};

static size_t take_all(struct webhook_share *s, int64_t tenant_id, enum webhook_class class)
{
    size_t n = 0;

    while (n <= WEBHOOK_PLACES && webhook_share_take(s, tenant_id, class))
        n++;
    return n;
}

TABLE_TEST(webhook_share, leaves_places_to_others, struct row, rows)
{
    struct webhook_share *s = webhook_share_new();

    cr_assert_eq(take_all(s, 1, row->first), row->n_first);
    cr_assert_eq(take_all(s, 2, row->second), row->n_second);
    for (size_t i = 0; i < row->n_first; i++)
        webhook_share_give(s, 1, row->first);
    cr_assert_eq(take_all(s, 2, row->second), most[row->second] - row->n_second);
    webhook_share_free(s);
}

Test(webhook_share, an_address_is_what_it_was_the_last_time)
{
    struct webhook_share *s = webhook_share_new();
    struct uuid a = {.b = {[15] = 1}}, b = {.b = {[15] = 2}};

    cr_assert_eq(webhook_share_class(s, a), WEBHOOK_NEW);
    webhook_share_learn(s, a, 14 * (int64_t)SECONDS_NS);
    cr_assert_eq(webhook_share_class(s, a), WEBHOOK_SLOW);
    cr_assert_eq(webhook_share_class(s, b), WEBHOOK_NEW);
    webhook_share_learn(s, a, SECONDS_NS / 10);
    cr_assert_eq(webhook_share_class(s, a), WEBHOOK_QUICK);
    webhook_share_free(s);
}
