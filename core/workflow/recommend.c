/* The same look and choice twice: before the unit for what a model is asked, in it for what counts.
 */
#include "workflow/recommend.h"

#include "agent/decision.h"
#include "agent/instant.h"
#include "agent/mutation.h"
#include "store/pin.h"
#include "store/reach.h"
#include "store/records.h"

#define RULES_VERSION "actions-1"

struct recommend {
    const RecommendActionsRequest *in;
    RecommendActionsResponse *out;
    struct agents *agents;
    const TenantPolicy *policy;
    const char *lead_id, *deal_id;
    struct recommend_words words;
    int64_t began_ns;

    /* Of the last run of a unit; in the arena. */
    struct recommendation_scene *scene;
    struct recommendation_history history;
    struct action_ask ask;
    struct action_set *set;
};

static uint32_t channels_of(const RecommendActionsRequest *in)
{
    uint32_t bits = 0;

    for (size_t i = 0; i < in->n_channels; i++)
        bits |= 1U << in->channels[i];
    return bits;
}

/* Looks and chooses. */
static enum status choose(struct call *c, struct tx *tx, struct recommend *k)
{
    struct action_tally *tallies = NEW(&c->arena, struct action_tally, ACTIONS);

    k->scene = NEW(&c->arena, struct recommendation_scene, 1);
    k->set = NEW(&c->arena, struct action_set, 1);
    if (!tallies || !k->scene || !k->set)
        return call_nomem(c);
    TRY(recommendation_look(tx, k->policy, k->lead_id, k->deal_id, k->scene));
    TRY(recommendation_tallies(tx, k->scene->segment, tallies));
    TRY(recommendation_past(tx, k->scene, &k->history));
    k->ask = (struct action_ask){
        .facts = &k->scene->facts,
        .about_deal = k->scene->deal != NULL,
        .lead_id = k->scene->lead ? k->scene->lead->id : "",
        .deal_id = k->scene->deal ? k->scene->deal->id : "",
        .tallies = tallies,
        .policy = k->policy,
        .country = k->scene->country,
        .zone = k->scene->zone,
        .channels = channels_of(k->in),
        .limit = k->in->limit > 0 ? (size_t)k->in->limit : ACTION_LIMIT_DEFAULT,
        .dismissed = (const unsigned char(*)[ACTION_DIGEST_BYTES])k->history.dismissed,
        .n_dismissed = k->history.n_dismissed,
        .now_us = call_now_us(c)};
    return action_choose(&c->arena, &k->ask, k->set) == STATUS_OK ? STATUS_OK : call_nomem(c);
}

static enum status look_unit(struct call *c, struct tx *tx, void *arg)
{
    return choose(c, tx, arg);
}

/* The open one with this digest. */
static RecommendationRecord *open_one(const struct recommend *k, const struct action_advice *advice)
{
    for (size_t i = 0; i < k->history.n_open; i++)
        if (memcmp(k->history.open[i]->digest.data, advice->digest, ACTION_DIGEST_BYTES) == 0)
            return k->history.open[i];
    return NULL;
}

static const RecommendationWords *words_for(const struct recommend *k,
                                            const struct action_advice *advice)
{
    for (size_t i = 0; i < k->words.n; i++)
        if (memcmp(k->words.items[i].digest, advice->digest, ACTION_DIGEST_BYTES) == 0)
            return k->words.items[i].words;
    return NULL;
}

/* The facts as the ledger shows them. */
static enum status put_inputs(struct call *c, const struct action_facts *f, Decision *d)
{
    if ((d->inputs = NEW(&c->arena, FeatureValue *, ACTION_FACTS)) == NULL)
        return call_nomem(c);
    for (int i = 0; i < ACTION_FACTS; i++) {
        const struct action_fact *fact = &f->f[i];
        FeatureValue *v = NEW(&c->arena, FeatureValue, 1);
        AttributeValue *value = NEW(&c->arena, AttributeValue, 1);

        if (!v || !value)
            return call_nomem(c);
        *v = (FeatureValue)FEATURE_VALUE_INIT;
        *value = (AttributeValue)ATTRIBUTE_VALUE_INIT;
        v->name = (char *)action_fact_name((enum action_fact_id)i);
        d->inputs[d->n_inputs++] = v;
        if (!fact->known)
            continue;
        v->value = value;
        v->record_id = fact->record_id ? (char *)fact->record_id : (char *)protobuf_c_empty_string;
        value->kind_case =
            fact->text.n ? ATTRIBUTE_VALUE_KIND_STRING_VALUE : ATTRIBUTE_VALUE_KIND_NUMBER_VALUE;
        if (!fact->text.n)
            value->number_value = fact->number;
        else if ((value->string_value = arena_cstr(&c->arena, fact->text)) == NULL)
            return call_nomem(c);
    }
    return STATUS_OK;
}

