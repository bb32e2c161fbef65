/* recommend: what time brings: expiry, the measure of what followed, and what is learned from it;
 * events; a replay that is the same bytes. The clock is the test's. */
#include <criterion/criterion.h>

#include "agent/activity.h"
#include "agent/desk.h"
#include "agent/instant.h"
#include "agent/lead.h"
#include "store/records.h"
#include "workflow/recommend.h"
#include "workflow/replay.h"

static int64_t offset_us;

static int64_t shifted_now(const struct clock_ops *self)
{
    (void)self;
    return system_clock.now_us(&system_clock) + offset_us;
}

static struct clock_ops shifted;

static void days_pass(struct desk *d, int days)
{
    shifted = system_clock;
    shifted.now_us = shifted_now;
    offset_us += days * MOMENT_DAY_US;
    d->call->clock = &shifted;
}

static void they_write(struct desk *d, const char *lead_id, const char *body)
{
    LogActivityResponse out = LOG_ACTIVITY_RESPONSE_INIT;
    LogActivityRequest in = LOG_ACTIVITY_REQUEST_INIT;
    Activity mail = ACTIVITY_INIT;

    mail.lead_id = (char *)lead_id;
    mail.kind = ACTIVITY_KIND_EMAIL;
    mail.event = ACTIVITY_EVENT_EMAIL_REPLIED;
    mail.direction = ACTIVITY_DIRECTION_INBOUND;
    mail.body = (char *)body;
    in.activity = &mail;
    cr_assert_eq(activity_log(d->call, &d->agents, &in, &out), STATUS_OK, "%s", d->call->fault.why);
}

static RecommendActionsResponse advise(struct desk *d, const char *lead_id)
{
    RecommendActionsResponse out = RECOMMEND_ACTIONS_RESPONSE_INIT;
    RecommendActionsRequest in = RECOMMEND_ACTIONS_REQUEST_INIT;

    in.subject_case = RECOMMEND_ACTIONS_REQUEST_SUBJECT_LEAD_ID;
    in.lead_id = (char *)lead_id;
    cr_assert_eq(recommend_run(d->call, &d->agents, &in, &out), STATUS_OK, "%s",
                 d->call->fault.why);
    return out;
}

/* The answer to a question, the first advice about a lead that asked. */
static Recommendation *asked(struct desk *d, const char *lead_id)
{
    RecommendActionsResponse out = advise(d, lead_id);

    cr_assert_gt(out.n_recommendations, 0);
    cr_assert_eq(out.recommendations[0]->action, RECOMMENDED_ACTION_ANSWER);
    return out.recommendations[0];
}

static enum status respond(struct desk *d, const char *id, RecommendationState state)
{
    RespondToRecommendationResponse out = RESPOND_TO_RECOMMENDATION_RESPONSE_INIT;
    RespondToRecommendationRequest in = RESPOND_TO_RECOMMENDATION_REQUEST_INIT;
    enum status s;

    in.id = (char *)id;
    in.state = state;
    s = recommendation_respond(d->call, &d->agents, &in, &out);
    if (s != STATUS_OK)
        call_clear(d->call);
    return s;
}

/* Runs the jobs that are due by the test's clock. */
static void run_jobs(struct desk *d)
{
    const struct job_binding kinds[] = {{&recommendation_due_kind, &d->agents}};
    struct job_engine *e;
    size_t n;

    cr_assert_eq(job_engine_open(d->call,
                                 &(struct job_engine_options){.store = d->agents.store,
                                                              .clock = d->call->clock,
                                                              .kinds = kinds,
                                                              .n_kinds = 1,
                                                              .poll_ms = 1000},
                                 &e),
                 STATUS_OK);
    do
        cr_assert_eq(job_engine_turn(e, &n), STATUS_OK);
    while (n);
    cr_assert_eq(job_engine_stop(e, 0), STATUS_OK);
    job_engine_close(e);
}

struct reading {
    const char *id;
    RecommendationRecord *record;
    struct action_tally tallies[ACTIONS];
};

static enum status read_unit(struct call *c, struct tx *tx, void *arg)
{
    struct reading *r = arg;

    (void)c;
    TRY(tx_get_recommendation(tx, str_of(r->id), &r->record));
    return recommendation_tallies(tx, r->record->segment, r->tallies);
}

static struct reading stored(struct desk *d, const char *id)
{
    struct reading r = {.id = id};

    cr_assert_eq(store_run(d->agents.store, d->call, STORE_READ, read_unit, &r), STATUS_OK);
    return r;
}

/* A lead that can be written to, and has asked something. */
static Lead *asking_lead(struct desk *d)
{
    CreateLeadRequest in = CREATE_LEAD_REQUEST_INIT;
    CreateLeadResponse out = CREATE_LEAD_RESPONSE_INIT;
    Lead lead = LEAD_INIT;

    lead.full_name = "Grace Hopper";
    lead.email = "grace@navy.example";
    lead.phone = "+4930901820";
    in.lead = &lead;
    in.duplicate_policy = DUPLICATE_POLICY_KEEP_BOTH;
    cr_assert_eq(lead_create(d->call, &d->agents, &in, &out), STATUS_OK, "%s", d->call->fault.why);
    they_write(d, out.lead->id, "Does it run on ARM?");
    return out.lead;
}

