/* Steps are a table; the job looks at the state that it finds. */
#include "agent/recommendation.h"

#include "agent/event.h"
#include "agent/instant.h"
#include "agent/mutation.h"
#include "base/encode.h"
#include "store/pin.h"
#include "store/reach.h"
#include "store/records.h"

enum { LEASE_MS = 30000, ATTEMPTS_MAX = 8, FIRST_MS = 500, MOST_MS = 60000 };

static const struct step {
    RecommendationState from, to;
} steps[] = {
    {RECOMMENDATION_STATE_OPEN, RECOMMENDATION_STATE_ACCEPTED},
    {RECOMMENDATION_STATE_OPEN, RECOMMENDATION_STATE_DONE},
    {RECOMMENDATION_STATE_OPEN, RECOMMENDATION_STATE_DISMISSED},
    {RECOMMENDATION_STATE_ACCEPTED, RECOMMENDATION_STATE_DONE},
    {RECOMMENDATION_STATE_ACCEPTED, RECOMMENDATION_STATE_DISMISSED},
};

static bool may_step(RecommendationState from, RecommendationState to)
{
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (steps[i].from == from && steps[i].to == to)
            return true;
    return false;
}

static bool is_late(const Recommendation *r, int64_t now_us)
{
    return r->state == RECOMMENDATION_STATE_OPEN && instant_us(r->expire_time) <= now_us;
}

static enum status put_job(struct tx *tx, const Recommendation *r, int64_t due_us)
{
    return tx_job_put(tx, &(struct job_put){.kind = STR(RECOMMENDATION_JOB),
                                            .key = str_of(r->id),
                                            .due_us = due_us,
                                            .rule = JOB_REPLACE});
}

static enum status store(struct tx *tx, RecommendationRecord *r)
{
    Recommendation *in = r->recommendation;

    if (in->state != RECOMMENDATION_STATE_OPEN)
        r->open_key = (char *)protobuf_c_empty_string;
    TRY(tx_update_recommendation(tx, r));
    return tx_event(tx, EVENT_RECOMMENDATION_UPDATED, RECORD_RECOMMENDATION, str_of(in->id),
                    &in->base);
}

enum status recommendation_expire(struct tx *tx, RecommendationRecord *r)
{
    r->recommendation->state = RECOMMENDATION_STATE_EXPIRED;
    return store(tx, r);
}

enum status recommendation_put(struct tx *tx, const struct recommendation_scene *scene,
                               const struct action_advice *advice, RecommendationRecord **out)
{
    struct call *c = tx_call(tx);
    RecommendationRecord *r = NEW(&c->arena, RecommendationRecord, 1);
    Recommendation *in = NEW(&c->arena, Recommendation, 1);

    if (!r || !in)
        return call_nomem(c);
    *r = (RecommendationRecord)RECOMMENDATION_RECORD_INIT;
    *in = *advice->recommendation;
    in->state = RECOMMENDATION_STATE_OPEN;
    r->recommendation = in;
    r->action = (char *)action_name(advice->id);
    r->segment = (char *)scene->segment;
    r->digest.len = ACTION_DIGEST_BYTES;
    r->digest.data = arena_take(&c->arena, ACTION_DIGEST_BYTES);
    r->open_key = hex_encode(&c->arena, advice->digest, ACTION_DIGEST_BYTES);
    if (!r->digest.data || !r->open_key)
        return call_nomem(c);
    memcpy(r->digest.data, advice->digest, ACTION_DIGEST_BYTES);
    TRY(tx_insert_recommendation(tx, r));
    TRY(put_job(tx, in, instant_us(in->expire_time)));
    *out = r;
    return tx_event(tx, EVENT_RECOMMENDATION_GENERATED, RECORD_RECOMMENDATION, str_of(in->id),
                    &in->base);
}

enum status recommendation_past(struct tx *tx, const struct recommendation_scene *scene,
                                struct recommendation_history *out)
{
    struct call *c = tx_call(tx);
    const struct list_where where = {
        .column = scene->deal ? RECOMMENDATION_BY_deal_id : RECOMMENDATION_BY_lead_id,
        .text = str_of(scene->deal ? scene->deal->id : scene->lead->id)};
    const struct list_query q = {
        .page_size = RECOMMENDATION_HISTORY_MAX, .where = &where, .n_where = 1};
    struct list_page page;

    *out = (struct recommendation_history){0};
    TRY(tx_list(tx, RECORD_RECOMMENDATION, &q, &page));
    out->dismissed = arena_take(&c->arena, (page.n_items + 1) * sizeof *out->dismissed);
    out->open = NEW(&c->arena, RecommendationRecord *, page.n_items + 1);
    out->late = NEW(&c->arena, RecommendationRecord *, page.n_items + 1);
    if (!out->dismissed || !out->open || !out->late)
        return call_nomem(c);
    for (size_t i = 0; i < page.n_items; i++) {
        RecommendationRecord *r = (RecommendationRecord *)page.items[i];

        if (r->digest.len != ACTION_DIGEST_BYTES)
            continue;
        if (r->recommendation->state == RECOMMENDATION_STATE_DISMISSED)
            memcpy(out->dismissed[out->n_dismissed++], r->digest.data, ACTION_DIGEST_BYTES);
        if (is_late(r->recommendation, call_now_us(c)))
            out->late[out->n_late++] = r;
        else if (r->recommendation->state == RECOMMENDATION_STATE_OPEN)
            out->open[out->n_open++] = r;
    }
    return STATUS_OK;
}