static enum status put_calls(struct call *c, const struct recommend *k, Decision *d)
{
    Provenance *p = d->provenance;

    d->ai_calls = (AiCall **)k->words.calls;
    d->n_ai_calls = k->words.n_calls;
    for (size_t i = 0; i < k->words.n_calls; i++) {
        d->cost_micro_usd += k->words.calls[i]->cost_micro_usd;
        p->ai_model = k->words.calls[i]->model;
    }
    if (!k->words.prompt_id)
        return STATUS_OK;
    p->prompt_id = (char *)k->words.prompt_id;
    p->prompt_sha256 = (char *)k->words.prompt_sha256;
    p->prompt_version = arena_printf(&c->arena, "%d", k->words.prompt_version);
    return p->prompt_version ? STATUS_OK : call_nomem(c);
}

static enum status describe(struct call *c, const struct recommend *k, Decision *d)
{
    char *sha256 = arena_take(&c->arena, ACTION_SHA256_BYTES + 1);

    if (!sha256)
        return call_nomem(c);
    action_table_sha256(sha256);
    d->lead_id = (char *)k->ask.lead_id;
    d->deal_id = (char *)k->ask.deal_id;
    d->provenance->rule_set_version = RULES_VERSION;
    d->provenance->rule_set_sha256 = sha256;
    d->quality = k->set->items[0].recommendation->quality;
    d->summary = arena_printf(&c->arena, "%zu next steps, first: %s", k->set->n,
                              k->set->items[0].recommendation->title);
    if (!d->summary)
        return call_nomem(c);
    TRY(instant_new(c, k->ask.now_us, &d->as_of));
    TRY(duration_new(c, (call_monotonic_ns(c) - k->began_ns) / 1000, &d->latency));
    TRY(put_inputs(c, &k->scene->facts, d));
    return put_calls(c, k, d);
}

/* Words that were found for advice that still stands; what a replay needs of them. */
static enum status say_words(struct call *c, const struct recommend *k,
                             RecommendationReplay *replay)
{
    if ((replay->words = NEW(&c->arena, RecommendationWords *, k->set->n + 1)) == NULL)
        return call_nomem(c);
    for (size_t i = 0; i < k->set->n; i++) {
        const RecommendationWords *words = words_for(k, &k->set->items[i]);

        if (!words)
            continue;
        TRY(recommend_say(c, words, k->set->items[i].recommendation));
        replay->words[replay->n_words++] = (RecommendationWords *)words;
    }
    return STATUS_OK;
}

/* The ledger's entry: the whole set, as it was chosen. */
static enum status decide(struct call *c, struct tx *tx, struct recommend *k)
{
    RecommendActionsResponse answer = RECOMMEND_ACTIONS_RESPONSE_INIT;
    RecommendationReplay *replay = NULL;
    Decision *d = NEW(&c->arena, Decision, 1);

    answer.recommendations = NEW(&c->arena, Recommendation *, k->set->n + 1);
    if (!d || !answer.recommendations)
        return call_nomem(c);
    TRY(decision_new(c, k->agents, DECISION_KIND_RECOMMENDATION, d));
    TRY(recommend_pack(c, &k->ask, &replay));
    TRY(say_words(c, k, replay));
    TRY(describe(c, k, d));
    for (size_t i = 0; i < k->set->n; i++) {
        answer.recommendations[i] = k->set->items[i].recommendation;
        answer.recommendations[i]->decision_id = d->id;
    }
    answer.n_recommendations = k->set->n;
    answer.suppressed = k->set->n_suppressed;
    return decision_put(tx, &(struct decision_draft){
                                .decision = d, .answer = &answer.base, .replay = &replay->base});
}