DESK_TEST(recommend, what_nobody_answers_expires_and_comes_again)
{
    const Lead *lead = asking_lead(d);
    const Recommendation *first = asked(d, lead->id), *second;

    days_pass(d, 8);
    cr_assert_eq(respond(d, first->id, RECOMMENDATION_STATE_DONE), STATUS_PRECONDITION,
                 "late is late");
    run_jobs(d);
    cr_assert_eq(stored(d, first->id).record->recommendation->state, RECOMMENDATION_STATE_EXPIRED);
    second = asked(d, lead->id);
    cr_assert_str_neq(second->id, first->id);
    days_pass(d, 8);
    first = second;
    second = asked(d, lead->id); /* before the job came */
    cr_assert_str_neq(second->id, first->id);
    cr_assert_eq(stored(d, first->id).record->recommendation->state, RECOMMENDATION_STATE_EXPIRED);
    cr_assert_eq(stored(d, second->id).record->recommendation->state, RECOMMENDATION_STATE_OPEN);
}

/* Followed and answered; followed in vain; dismissed, and they wrote all the same. */
DESK_TEST(recommend, what_followed_is_measured_once_and_learned_from)
{
    Lead *leads[3] = {asking_lead(d), asking_lead(d), asking_lead(d)};
    struct action_estimate prior, learned;
    Recommendation *r[3];
    struct reading k;

    for (size_t i = 0; i < 3; i++)
        r[i] = asked(d, leads[i]->id);
    cr_assert_eq(respond(d, r[0]->id, RECOMMENDATION_STATE_ACCEPTED), STATUS_OK);
    cr_assert_eq(respond(d, r[0]->id, RECOMMENDATION_STATE_DONE), STATUS_OK);
    cr_assert_eq(respond(d, r[1]->id, RECOMMENDATION_STATE_DONE), STATUS_OK);
    cr_assert_eq(respond(d, r[2]->id, RECOMMENDATION_STATE_DISMISSED), STATUS_OK);
    days_pass(d, 1);
    they_write(d, leads[0]->id, "Thank you");
    they_write(d, leads[2]->id, "Hello?");
    run_jobs(d);
    cr_assert_not(stored(d, r[0]->id).record->measured, "not before the time");
    days_pass(d, ACTION_WINDOW_DAYS);
    run_jobs(d);
    run_jobs(d);
    k = stored(d, r[0]->id);
    cr_assert(k.record->measured);
    cr_assert_eq(k.tallies[ACTION_answer_question].n_right, 2);
    cr_assert_eq(k.tallies[ACTION_answer_question].n_wrong, 1);
    cr_assert_eq(k.tallies[ACTION_answer_question].n_followed, 2);
    cr_assert_eq(k.tallies[ACTION_answer_question].n_good, 1);
    cr_assert_eq(k.tallies[ACTION_answer_question].n_passed, 1);
    cr_assert_eq(k.tallies[ACTION_answer_question].n_good_anyway, 1);
    action_estimate(ACTION_answer_question, &(struct action_tally){0}, &prior);
    action_estimate(ACTION_answer_question, &k.tallies[ACTION_answer_question], &learned);
    cr_assert(learned.change < prior.change && learned.n == 3);
    cr_assert_float_eq(asked(d, leads[2]->id)->expected_effect->change, learned.change, 1e-12,
                       "it counts for the next advice");
}

DESK_TEST(recommend, an_accepted_one_that_is_dismissed_counts_once_as_wrong)
{
    const Recommendation *r = asked(d, asking_lead(d)->id);
    struct reading k;

    cr_assert_eq(respond(d, r->id, RECOMMENDATION_STATE_ACCEPTED), STATUS_OK);
    cr_assert_eq(respond(d, r->id, RECOMMENDATION_STATE_DISMISSED), STATUS_OK);
    cr_assert_eq(respond(d, r->id, RECOMMENDATION_STATE_DONE), STATUS_PRECONDITION);
    k = stored(d, r->id);
    cr_assert_eq(k.tallies[ACTION_answer_question].n_right, 0);
    cr_assert_eq(k.tallies[ACTION_answer_question].n_wrong, 1);
}

DESK_TEST(recommend, each_new_one_is_told_and_each_answer)
{
    const Lead *lead = asking_lead(d);
    RecommendActionsResponse out = advise(d, lead->id);
    size_t n = out.n_recommendations;

    cr_assert_eq(desk_events(d, "sales.recommendation.generated"), n);
    cr_assert_eq(advise(d, lead->id).n_recommendations, n);
    cr_assert_eq(desk_events(d, "sales.recommendation.generated"), n, "nothing new, nothing told");
    cr_assert_eq(respond(d, out.recommendations[0]->id, RECOMMENDATION_STATE_DISMISSED), STATUS_OK);
    cr_assert_eq(desk_events(d, "sales.recommendation.updated"), 1);
}

DESK_TEST(recommend, a_replay_is_the_same_bytes_whatever_happened_since)
{
    const Lead *lead = asking_lead(d);
    RecommendActionsResponse made = advise(d, lead->id);
    ReplayDecisionResponse out = REPLAY_DECISION_RESPONSE_INIT;
    ReplayDecisionRequest in = REPLAY_DECISION_REQUEST_INIT;

    in.id = made.recommendations[0]->decision_id;
    cr_assert_eq(respond(d, made.recommendations[0]->id, RECOMMENDATION_STATE_DISMISSED),
                 STATUS_OK);
    they_write(d, lead->id, "And on RISC-V?");
    days_pass(d, 40);
    cr_assert_eq(replay_run(d->call, &d->agents, &in, &out), STATUS_OK, "%s", d->call->fault.why);
    cr_assert(out.identical);
    cr_assert_gt(out.output.len, 100U);
}
