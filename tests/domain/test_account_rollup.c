/* account_rollup: the lead's own end is no input of its score, nor is what came later. */
#include "domain/account_rollup.h"
#include "lead_case.h"
#include "support/table.h"

static struct arena arena;

static void setup(void)
{
    arena_init(&arena, 1 << 20);
}

static void teardown(void)
{
    arena_release(&arena);
}

TestSuite(account_rollup, .init = setup, .fini = teardown);

static Lead *ended(const char *id, LeadOutcome outcome, int days_ago)
{
    Lead *l = lead_new(&arena, 400);

    l->id = arena_cstr(&arena, str_of(id));
    l->status = LEAD_STATUS_CONVERTED;
    l->status_time = moment_new(&arena, NOW - (days_ago + 5) * MOMENT_DAY_US);
    l->outcome = outcome;
    l->closed_at = moment_new(&arena, NOW - days_ago * MOMENT_DAY_US);
    return l;
}

static struct score_account of(const Lead *l, int64_t as_of_us)
{
    struct account_rollup r;

    account_rollup_init(&r, "me", as_of_us, NOW);
    account_rollup_add(&r, l);
    return r.account;
}

Test(account_rollup, how_the_lead_itself_ended_is_not_seen)
{
    struct score_account won = of(ended("me", LEAD_OUTCOME_WON, 10), NOW),
                         lost = of(ended("me", LEAD_OUTCOME_LOST, 10), NOW);

    cr_assert(!won.open_deal && !won.won_before && !won.lost_before && !won.lost_90d);
    cr_assert(!lost.open_deal && !lost.won_before && !lost.lost_before && !lost.lost_90d);
    cr_assert_eq(won.n_contacts, 1);
}

Test(account_rollup, how_others_ended_is_seen_from_then_on)
{
    const Lead *won = ended("other", LEAD_OUTCOME_WON, 10);
    const Lead *lost = ended("other", LEAD_OUTCOME_LOST, 100);

    cr_assert(of(won, NOW).won_before && !of(won, NOW).open_deal);
    cr_assert(!of(won, NOW - 12 * MOMENT_DAY_US).won_before);
    cr_assert(of(won, NOW - 12 * MOMENT_DAY_US).open_deal);
    cr_assert(!of(won, NOW - 16 * MOMENT_DAY_US).open_deal);
    cr_assert(of(lost, NOW).lost_before && !of(lost, NOW).lost_90d);
    cr_assert(of(lost, NOW - 50 * MOMENT_DAY_US).lost_90d);
}

Test(account_rollup, leads_of_later_do_not_exist_and_roles_count_once)
{
    struct account_rollup r;
    Lead *a = lead_new(&arena, 50), *b = lead_new(&arena, 50), *c = lead_new(&arena, 5);

    a->buying_role = b->buying_role = BUYING_ROLE_CHAMPION;
    c->buying_role = BUYING_ROLE_ECONOMIC_BUYER;
    account_rollup_init(&r, "me", NOW - 10 * MOMENT_DAY_US, NOW);
    account_rollup_add(&r, a);
    account_rollup_add(&r, b);
    account_rollup_add(&r, c);
    cr_assert_eq(r.account.n_contacts, 2);
    cr_assert_eq(r.account.n_roles, 1);
    cr_assert_not(r.account.economic_buyer_seen);
}

/* The last activity of another lead may have come after the instant: then nobody can tell. */
Test(account_rollup, who_is_active_is_known_of_now_only)
{
    Lead *l = lead_new(&arena, 50);

    l->last_activity_time = moment_new(&arena, NOW - 3 * MOMENT_DAY_US);
    cr_assert(of(l, NOW).active_known);
    cr_assert_eq(of(l, NOW).n_active_14d, 1);
    cr_assert_not(of(l, NOW - MOMENT_DAY_US).active_known);
    cr_assert_eq(of(l, NOW - MOMENT_DAY_US).n_active_14d, 0);
}
