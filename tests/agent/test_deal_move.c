/* deal_move: from stage to stage and back, on a real store. */
#include <criterion/criterion.h>

#include "agent/activity.h"
#include "agent/deal.h"
#include "agent/deal_move.h"
#include "agent/desk.h"
#include "agent/event.h"

DESK_TEST(deal_move, guards_say_what_would_satisfy_them_and_nothing_moves)
{
    Deal in = DEAL_INIT, *deal;
    ProgressDealResponse out;
    size_t n_guards = 0;

    in.name = "Bare";
    deal = desk_deal(d, in);
    cr_assert_eq(desk_progress(d, deal->id, "negotiation", NULL, &out), STATUS_PRECONDITION);
    for (size_t i = 0; i < d->call->fault.n_details; i++) {
        n_guards += str_eq(d->call->fault.details[i].type, STR("STAGE_GUARD"));
        cr_assert_gt(d->call->fault.details[i].text.n, 0);
    }
    cr_assert_eq(n_guards, 3, "amount, close date and contact, not one after the other");
    call_clear(d->call);
    cr_assert_eq(desk_progress(d, deal->id, "moon", NULL, &out), STATUS_INVALID);
    cr_assert(desk_named(d, "to_stage"));
    call_clear(d->call);
    cr_assert_eq(desk_progress(d, deal->id, "lost", NULL, &out), STATUS_PRECONDITION);
    cr_assert(desk_named(d, "CLOSE_REASON"));
    call_clear(d->call);
    cr_assert_eq(desk_progress(d, deal->id, "lost", "competitor", &out), STATUS_PRECONDITION);
    call_clear(d->call);
    cr_assert_str_eq(desk_get_deal(d, deal->id)->etag, deal->etag);
    cr_assert_eq(desk_events(d, EVENT_DEAL_UPDATED), 0);
}

DESK_TEST(deal_move, a_close_reason_is_refused_where_nothing_closes)
{
    Deal *deal = desk_deal(d, desk_sound_deal(d));
    ProgressDealResponse out;

    cr_assert_eq(desk_progress(d, deal->id, "proposal", "price", &out), STATUS_INVALID);
    cr_assert(desk_named(d, "close_reason"));
}

DESK_TEST(deal_move, times_run_forward_only)
{
    Deal in = desk_sound_deal(d), *deal;
    ProgressDealRequest move = PROGRESS_DEAL_REQUEST_INIT;
    ProgressDealResponse out = PROGRESS_DEAL_RESPONSE_INIT;

    in.created_at = desk_ago(d, 1);
    deal = desk_deal(d, in);
    move.id = deal->id;
    move.to_stage = "proposal";
    move.occurred_at = desk_ago(d, 2);
    cr_assert_eq(deal_progress(d->call, &d->agents, &move, &out), STATUS_INVALID);
    cr_assert(desk_named(d, "occurred_at"));
    call_clear(d->call);
    move.occurred_at = desk_ago(d, -1);
    cr_assert_eq(deal_progress(d->call, &d->agents, &move, &out), STATUS_INVALID);
    cr_assert(desk_named(d, "occurred_at"));
}

DESK_TEST(deal_move, validate_only_shows_the_move_and_stores_nothing)
{
    Deal *deal = desk_deal(d, desk_sound_deal(d));
    ProgressDealRequest move = PROGRESS_DEAL_REQUEST_INIT;
    ProgressDealResponse out = PROGRESS_DEAL_RESPONSE_INIT;

    move.id = deal->id;
    move.to_stage = "proposal";
    move.validate_only = true;
    cr_assert_eq(deal_progress(d->call, &d->agents, &move, &out), STATUS_OK, "%s",
                 d->call->fault.why);
    cr_assert_str_eq(out.deal->stage, "proposal");
    cr_assert_str_eq(desk_get_deal(d, deal->id)->stage, "discovery");
    cr_assert_eq(desk_events(d, EVENT_DEAL_UPDATED), 0);
}

