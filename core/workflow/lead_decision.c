#include "workflow/lead_decision.h"

#include <assert.h>

#include "agent/instant.h"
#include "domain/signal.h"
#include "schema/wire.h"

enum { NS_PER_US = 1000, SUMMARY_BYTES = 500 };

static bool put_value(struct arena *a, const struct feature *f, FeatureValue *out)
{
    AttributeValue *v = NEW(a, AttributeValue, 1);

    if (!v)
        return false;
    *v = (AttributeValue)ATTRIBUTE_VALUE_INIT;
    switch (f->type) {
    case FEATURE_NUMBER:
    case FEATURE_TIME:
        v->kind_case = SALES__V1__ATTRIBUTE_VALUE__KIND_NUMBER_VALUE;
        v->number_value = f->number;
        break;
    case FEATURE_BOOL:
        v->kind_case = SALES__V1__ATTRIBUTE_VALUE__KIND_BOOL_VALUE;
        v->bool_value = f->number != 0;
        break;
    case FEATURE_CATEGORY:
        v->kind_case = SALES__V1__ATTRIBUTE_VALUE__KIND_STRING_VALUE;
        v->string_value = arena_cstr(a, f->text);
        break;
    }
    out->value = v;
    return v->kind_case != SALES__V1__ATTRIBUTE_VALUE__KIND_STRING_VALUE || v->string_value;
}

/* All of the vector, those without a value too. */
static enum status put_inputs(struct call *c, const struct feature_vector *v, Decision *d)
{
    FeatureValue *list = NEW(&c->arena, FeatureValue, v->n + 1);

    d->inputs = NEW(&c->arena, FeatureValue *, v->n + 1);
    if (!list || !d->inputs)
        return call_nomem(c);
    for (size_t i = 0; i < v->n; i++) {
        list[i] = (FeatureValue)FEATURE_VALUE_INIT;
        list[i].name = (char *)v->items[i].name;
        if (v->items[i].known && !put_value(&c->arena, &v->items[i], &list[i]))
            return call_nomem(c);
        d->inputs[i] = &list[i];
    }
    d->n_inputs = v->n;
    return STATUS_OK;
}

/* The answer's provenance; the version of the code stays the decision's own. */
static void put_provenance(const LeadScore *s, Decision *d)
{
    char *code_version = d->provenance->code_version;

    *d->provenance = *s->provenance;
    d->provenance->code_version = code_version;
}

static enum status put_summary(struct call *c, const LeadScore *s, Decision *d)
{
    const char *most = s->n_contributions ? s->contributions[0]->reason : "";
    char *text;

    if (s->n_disqualifications)
        text = arena_printf(&c->arena, "Disqualified: %s.", s->disqualifications[0]->reason);
    else
        text = arena_printf(&c->arena, "Scored %d of 100%s%s.", s->score,
                            *most ? "; what counted most: " : "", most);
    if (!text)
        return call_nomem(c);
    assert(strlen(text) <= SUMMARY_BYTES); /* a reason has at most 300 characters */
    d->summary = text;
    return STATUS_OK;
}

static uint64_t cost_of(const struct lead_decision *k)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < k->n_calls; i++)
        sum += k->calls[i]->cost_micro_usd;
    return sum;
}

enum status lead_decision_put(struct tx *tx, const struct lead_decision *k, Decision *d)
{
    struct call *c = tx_call(tx);
    LeadScore *s = k->scored->score;

    d->lead_id = k->start->lead->id;
    d->as_of = s->as_of;
    d->quality = s->quality;
    d->ai_calls = k->calls;
    d->n_ai_calls = k->n_calls;
    d->cost_micro_usd = cost_of(k);
    put_provenance(s, d);
    TRY(put_inputs(c, &k->scored->vector, d));
    TRY(put_summary(c, s, d));
    TRY(duration_new(c, (call_monotonic_ns(c) - k->began_ns) / NS_PER_US, &d->latency));
    return decision_put(
        tx, &(struct decision_draft){.decision = d, .answer = &s->base, .replay = &k->start->base});
}

/* The rules and the model that the decision names, or it cannot be replayed. */
static enum status check_rules(struct call *c, const Decision *d)
{
    if (strcmp(d->provenance->rule_set_sha256, lead_score_rules_sha256()) == 0)
        return STATUS_OK;
    return call_fail_as(c, STATUS_PRECONDITION, "REPLAY_RULES",
                        "the decision was taken by other rules than those of this server");
}

/* The model that the decision names, with a reference; NULL: it names none. */
static enum status find_model(struct call *c, struct agents *a, const Provenance *p,
                              const struct model_use **out)
{
    enum status s;

    *out = NULL;
    if (!*p->model_id)
        return STATUS_OK;
    s = model_use_by_id(c, a->models, p->model_id, out);
    if (s != STATUS_OK && s != STATUS_NOT_FOUND)
        return s;
    if (s == STATUS_OK && model_use_fits(*out) && strcmp((*out)->sha256, p->model_sha256) == 0)
        return STATUS_OK;
    model_use_put(a->models, *out);
    *out = NULL;
    call_clear(c);
    return call_fail_as(c, STATUS_PRECONDITION, "REPLAY_MODEL",
                        "the model of the decision is gone, or not for this server");
}

enum status lead_decision_replay(struct call *c, struct agents *a, const DecisionRecord *record,
                                 ProtobufCMessage **out)
{
    const Decision *d = record->decision;
    struct lead_scoring scoring = {.decision_id = d->id};
    struct lead_scored scored;
    ProtobufCMessage *start;
    enum status s;

    TRY(check_rules(c, d));
    TRY(wire_unpack(c, &c->arena, &internal__v1__lead_score_start__descriptor,
                    (str){(char *)record->replay.data, record->replay.len}, &start));
    scoring.start = (LeadScoreStart *)start;
    TRY(find_model(c, a, d->provenance, &scoring.use));
    s = lead_score(c, &scoring, &scored);
    model_use_put(a->models, scoring.use);
    if (s == STATUS_OK)
        *out = &scored.score->base;
    return s;
}
