/* deal: how deals begin and change, on a real store. */
#include <criterion/criterion.h>

#include "agent/deal.h"
#include "agent/desk.h"
#include "agent/event.h"
#include "agent/instant.h"

static StageChange *visit(struct desk *d, const char *from, const char *to, int days_ago)
{
    StageChange *s = NEW(&d->call->arena, StageChange, 1);

    *s = (StageChange)STAGE_CHANGE_INIT;
    s->from_stage = (char *)from;
    s->to_stage = (char *)to;
    s->occurred_at = desk_ago(d, days_ago);
    return s;
}

static enum status create(struct desk *d, Deal deal, CreateDealResponse *out)
{
    CreateDealRequest in = CREATE_DEAL_REQUEST_INIT;

    *out = (CreateDealResponse)CREATE_DEAL_RESPONSE_INIT;
    in.deal = &deal;
    return deal_create(d->call, &d->agents, &in, out);
}

DESK_TEST(deal, a_new_deal_begins_in_the_first_stage_of_the_default_pipeline)
{
    Deal in = DEAL_INIT;
    Deal *deal;

    in.name = "  Bare \t deal ";
    in.score = 99; /* the server's to say */
    deal = desk_deal(d, in);
    cr_assert_str_eq(deal->name, "Bare deal");
    cr_assert_str_eq(deal->pipeline_id, "default");
    cr_assert_str_eq(deal->stage, "discovery");
    cr_assert_eq(deal->stage_kind, STAGE_KIND_OPEN);
    cr_assert_eq(deal->category, FORECAST_CATEGORY_PIPELINE);
    cr_assert_eq(deal->score, 0);
    cr_assert_eq(deal->n_history, 1);
    cr_assert_eq(deal->history[0]->kind, STAGE_CHANGE_KIND_CREATED);
    cr_assert_str_eq(deal->history[0]->actor->id, "ada");
    cr_assert_eq(instant_us(deal->stage_time), instant_us(deal->created_at));
    cr_assert_eq(desk_events(d, EVENT_DEAL_CREATED), 1);
}

DESK_TEST(deal, a_known_external_id_returns_the_deal_on_record)
{
    Deal in = DEAL_INIT;
    CreateDealResponse out;
    Deal *first;

    in.external_id = "crm-1";
    first = desk_deal(d, in);
    in.name = "Another";
    cr_assert_eq(create(d, in, &out), STATUS_OK);
    cr_assert(!out.created);
    cr_assert_str_eq(out.deal->id, first->id);
    cr_assert_eq(desk_events(d, EVENT_DEAL_CREATED), 1);
}

DESK_TEST(deal, a_past_is_taken_with_its_times_and_tells_the_lead)
{
    Lead *lead = desk_lead(d, LEAD_STATUS_NEW);
    CloseReason reason = CLOSE_REASON_INIT;
    StageChange *history[] = {visit(d, "", "discovery", 90), visit(d, "discovery", "proposal", 60),
                              visit(d, "proposal", "lost", 30)};
    Deal in = desk_sound_deal(d), *deal;

    reason.code = "price";
    history[0]->expected_close_date = "2020-01-31";
    history[1]->expected_close_date = "2020-02-28";
    in.expected_close_date = "2020-02-01";
    in.history = history;
    in.n_history = 3;
    in.close_reason = &reason;
    in.lead_id = lead->id;
    deal = desk_deal(d, in);
    cr_assert_str_eq(deal->stage, "lost");
    cr_assert_eq(deal->stage_kind, STAGE_KIND_LOST);
    cr_assert_eq(instant_us(deal->closed_at), instant_us(history[2]->occurred_at));
    cr_assert_eq(instant_us(deal->created_at), instant_us(history[0]->occurred_at));
    cr_assert_eq(deal->push_count, 1);
    cr_assert_eq(history[0]->kind, 0, "the request stays as it was");
    lead = desk_get_lead(d, lead->id);
    cr_assert_eq(lead->outcome, LEAD_OUTCOME_LOST);
    cr_assert_eq(instant_us(lead->closed_at), instant_us(deal->closed_at));
}

