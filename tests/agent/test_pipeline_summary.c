/* pipeline_summary: sums, rates and ages, pure parts first, then on a real store. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "agent/deal_move.h"
#include "agent/desk.h"
#include "agent/instant.h"
#include "agent/pipeline.h"
#include "agent/pipeline_gather.h"
#include "agent/pipeline_past.h"
#include "agent/pipeline_summary.h"
#include "domain/pipeline.h"
#include "support/table.h"

/* Wilson, 95 %: the roots of (share - x)^2 = z^2 x (1 - x) / n, solved as a quadratic. */
struct range_case {
    uint64_t k, n;
    double low, high;
};

static const struct range_case ranges[] = {
    {0, 10, 0, 0.2775328},  {1, 10, 0.0178762, 0.4041500},   {5, 10, 0.2365931, 0.7634069},
    {10, 10, 0.7224672, 1}, {80, 100, 0.7111708, 0.8666331},
};

TABLE_TEST(pipeline_summary, shares_have_a_wilson_range, struct range_case, ranges)
{
    struct share_range r = share_range(row->k, row->n);

    cr_assert_float_eq(r.low, row->low, 1e-6, "%g", r.low);
    cr_assert_float_eq(r.high, row->high, 1e-6, "%g", r.high);
}

struct per_day_case {
    int64_t minor, days, want;
};

static const struct per_day_case per_day[] = {
    {0, 1, 0},
    {100, 1, 100},
    {100, 3, 33},
    {200, 3, 67},
    {INT64_MAX, 1, INT64_MAX},
    {INT64_MAX, 365, INT64_C(25269512429739112)},
};

TABLE_TEST(pipeline_summary, sums_are_spread_over_days_without_overflow, struct per_day_case,
           per_day)
{
    cr_assert_eq(summary_per_day(row->minor, row->days * INT64_C(86400000000)), row->want, "%lld",
                 (long long)summary_per_day(row->minor, row->days * INT64_C(86400000000)));
}

Test(pipeline_summary, a_stage_counts_a_deal_once_and_learns_from_its_first_forward_move)
{
    /* stage, kind, day */
    static const struct {
        char *stage;
        StageChangeKind kind;
        int64_t day;
    } moves[] = {
        {"discovery", STAGE_CHANGE_KIND_CREATED, 0}, {"proposal", STAGE_CHANGE_KIND_FORWARD, 4},
        {"discovery", STAGE_CHANGE_KIND_BACK, 5},    {"proposal", STAGE_CHANGE_KIND_FORWARD, 15},
        {"lost", STAGE_CHANGE_KIND_CLOSED, 20},
    };
    enum { N = sizeof moves / sizeof *moves };
    Timestamp times[N];
    StageChange changes[N], *history[N];
    Deal deal = DEAL_INIT;
    struct pipeline_past past;
    struct tally discovery = {0}, proposal = {0};
    struct arena a;

    for (size_t i = 0; i < N; i++) {
        times[i] = (Timestamp)TIMESTAMP_INIT;
        times[i].seconds = moves[i].day * 86400;
        changes[i] = (StageChange)STAGE_CHANGE_INIT;
        changes[i].to_stage = moves[i].stage;
        changes[i].kind = moves[i].kind;
        changes[i].occurred_at = &times[i];
        history[i] = &changes[i];
    }
    deal.history = history;
    deal.n_history = N;
    deal.stage_kind = STAGE_KIND_LOST;
    arena_init(&a, 1 << 20);
    cr_assert(pipeline_past_init(&past, &a, pipeline_default(), 4));
    pipeline_past_add(&past, &deal);
    pipeline_past_tell(&past, 0, &discovery);
    pipeline_past_tell(&past, 1, &proposal);
    cr_assert_eq(discovery.entered, 1);
    cr_assert_eq(discovery.forward, 1);
    cr_assert_eq(discovery.won, 0);
    cr_assert_float_eq(discovery.median_days, 4, 1e-9);
    cr_assert_eq(proposal.entered, 1);
    cr_assert_eq(proposal.forward, 0, "back and lost are not forward");
    cr_assert_eq(proposal.left, 1);
    arena_release(&a);
}

