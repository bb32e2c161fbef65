/* Scores in the ledger: every stored score has a decision, and it gives the same bytes again,
 * whatever became of the lead. */
#include <criterion/criterion.h>

#include "agent/activity.h"
#include "agent/decision.h"
#include "agent/desk.h"
#include "agent/lead.h"
#include "workflow/lead_score.h"
#include "workflow/qualification.h"
#include "workflow/replay.h"

static QualifyLeadResponse qualify(struct desk *d, char *id)
{
    QualifyLeadRequest in = QUALIFY_LEAD_REQUEST_INIT;
    QualifyLeadResponse out = QUALIFY_LEAD_RESPONSE_INIT;

    in.id = id;
    cr_assert_eq(qualification_run(d->call, &d->agents, &in, &out), STATUS_OK, "%s",
                 d->call->fault.why);
    return out;
}

static ReplayDecisionResponse replay(struct desk *d, char *id)
{
    ReplayDecisionRequest in = REPLAY_DECISION_REQUEST_INIT;
    ReplayDecisionResponse out = REPLAY_DECISION_RESPONSE_INIT;

    in.id = id;
    cr_assert_eq(replay_run(d->call, &d->agents, &in, &out), STATUS_OK, "%s", d->call->fault.why);
    return out;
}

static void log_reply(struct desk *d, char *lead_id)
{
    Activity mail = ACTIVITY_INIT;
    LogActivityRequest in = LOG_ACTIVITY_REQUEST_INIT;
    LogActivityResponse out = LOG_ACTIVITY_RESPONSE_INIT;

    mail.lead_id = lead_id;
    mail.kind = ACTIVITY_KIND_EMAIL;
    mail.event = ACTIVITY_EVENT_EMAIL_REPLIED;
    in.activity = &mail;
    cr_assert_eq(activity_log(d->call, &d->agents, &in, &out), STATUS_OK, "%s", d->call->fault.why);
}

DESK_TEST(lead_decision, names_what_it_was_taken_from)
{
    char *id = desk_lead(d, LEAD_STATUS_NEW)->id;
    LeadScore *s = qualify(d, id).score;
    DecisionRecord *record;
    const Decision *k;

    cr_assert_eq(decision_read(d->call, &d->agents, s->decision_id, &record), STATUS_OK);
    k = record->decision;
    cr_assert_str_eq(desk_get_lead(d, id)->score->decision_id, s->decision_id);
    cr_assert_eq(k->kind, DECISION_KIND_LEAD_SCORE);
    cr_assert_str_eq(k->lead_id, id);
    cr_assert_eq(k->n_inputs, score_n_signals());
    cr_assert_str_eq(k->provenance->rule_set_version, SCORE_RULES_VERSION);
    cr_assert_str_eq(k->provenance->rule_set_sha256, lead_score_rules_sha256());
    cr_assert_eq(k->quality, s->quality);
    cr_assert(*k->summary);
    cr_assert_not_null(k->latency);
}

DESK_TEST(lead_decision, replays_after_the_lead_moved_on)
{
    char *id = desk_lead(d, LEAD_STATUS_NEW)->id, *decision;
    ReplayDecisionResponse out;

    log_reply(d, id);
    decision = qualify(d, id).score->decision_id;
    out = replay(d, decision);
    cr_assert(out.identical, "%zu fields differ, %s", out.n_differing_fields,
              out.n_differing_fields ? out.differing_fields[0] : "");
    log_reply(d, id);
    log_reply(d, id);
    cr_assert_str_neq(qualify(d, id).score->decision_id, decision);
    cr_assert(replay(d, decision).identical);
}

DESK_TEST(lead_decision, is_not_taken_by_a_look)
{
    QualifyLeadRequest in = QUALIFY_LEAD_REQUEST_INIT;
    QualifyLeadResponse out = QUALIFY_LEAD_RESPONSE_INIT;

    in.id = desk_lead(d, LEAD_STATUS_NEW)->id;
    in.validate_only = true;
    cr_assert_eq(qualification_run(d->call, &d->agents, &in, &out), STATUS_OK);
    cr_assert_str_eq(out.score->decision_id, "");
}

DESK_TEST(lead_decision, of_a_batch_is_one_per_lead)
{
    str ids[] = {str_of(desk_lead(d, LEAD_STATUS_NEW)->id),
                 str_of(desk_lead(d, LEAD_STATUS_NEW)->id)};
    QualifyResults out = QUALIFY_RESULTS_INIT;

    cr_assert_eq(qualification_batch(d->call, &d->agents,
                                     &(struct qualify_batch){.ids = ids, .n = 2, .brief = true},
                                     &out),
                 STATUS_OK);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(out.results[i]->score->n_contributions, 0);
        cr_assert(replay(d, out.results[i]->score->decision_id).identical);
    }
}

DESK_TEST(lead_decision, goes_with_the_person)
{
    char *id = desk_lead(d, LEAD_STATUS_NEW)->id, *decision = qualify(d, id).score->decision_id;
    DeleteLeadRequest in = DELETE_LEAD_REQUEST_INIT;
    DeleteLeadResponse out = DELETE_LEAD_RESPONSE_INIT;
    DecisionRecord *record;

    in.id = id;
    cr_assert_eq(lead_delete(d->call, &d->agents, &in, &out), STATUS_OK);
    cr_assert_eq(decision_read(d->call, &d->agents, decision, &record), STATUS_NOT_FOUND);
}