DESK_TEST(deal, what_does_not_fit_the_pipeline_is_named)
{
    StageChange *gap[] = {visit(d, "", "discovery", 3), visit(d, "proposal", "negotiation", 2)};
    Deal in = DEAL_INIT;
    CreateDealResponse out;

    in.pipeline_id = "moon";
    cr_assert_eq(create(d, in, &out), STATUS_INVALID);
    cr_assert(desk_named(d, "deal.pipeline_id"));
    call_clear(d->call);
    in.pipeline_id = "";
    in.stage = "moon";
    cr_assert_eq(create(d, in, &out), STATUS_INVALID);
    cr_assert(desk_named(d, "deal.stage"));
    call_clear(d->call);
    in.stage = "";
    in.history = gap;
    in.n_history = 2;
    cr_assert_eq(create(d, in, &out), STATUS_INVALID);
    cr_assert(desk_named(d, "deal.history"));
    call_clear(d->call);
    in.n_history = 1;
    in.created_at = desk_ago(d, 1);
    cr_assert_eq(create(d, in, &out), STATUS_INVALID);
    cr_assert(desk_named(d, "deal.created_at"));
    call_clear(d->call);
    cr_assert_eq(desk_events(d, EVENT_DEAL_CREATED), 0);
}

DESK_TEST(deal, amounts_and_dates_are_checked_all_at_once)
{
    Deal in = DEAL_INIT;
    CreateDealResponse out;

    in.amount = desk_money(d, -1, "XYZ");
    in.expected_close_date = "2026-02-30";
    cr_assert_eq(create(d, in, &out), STATUS_INVALID);
    cr_assert(desk_named(d, "deal.amount.amount_minor"));
    cr_assert(desk_named(d, "deal.amount.currency_code"));
    cr_assert(desk_named(d, "deal.expected_close_date"));
    call_clear(d->call);
    in = desk_sound_deal(d);
    in.amount = desk_money(d, 5, "");
    cr_assert_str_eq(desk_deal(d, in)->amount->currency_code, "USD");
}

DESK_TEST(deal, an_update_counts_pushes_and_leaves_the_stage_alone)
{
    Deal *deal = desk_deal(d, desk_sound_deal(d)), change = DEAL_INIT;
    UpdateDealResponse out = UPDATE_DEAL_RESPONSE_INIT;
    UpdateDealRequest in = UPDATE_DEAL_REQUEST_INIT;
    FieldMask mask = FIELD_MASK_INIT;
    char *stage[] = {"stage"}, *category[] = {"category"};

    in.deal = &change;
    change.id = deal->id;
    change.expected_close_date = "2999-03-01";
    cr_assert_eq(deal_update(d->call, &d->agents, &in, &out), STATUS_OK);
    cr_assert_eq(out.deal->push_count, 0, "earlier, in the same month");
    change.expected_close_date = "2999-04-01";
    cr_assert_eq(deal_update(d->call, &d->agents, &in, &out), STATUS_OK);
    cr_assert_eq(out.deal->push_count, 1);
    cr_assert_str_eq(out.deal->name, "Compiler licence");
    in.update_mask = &mask;
    mask.paths = stage;
    mask.n_paths = 1;
    change.stage = "won";
    cr_assert_eq(deal_update(d->call, &d->agents, &in, &out), STATUS_INVALID);
    call_clear(d->call);
    mask.paths = category;
    change.category = FORECAST_CATEGORY_COMMIT;
    cr_assert_eq(deal_update(d->call, &d->agents, &in, &out), STATUS_OK);
    cr_assert_eq(out.deal->category, FORECAST_CATEGORY_COMMIT);
    change.category = FORECAST_CATEGORY_UNSPECIFIED;
    cr_assert_eq(deal_update(d->call, &d->agents, &in, &out), STATUS_OK);
    cr_assert_eq(out.deal->category, FORECAST_CATEGORY_PIPELINE, "the stage's");
    change.etag = deal->etag;
    cr_assert_eq(deal_update(d->call, &d->agents, &in, &out), STATUS_CONFLICT);
}