static GetPipelineSummaryResponse *summarise(struct desk *d, const char *filter)
{
    GetPipelineSummaryRequest in = GET_PIPELINE_SUMMARY_REQUEST_INIT;
    GetPipelineSummaryResponse *out = NEW(&d->call->arena, GetPipelineSummaryResponse, 1);

    *out = (GetPipelineSummaryResponse)GET_PIPELINE_SUMMARY_RESPONSE_INIT;
    in.filter = (char *)filter;
    cr_assert_eq(pipeline_summary(d->call, &d->agents, &in, out), STATUS_OK, "%s",
                 d->call->fault.why);
    return out;
}

static Deal *put(struct desk *d, const char *owner, long long minor, const char *currency, int days)
{
    Deal in = desk_sound_deal(d);

    in.owner_id = (char *)owner;
    in.amount = currency ? desk_money(d, minor, currency) : NULL;
    in.created_at = desk_ago(d, days);
    return desk_deal(d, in);
}

DESK_TEST(pipeline_summary, an_empty_pipeline_sums_to_nothing)
{
    const GetPipelineSummaryResponse *s = summarise(d, "");

    cr_assert_eq(s->total->count, 0);
    cr_assert_eq(s->n_stages, 6);
    cr_assert_eq(s->n_categories, 5);
    cr_assert_eq(s->n_owners, 0);
    cr_assert_null(s->total->win_rate_interval);
    cr_assert_str_eq(s->pipeline_id, "default");
}

DESK_TEST(pipeline_summary, amounts_add_up_by_stage_owner_and_currency_and_are_weighted)
{
    const GetPipelineSummaryResponse *s;
    ProgressDealResponse moved;

    put(d, "ada", 10001, "EUR", 2);
    put(d, "ada", 10003, "EUR", 4);
    put(d, "bob", 500, "JPY", 6);
    put(d, "bob", 0, NULL, 8);
    cr_assert_eq(desk_progress(d, put(d, "bob", 1000, "EUR", 0)->id, "proposal", NULL, &moved),
                 STATUS_OK, "%s", d->call->fault.why);
    s = summarise(d, "");
    cr_assert_eq(s->total->count, 5);
    cr_assert_eq(s->total->n_amount, 2);
    cr_assert_str_eq(s->total->amount[0]->currency_code, "EUR");
    cr_assert_eq(s->total->amount[0]->amount_minor, 21004);
    cr_assert_eq(s->total->weighted_amount[0]->amount_minor, 2350, "0.1 * 20004 + 0.35 * 1000");
    cr_assert_eq(s->total->amount[1]->amount_minor, 500);
    cr_assert_float_eq(s->total->mean_age_days, 4, 0.01);
    cr_assert_eq(s->stages[0]->count, 4);
    cr_assert_str_eq(s->stages[1]->key, "proposal");
    cr_assert_eq(s->stages[1]->count, 1);
    cr_assert_eq(s->n_owners, 2);
    cr_assert_str_eq(s->owners[0]->key, "ada", "most euros, though fewer deals");
    cr_assert_eq(s->owners[1]->count, 3);
    cr_assert_eq(s->categories[1]->count, 5, "discovery and proposal are PIPELINE");
    s = summarise(d, "owner_id = \"bob\" AND amount > 0");
    cr_assert_eq(s->total->count, 2);
}

DESK_TEST(pipeline_summary, stale_deals_are_named_longest_first)
{
    const GetPipelineSummaryResponse *s;
    const Deal *old = put(d, "ada", 1, "EUR", 40), *older = put(d, "ada", 1, "EUR", 50);

    put(d, "ada", 1, "EUR", 29);
    s = summarise(d, "");
    cr_assert_eq(s->total->stale_count, 2);
    cr_assert_eq(s->n_stale_deal_ids, 2);
    cr_assert_str_eq(s->stale_deal_ids[0], older->id);
    cr_assert_str_eq(s->stale_deal_ids[1], old->id);
    cr_assert_eq(s->total->no_next_step_count, 0);
}