DESK_TEST(deal_move, winning_tells_the_lead_and_reopening_takes_it_back)
{
    Lead *lead = desk_lead(d, LEAD_STATUS_QUALIFIED);
    Deal in = desk_sound_deal(d), *deal;
    ReopenDealRequest again = REOPEN_DEAL_REQUEST_INIT;
    ReopenDealResponse back = REOPEN_DEAL_RESPONSE_INIT;
    ProgressDealResponse out;

    in.lead_id = lead->id;
    deal = desk_deal(d, in);
    again.id = deal->id;
    again.note = "The signature was missing";
    cr_assert_eq(deal_reopen(d->call, &d->agents, &again, &back), STATUS_PRECONDITION, "open");
    call_clear(d->call);
    cr_assert_eq(desk_progress(d, deal->id, "commitment", NULL, &out), STATUS_OK, "%s",
                 d->call->fault.why);
    cr_assert_eq(out.deal->category, FORECAST_CATEGORY_COMMIT, "the stage's");
    cr_assert_eq(desk_progress(d, deal->id, "won", "best_fit", &out), STATUS_OK, "%s",
                 d->call->fault.why);
    cr_assert_eq(out.change->kind, STAGE_CHANGE_KIND_CLOSED);
    cr_assert_eq(out.deal->category, FORECAST_CATEGORY_CLOSED);
    cr_assert_str_eq(out.deal->close_reason->code, "best_fit");
    cr_assert_eq(desk_get_lead(d, lead->id)->outcome, LEAD_OUTCOME_WON);
    cr_assert_eq(desk_events(d, EVENT_DEAL_CLOSED), 1);
    cr_assert_eq(deal_reopen(d->call, &d->agents, &again, &back), STATUS_OK, "%s",
                 d->call->fault.why);
    cr_assert_str_eq(back.deal->stage, "commitment", "the last open stage");
    cr_assert_eq(back.change->kind, STAGE_CHANGE_KIND_REOPENED);
    cr_assert_str_eq(back.change->note, "The signature was missing");
    cr_assert_null(back.deal->closed_at);
    cr_assert_null(back.deal->close_reason);
    cr_assert_eq(back.deal->category, FORECAST_CATEGORY_COMMIT);
    cr_assert_eq(desk_get_deal(d, deal->id)->n_history, 4);
    lead = desk_get_lead(d, lead->id);
    cr_assert_eq(lead->outcome, LEAD_OUTCOME_UNSPECIFIED);
    cr_assert_null(lead->closed_at);
}

DESK_TEST(deal_move, a_category_of_the_owner_stays_until_the_deal_closes)
{
    Deal in = desk_sound_deal(d), *deal;
    ProgressDealResponse out;

    in.category = FORECAST_CATEGORY_BEST_CASE;
    deal = desk_deal(d, in);
    cr_assert_eq(desk_progress(d, deal->id, "proposal", NULL, &out), STATUS_OK);
    cr_assert_eq(out.deal->category, FORECAST_CATEGORY_BEST_CASE);
    cr_assert_eq(desk_progress(d, deal->id, "lost", "timing", &out), STATUS_OK);
    cr_assert_eq(out.deal->category, FORECAST_CATEGORY_OMITTED);
}

DESK_TEST(deal_move, a_full_arena_never_leaves_half_a_move)
{
    Deal *deal = desk_deal(d, desk_sound_deal(d));
    ProgressDealResponse out;
    enum status s = STATUS_INTERNAL;
    int n_failed = 0;

    for (size_t room = 0; s != STATUS_OK && room < (1 << 20); room += 997) {
        struct call small;

        fixture_call(&small, 1);
        small.principal = d->call->principal;
        small.arena.limit = room;
        struct call *whole = d->call;
        d->call = &small;
        s = desk_progress(d, deal->id, "proposal", NULL, &out);
        d->call = whole;
        if (s != STATUS_OK) {
            n_failed++;
            cr_assert_eq(s, STATUS_EXHAUSTED, "%zu bytes: %s", room, small.fault.why);
            cr_assert_eq(desk_get_deal(d, deal->id)->n_history, 1, "%zu bytes", room);
        }
        call_release(&small);
    }
    cr_assert_eq(s, STATUS_OK);
    cr_assert_gt(n_failed, 3);
    cr_assert_eq(desk_get_deal(d, deal->id)->n_history, 2);
}

static enum status tenant_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_insert_tenant(tx, arg);
}