static bool has_new(const struct recommend *k)
{
    for (size_t i = 0; i < k->set->n; i++)
        if (!open_one(k, &k->set->items[i]))
            return true;
    return false;
}

/* The lead must not be erased while this is stored; a deal's may be another owner's. */
static enum status pin_lead(struct tx *tx, const struct recommend *k)
{
    if (!k->scene->lead)
        return STATUS_OK;
    tx_widen(tx);
    TRY(tx_pin(tx, RECORD_LEAD, str_of(k->scene->lead->id)));
    tx_narrow(tx);
    return STATUS_OK;
}

/* What is open already, and the rest made so. */
static enum status store_set(struct tx *tx, struct recommend *k)
{
    RecommendActionsResponse *out = k->out;

    for (size_t i = 0; i < k->set->n; i++) {
        RecommendationRecord *r = open_one(k, &k->set->items[i]);

        if (!r)
            TRY(recommendation_put(tx, k->scene, &k->set->items[i], &r));
        out->recommendations[out->n_recommendations++] = r->recommendation;
    }
    return STATUS_OK;
}

static enum status recommend_unit(struct call *c, struct tx *tx, void *arg)
{
    struct recommend *k = arg;
    RecommendActionsResponse *out = k->out;

    TRY(choose(c, tx, k));
    out->n_recommendations = 0;
    out->suppressed = k->set->n_suppressed;
    if ((out->recommendations = NEW(&c->arena, Recommendation *, k->set->n + 1)) == NULL)
        return call_nomem(c);
    for (size_t i = 0; i < k->history.n_late; i++)
        TRY(recommendation_expire(tx, k->history.late[i]));
    if (!has_new(k))
        return store_set(tx, k);
    TRY(pin_lead(tx, k));
    TRY(decide(c, tx, k));
    return store_set(tx, k);
}

/* Asks a model for words, before the unit. What it is asked of may have changed by then: words are
 * used for advice with the same digest only. */
static enum status find_words(struct call *c, struct recommend *k)
{
    struct action_advice fresh[RECOMMEND_WORDED_MAX];
    struct recommend_question q = {.policy = k->policy, .mode = k->in->insight_mode};

    TRY(store_run(k->agents->store, c, STORE_READ, look_unit, k));
    for (size_t i = 0; i < k->set->n && q.n < RECOMMEND_WORDED_MAX; i++)
        if (!open_one(k, &k->set->items[i]) && k->set->items[i].recommendation->channel)
            fresh[q.n++] = k->set->items[i];
    q.advice = fresh;
    q.scene = k->scene;
    return q.n ? recommend_word(c, k->agents->guard, &q, &k->words) : STATUS_OK;
}

static enum status subject_of(struct call *c, const RecommendActionsRequest *in,
                              struct recommend *k)
{
    k->lead_id = in->subject_case == RECOMMEND_ACTIONS_REQUEST_SUBJECT_LEAD_ID ? in->lead_id : "";
    k->deal_id = in->subject_case == RECOMMEND_ACTIONS_REQUEST_SUBJECT_DEAL_ID ? in->deal_id : "";
    if (*k->lead_id || *k->deal_id)
        return STATUS_OK;
    call_detail(c, FAULT_FIELD, "required", STR("lead_id"), "a lead or a deal is needed");
    return call_fail_as(c, STATUS_INVALID, "VALIDATION", "say whom it is about");
}

enum status recommend_run(struct call *c, struct agents *a, const RecommendActionsRequest *in,
                          RecommendActionsResponse *out)
{
    struct recommend k = {.in = in, .out = out, .agents = a, .began_ns = call_monotonic_ns(c)};

    TRY(subject_of(c, in, &k));
    TRY(policy_get(c, a->policies, &k.policy));
    if (a->guard)
        TRY(find_words(c, &k));
    return mutate(c, a,
                  &(struct mutation){.unit = recommend_unit, .arg = &k, .answer = &out->base});
}