/* What a caller learns when there are more deals than a scan looks at. */
DESK_TEST(pipeline_summary, a_scan_that_left_deals_out_says_so)
{
    const TenantPolicy *policy;
    struct gather *k = NEW(&d->call->arena, struct gather, 1);

    for (int i = 0; i < 3; i++)
        put(d, "ada", 1, "EUR", 40 + i);
    cr_assert_eq(policy_get(d->call, d->agents.policies, &policy), STATUS_OK);
    for (size_t most = 2; most <= 3; most++) {
        *k = (struct gather){.filter = STR(""),
                             .past_filter = STR("stage_kind = WON"),
                             .pipeline = pipeline_find(policy, ""),
                             .now_us = call_now_us(d->call),
                             .deals_max = most};
        cr_assert_eq(store_run(d->agents.store, d->call, STORE_READ, gather_unit, k), STATUS_OK);
        cr_expect_eq(k->open_cut, most < 3);
        cr_expect_not(k->closed_cut);
        cr_expect_eq(k->n_overdue, most);
        cr_expect_eq(k->total.count, 3, "counts are of all");
    }
}

DESK_TEST(pipeline_summary, a_filter_of_as_many_terms_as_a_list_takes)
{
    char filter[2000] = "amount > 0";

    for (int i = 1; i < 32; i++)
        snprintf(filter + strlen(filter), sizeof filter - strlen(filter), " AND amount > %d", -i);
    put(d, "ada", 1, "EUR", 1);
    cr_assert_eq(summarise(d, filter)->total->count, 1);
}

DESK_TEST(pipeline_summary, rates_and_speed_come_from_closed_deals)
{
    const GetPipelineSummaryResponse *s;
    ProgressDealResponse moved;

    for (int i = 0; i < 4; i++) {
        Deal *deal = put(d, i < 2 ? "ada" : "bob", 36500, "EUR", 10);

        cr_assert_eq(desk_progress(d, deal->id, "proposal", NULL, &moved), STATUS_OK);
        cr_assert_eq(
            desk_progress(d, deal->id, i ? "won" : "lost", i ? "best_fit" : "price", &moved),
            STATUS_OK, "%s", d->call->fault.why);
    }
    put(d, "ada", 1, "EUR", 1);
    s = summarise(d, "");
    cr_assert_eq(s->total->count, 1, "closed deals are not in the pipeline");
    cr_assert_float_eq(s->total->win_rate, 0.75, 1e-9);
    cr_assert_float_eq(s->total->win_rate_interval->level, 0.95, 1e-9);
    cr_assert_float_eq(s->owners[0]->win_rate, 0.5, 1e-9, "ada won one of two");
    cr_assert_float_eq(s->stages[0]->conversion_rate, 1, 1e-9);
    cr_assert_float_eq(s->stages[0]->median_days_to_move, 10, 0.01);
    cr_assert_float_eq(s->stages[1]->conversion_rate, 0.75, 1e-9);
    cr_assert_eq(s->n_velocity_per_day, 1);
    cr_assert_eq(s->velocity_per_day[0]->amount_minor, 300, "3 x 365.00 over 365 days");
    cr_assert_eq(summarise(d, "stage_kind = WON")->total->count, 3);
}

DESK_TEST(pipeline_summary, a_history_under_a_day_or_a_foreign_pipeline_is_refused)
{
    GetPipelineSummaryRequest in = GET_PIPELINE_SUMMARY_REQUEST_INIT;
    GetPipelineSummaryResponse out = GET_PIPELINE_SUMMARY_RESPONSE_INIT;
    TimeRange range = TIME_RANGE_INIT;

    in.history = &range;
    range.start_time = range.end_time = desk_ago(d, 3);
    cr_assert_eq(pipeline_summary(d->call, &d->agents, &in, &out), STATUS_INVALID);
    cr_assert(desk_named(d, "history.start_time"));
    call_clear(d->call);
    in.pipeline_id = "moon";
    cr_assert_eq(pipeline_summary(d->call, &d->agents, &in, &out), STATUS_NOT_FOUND);
}

DESK_TEST(pipeline_summary, the_built_in_pipeline_is_listed_and_pages_end)
{
    ListPipelinesRequest in = LIST_PIPELINES_REQUEST_INIT;
    ListPipelinesResponse out = LIST_PIPELINES_RESPONSE_INIT;

    cr_assert_eq(pipeline_list(d->call, &d->agents, &in, &out), STATUS_OK);
    cr_assert_eq(out.n_pipelines, 1);
    cr_assert_str_eq(out.pipelines[0]->id, "default");
    cr_assert_str_eq(out.next_page_token, "");
    in.page_token = "moon";
    cr_assert_eq(pipeline_list(d->call, &d->agents, &in, &out), STATUS_INVALID);
}
