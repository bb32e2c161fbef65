/* Scores in the ledger: every stored score has a decision, and it gives the same bytes again,
 * whatever became of the lead. */
#include <criterion/criterion.h>

#include "agent/activity.h"
#include "agent/decision.h"
#include "agent/desk.h"
#include "agent/lead.h"
#include "agent/model_use.h"
#include "base/uuid.h"
#include "store/records.h"
#include "workflow/lead_maker.h"
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
    cr_assert_eq(k->n_contributions, 0, "the answer holds them");
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

struct publishing {
    str bytes;
    char *id;
    const char *catalogue;
};

static enum status publish_unit(struct call *c, struct tx *tx, void *arg)
{
    struct publishing *k = arg;
    char catalogue[SCORE_SHA256_BYTES + 1];
    ModelMetrics metrics = MODEL_METRICS_INIT;
    ModelRecord record = MODEL_RECORD_INIT;
    ModelContent content = MODEL_CONTENT_INIT;
    ModelCard card = MODEL_CARD_INIT;
    Model model = MODEL_INIT;

    feature_catalogue_sha256(catalogue);
    model.id = content.id = k->id;
    model.kind = MODEL_KIND_LEAD_WIN;
    model.version = "7";
    model.sha256 = decision_sha256(&c->arena, k->bytes);
    metrics.base_rate = 0.25;
    card.model = &model;
    card.validation = &metrics;
    record.card = &card;
    record.catalogue_sha256 = k->catalogue ? (char *)k->catalogue : catalogue;
    record.active_kind = (char *)model_kind_name(MODEL_KIND_LEAD_WIN);
    content.content = (ProtobufCBinaryData){k->bytes.n, (uint8_t *)k->bytes.p};
    TRY(tx_insert_model(tx, &record));
    return tx_insert_model_content(tx, &content);
}

/* Puts a model into use; NULL: trained on this build's catalogue. */
static char *publish(struct desk *d, const char *catalogue)
{
    struct publishing k = {.bytes = lead_model_bytes(&d->call->arena, 3, 600),
                           .id = uuid_text(&d->call->arena, uuid_new(d->call)),
                           .catalogue = catalogue};

    cr_assert_eq(store_run(d->agents.store, d->call, STORE_WRITE, publish_unit, &k), STATUS_OK,
                 "%s", d->call->fault.why);
    model_use_forget(d->agents.models, d->call->principal.tenant_id, MODEL_KIND_LEAD_WIN);
    return k.id;
}

static enum status retire_unit(struct call *c, struct tx *tx, void *arg)
{
    ModelRecord *record;

    (void)c;
    TRY(tx_get_model(tx, str_of(arg), &record));
    record->active_kind = (char *)"";
    return tx_update_model(tx, record);
}

DESK_TEST(lead_decision, is_explained_with_its_shares)
{
    LeadScore *s = qualify(d, desk_lead(d, LEAD_STATUS_NEW)->id).score;
    ExplainDecisionRequest in = EXPLAIN_DECISION_REQUEST_INIT;
    ExplainDecisionResponse out = EXPLAIN_DECISION_RESPONSE_INIT;

    in.id = s->decision_id;
    cr_assert_eq(decision_explain(d->call, &d->agents, &in, &out), STATUS_OK);
    cr_assert_gt(s->n_contributions, 0);
    cr_assert_eq(out.decision->n_contributions, s->n_contributions);
    cr_assert_str_eq(out.decision->contributions[0]->signal, s->contributions[0]->signal);
}

/* The model is named, counts, and is found again after another way of scoring took its place. */
DESK_TEST(lead_decision, by_a_model_replays_after_the_model_was_retired)
{
    char *id = desk_lead(d, LEAD_STATUS_NEW)->id, *before = qualify(d, id).score->decision_id,
         *model = publish(d, NULL), *decision;
    LeadScore *s = qualify(d, id).score;
    ReplayDecisionResponse out;

    decision = s->decision_id;
    cr_assert_str_eq(s->provenance->model_id, model);
    cr_assert_eq(s->quality, ANSWER_QUALITY_FULL);
    cr_assert_neq(s->base_log_odds_micro, 0);
    out = replay(d, decision);
    cr_assert(out.identical, "%zu fields differ, %s", out.n_differing_fields,
              out.n_differing_fields ? out.differing_fields[0] : "");
    cr_assert_eq(store_run(d->agents.store, d->call, STORE_WRITE, retire_unit, model), STATUS_OK,
                 "%s", d->call->fault.why);
    model_use_forget(d->agents.models, d->call->principal.tenant_id, MODEL_KIND_LEAD_WIN);
    log_reply(d, id);
    s = qualify(d, id).score;
    cr_assert_eq(s->quality, ANSWER_QUALITY_COLD_START);
    cr_assert_str_eq(s->provenance->model_id, "");
    cr_assert(replay(d, decision).identical);
    cr_assert(replay(d, before).identical);
}

DESK_TEST(lead_decision, by_a_model_of_another_catalogue_is_a_cold_start)
{
    char *id = desk_lead(d, LEAD_STATUS_NEW)->id;
    LeadScore *s;

    publish(d, "0000000000000000000000000000000000000000000000000000000000000000");
    s = qualify(d, id).score;
    cr_assert_eq(s->quality, ANSWER_QUALITY_COLD_START);
    cr_assert_str_eq(s->provenance->model_id, "");
    cr_assert_gt(s->win_probability, 0);
    cr_assert(replay(d, s->decision_id).identical);
}