enum status recommendation_links(struct tx *tx, const char *id, const char *lead_id,
                                 const char *deal_id)
{
    struct call *c = tx_call(tx);
    const Recommendation *in;
    RecommendationRecord *r;

    TRY(tx_get_recommendation(tx, str_of(id), &r));
    in = r->recommendation;
    if ((*in->deal_id && strcasecmp(in->deal_id, deal_id) == 0) ||
        (*in->lead_id && strcasecmp(in->lead_id, lead_id) == 0))
        return STATUS_OK;
    call_detail(c, FAULT_FIELD, "recommendation.subject", STR("proposal.recommendation_id"),
                "must be about the same lead or deal");
    return call_fail_as(c, STATUS_INVALID, "VALIDATION", "the recommendation is about another");
}

/* Respond. */

struct respond {
    const RespondToRecommendationRequest *in;
    RespondToRecommendationResponse *out;
};

static enum status wrong_state(struct call *c, const Recommendation *r)
{
    RecommendationState state =
        is_late(r, call_now_us(c)) ? RECOMMENDATION_STATE_EXPIRED : r->state;

    call_detail(c, FAULT_METADATA, NULL, STR("state"), "%s", recommendation_state_name(state));
    call_detail(c, FAULT_PRECONDITION, "RECOMMENDATION_STATE", STR("recommendation.state"),
                "ask for recommendations again");
    return call_fail_as(c, STATUS_PRECONDITION, "RECOMMENDATION_STATE",
                        "the recommendation was answered, or has expired");
}

/* The first answer is right or wrong; a later one may take the first back. */
static enum status count_answer(struct tx *tx, const RecommendationRecord *r,
                                RecommendationState from, RecommendationState to)
{
    bool is_wrong = to == RECOMMENDATION_STATE_DISMISSED;
    bool is_first = from == RECOMMENDATION_STATE_OPEN;

    if (!is_first && !is_wrong)
        return STATUS_OK; /* done as accepted */
    return recommendation_count(
        tx, r, &(struct action_tally){.n_right = !is_wrong, .n_wrong = is_wrong}, !is_first);
}

static enum status respond_unit(struct call *c, struct tx *tx, void *arg)
{
    struct respond *k = arg;
    RecommendationRecord *r;
    Recommendation *in;

    TRY(tx_get_recommendation(tx, str_of(k->in->id), &r));
    TRY(tx_match(tx, &r->base, str_of(k->in->etag)));
    in = r->recommendation;
    if (is_late(in, call_now_us(c)) || r->measured || !may_step(in->state, k->in->state))
        return wrong_state(c, in);
    TRY(count_answer(tx, r, in->state, k->in->state));
    in->state = k->in->state;
    in->response_note = k->in->note;
    TRY(instant_now(c, &r->answer_time));
    TRY(put_job(tx, in, instant_us(r->answer_time) + ACTION_WINDOW_DAYS * MOMENT_DAY_US));
    k->out->recommendation = in;
    return store(tx, r);
}

enum status recommendation_respond(struct call *c, struct agents *a,
                                   const RespondToRecommendationRequest *in,
                                   RespondToRecommendationResponse *out)
{
    struct respond k = {in, out};

    return mutate(c, a, &(struct mutation){.unit = respond_unit, .arg = &k, .answer = &out->base});
}

/* The job. */

struct due {
    struct job *job;
    const TenantPolicy *policy;
};

static enum status due_unit(struct call *c, struct tx *tx, void *arg)
{
    struct due *k = arg;
    RecommendationRecord *r;
    enum status s = tx_get_recommendation(tx, k->job->key, &r);

    if (s == STATUS_NOT_FOUND) {
        call_clear(c); /* erased with the person */
        return tx_job_done(tx, k->job);
    }
    TRY(s);
    if (is_late(r->recommendation, call_now_us(c))) {
        TRY(recommendation_expire(tx, r));
    } else if (r->answer_time && !r->measured) {
        TRY(recommendation_measure(tx, k->policy, r));
        TRY(tx_update_recommendation(tx, r));
    }
    return tx_job_done(tx, k->job);
}

static enum status handle_due(void *self, struct call *c, struct job *job)
{
    struct agents *a = self;
    struct due k = {.job = job};

    c->rule = "recommendation.due";
    TRY(policy_get(c, a->policies, &k.policy));
    return store_run(a->store, c, STORE_WRITE, due_unit, &k);
}

const struct job_kind recommendation_due_kind = {.name = RECOMMENDATION_JOB,
                                                 .handle = handle_due,
                                                 .lease_ms = LEASE_MS,
                                                 .attempts_max = ATTEMPTS_MAX,
                                                 .first_ms = FIRST_MS,
                                                 .most_ms = MOST_MS};