/* Gives the tenant one pipeline: call, then by managers only to won, or to lost. */
static void define_pipeline(struct desk *d)
{
    static StageGuard called = STAGE_GUARD_INIT;
    static StageGuard *guards[] = {&called};
    static Role managers[] = {ROLE_MANAGER};
    static Stage stages[3] = {STAGE_INIT, STAGE_INIT, STAGE_INIT};
    static Stage *stage_list[] = {&stages[0], &stages[1], &stages[2]};
    static StageMove moves[2] = {STAGE_MOVE_INIT, STAGE_MOVE_INIT};
    static StageMove *move_list[] = {&moves[0], &moves[1]};
    static CloseReasonOption reason = CLOSE_REASON_OPTION_INIT;
    static CloseReasonOption *reasons[] = {&reason};
    static const char *const keys[] = {"call", "won", "lost"};
    Pipeline pipeline = PIPELINE_INIT, *pipelines[] = {&pipeline};
    TenantPolicy policy = TENANT_POLICY_INIT;
    Tenant tenant = TENANT_INIT;
    TenantRecord record = TENANT_RECORD_INIT;

    for (int i = 0; i < 3; i++) {
        stages[i].key = stages[i].name = (char *)keys[i];
        stages[i].kind = (StageKind)(STAGE_KIND_OPEN + i);
    }
    called.name = "called";
    called.kind = GUARD_KIND_ACTIVITY_LOGGED;
    called.argument = "call";
    called.minimum = 1;
    called.remedy = "call the customer first";
    stages[1].guards = guards;
    stages[1].n_guards = 1;
    for (int i = 0; i < 2; i++) {
        moves[i].from_stage = "call";
        moves[i].to_stage = stages[i + 1].key;
    }
    moves[0].roles = managers;
    moves[0].n_roles = 1;
    reason.code = reason.name = "fit";
    reason.kind = STAGE_KIND_WON;
    pipeline.id = pipeline.name = "phone";
    pipeline.is_default = true;
    pipeline.stages = stage_list;
    pipeline.n_stages = 3;
    pipeline.moves = move_list;
    pipeline.n_moves = 2;
    pipeline.reasons = reasons;
    pipeline.n_reasons = 1;
    policy.pipelines = pipelines;
    policy.n_pipelines = 1;
    tenant.policy = &policy;
    tenant.key = "acme";
    record.tenant = &tenant;
    record.number = 1;
    cr_assert_eq(store_run_system(d->agents.store, d->call, STORE_WRITE, tenant_unit, &record),
                 STATUS_OK, "%s", d->call->fault.why);
    policy_forget(d->agents.policies, 1);
}

static void log_call(struct desk *d, char *deal_id)
{
    LogActivityRequest in = LOG_ACTIVITY_REQUEST_INIT;
    LogActivityResponse out = LOG_ACTIVITY_RESPONSE_INIT;
    Activity activity = ACTIVITY_INIT;

    activity.deal_id = deal_id;
    activity.kind = ACTIVITY_KIND_CALL;
    in.activity = &activity;
    cr_assert_eq(activity_log(d->call, &d->agents, &in, &out), STATUS_OK, "%s", d->call->fault.why);
}

DESK_TEST(deal_move, the_tenants_own_pipeline_asks_for_roles_and_activities)
{
    Deal begun = DEAL_INIT, in = DEAL_INIT, *deal;
    ProgressDealResponse out;

    begun.name = "Begun before";
    deal = desk_deal(d, begun);
    define_pipeline(d);
    cr_assert_eq(desk_progress(d, deal->id, "lost", "timing", &out), STATUS_OK,
                 "deals stay in the pipeline they began in: %s", d->call->fault.why);
    in.name = "Phone";
    deal = desk_deal(d, in);
    cr_assert_str_eq(deal->pipeline_id, "phone");
    log_call(d, deal->id);
    cr_assert_eq(desk_progress(d, deal->id, "won", "fit", &out), STATUS_DENIED);
    call_clear(d->call);
    d->call->principal.roles = ROLE_BIT_MANAGER;
    in.name = "Nobody called";
    cr_assert_eq(desk_progress(d, desk_deal(d, in)->id, "won", "fit", &out), STATUS_PRECONDITION);
    cr_assert(desk_named(d, "STAGE_GUARD"));
    cr_assert(str_eq(d->call->fault.details[0].text, STR("call the customer first")));
    call_clear(d->call);
    cr_assert_eq(desk_progress(d, deal->id, "won", "fit", &out), STATUS_OK, "%s",
                 d->call->fault.why);
}
