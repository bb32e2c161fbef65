/*
 * One unit per lead or batch: read the lead, its activities and what is known of its company;
 * score; move the status; store with the event. The scoring itself is pure, so a unit that runs
 * twice gives the same answer.
 */
#include "workflow/qualification.h"

#include <assert.h>

#include "agent/event.h"
#include "agent/instant.h"
#include "agent/item_error.h"
#include "agent/model_use.h"
#include "agent/mutation.h"
#include "domain/lifecycle.h"
#include "store/records.h"
#include "workflow/lead_decision.h"
#include "workflow/lead_preview.h"

/* What the units of one request share. */
struct qualify {
    struct agents *agents;
    const TenantPolicy *policy;
    const struct model_use *use; /* NULL: none that fits */
    int64_t as_of_us, now_us;
    bool dry; /* compute, store nothing */
    /* What AI said, by place in the request; NULL: it was not asked. */
    struct lead_insight *insights;
};

static void qualify_release(struct qualify *k)
{
    model_use_put(k->agents->models, k->use);
    k->use = NULL;
}

/* To be released if it succeeds. */
static enum status qualify_init(struct call *c, struct agents *a, struct qualify *k)
{
    TRY(policy_get(c, a->policies, &k->policy));
    k->agents = a;
    k->now_us = call_now_us(c);
    k->as_of_us = k->now_us;
    TRY(model_use_active(c, a->models, MODEL_KIND_LEAD_WIN, &k->use));
    if (k->use && !model_use_fits(k->use))
        qualify_release(k);
    return STATUS_OK;
}

static struct lead_look look_of(const struct qualify *k)
{
    return (struct lead_look){.policy = k->policy->qualification,
                              .use = k->use,
                              .as_of_us = k->as_of_us,
                              .now_us = k->now_us,
                              .enrichment = {.agents = k->agents,
                                             .policy = k->policy,
                                             .as_of_us = k->as_of_us,
                                             .refreshes = !k->dry}};
}

static enum status summarise(struct call *c, const LeadScore *score, LeadScoreSummary **out)
{
    if ((*out = NEW(&c->arena, LeadScoreSummary, 1)) == NULL)
        return call_nomem(c);
    **out = (LeadScoreSummary)LEAD_SCORE_SUMMARY_INIT;
    (*out)->score = score->score;
    (*out)->grade = score->grade;
    (*out)->confidence = score->confidence;
    (*out)->routing = score->routing;
    (*out)->scored_at = score->scored_at;
    (*out)->decision_id = score->decision_id;
    return STATUS_OK;
}

/* The sentence behind a status. */
static enum status reason_of(struct call *c, const LeadScore *score, LeadStatus status, char **out)
{
    if (score->n_disqualifications)
        *out = arena_cstr(&c->arena, str_sub(str_of(score->disqualifications[0]->reason), 0, 300));
    else
        *out = arena_printf(&c->arena, "scored %d of 100: %s", score->score,
                            status == LEAD_STATUS_QUALIFIED ? "enough to be qualified"
                                                            : "not enough to be qualified");
    return *out ? STATUS_OK : call_nomem(c);
}

static enum status check_status(struct call *c, const Lead *lead, LeadStatus to)
{
    struct precondition why;

    if (lifecycle_check(lead->status, LIFECYCLE_QUALIFY, to, &why) == STATUS_OK)
        return STATUS_OK;
    call_detail(c, FAULT_PRECONDITION, why.type, why.subject, "%s", why.text);
    return call_fail_as(c, STATUS_PRECONDITION, "LEAD_STATUS",
                        "the lead's status does not allow it to be qualified");
}

static enum status move(struct call *c, const struct qualify *k, Lead *lead, const LeadScore *score)
{
    LeadStatus to = score_status(score, k->policy->qualification);

    if (lead->status != to) {
        lead->status = to;
        TRY(instant_new(c, k->now_us, &lead->status_time));
    }
    TRY(reason_of(c, score, to, &lead->status_reason));
    return summarise(c, score, &lead->score);
}

/* One lead on its way through a unit. */
struct passage {
    struct tx *tx;
    const struct qualify *shared;
    Lead *lead;
    const struct lead_insight *insight; /* NULL: none */
    struct lead_scored scored;
    Decision decision;
};

static enum status compute(struct passage *p, struct lead_decision *out)
{
    struct call *c = tx_call(p->tx);
    const struct qualify *k = p->shared;
    struct lead_look look = look_of(k);

    *out = (struct lead_decision){.scored = &p->scored, .began_ns = call_monotonic_ns(c)};
    TRY(lead_look(p->tx, &look, p->lead, &out->start));
    if (p->insight) {
        out->start->insight = p->insight->answer;
        out->calls = p->insight->calls;
        out->n_calls = p->insight->n_calls;
    }
    TRY(decision_new(c, k->agents, DECISION_KIND_LEAD_SCORE, &p->decision));
    return lead_score(c,
                      &(struct lead_scoring){.start = out->start,
                                             .use = k->use,
                                             .decision_id = k->dry ? "" : p->decision.id},
                      &p->scored);
}

/* Scores one lead that was just read, moves it, and stores it with the decision. */
static enum status qualify(struct passage *p)
{
    struct call *c = tx_call(p->tx);
    const struct qualify *k = p->shared;
    struct lead_decision decision;
    const LeadScore *score;

    TRY(compute(p, &decision));
    score = p->scored.score;
    TRY(check_status(c, p->lead, score_status(score, k->policy->qualification)));
    if (!k->dry)
        TRY(lead_decision_put(p->tx, &decision, &p->decision));
    TRY(move(c, k, p->lead, score));
    if (k->dry)
        return STATUS_OK;
    TRY(tx_update_lead(p->tx, p->lead));
    return tx_event(p->tx, EVENT_LEAD_QUALIFIED, RECORD_LEAD, str_of(p->lead->id), &p->lead->base);
}

/* Asks AI about these leads, outside of any unit, and keeps what it said in k. */
static enum status ask_ai(struct call *c, struct qualify *k, InsightMode mode, const str *ids,
                          size_t n)
{
    return lead_preview_ask(
        c, k->agents,
        &(struct lead_preview){
            .look = look_of(k), .policy = k->policy, .mode = mode, .ids = ids, .n = n},
        &k->insights);
}

struct one {
    struct qualify shared;
    const QualifyLeadRequest *in;
    QualifyLeadResponse *out;
};

static enum status check_as_of(struct call *c, const struct one *k)
{
    if (!k->in->as_of || score_has_begun(k->out->lead, k->shared.as_of_us))
        return STATUS_OK;
    call_detail(c, FAULT_FIELD, "as_of.begun", STR("as_of"),
                "must not lie before the lead came about");
    return call_fail_as(c, STATUS_INVALID, "VALIDATION", "there was no such lead at that time");
}

static enum status one_unit(struct call *c, struct tx *tx, void *arg)
{
    struct one *k = arg;
    QualifyLeadResponse *out = k->out;
    struct passage passage;

    TRY(tx_get_lead(tx, str_of(k->in->id), &out->lead));
    TRY(check_as_of(c, k));
    TRY(tx_match(tx, &out->lead->base, str_of(k->in->etag)));
    out->previous_status = out->lead->status;
    passage = (struct passage){
        .tx = tx, .shared = &k->shared, .lead = out->lead, .insight = k->shared.insights};
    TRY(qualify(&passage));
    out->score = passage.scored.score;
    return STATUS_OK;
}

static enum status run_one(struct call *c, struct agents *a, struct one *k)
{
    str id = str_of(k->in->id);

    k->shared.dry = k->in->validate_only || k->in->as_of;
    TRY(instant_of_event(c, k->in->as_of, "as_of", &k->shared.as_of_us));
    TRY(ask_ai(c, &k->shared, k->in->insight_mode, &id, 1));
    return mutate(c, a,
                  &(struct mutation){
                      .unit = one_unit, .arg = k, .answer = &k->out->base, .looks = k->shared.dry});
}

enum status qualification_run(struct call *c, struct agents *a, const QualifyLeadRequest *in,
                              QualifyLeadResponse *out)
{
    struct one k = {.in = in, .out = out};
    enum status s;

    TRY(qualify_init(c, a, &k.shared));
    s = run_one(c, a, &k);
    qualify_release(&k.shared);
    return s;
}

/* What is known of the lead as of asked_us; *out is passed over when a rule disqualifies it. */
static enum status preview_given(struct call *c, struct qualify *k, const struct qualify_given *in)
{
    const str id = str_of(in->lead_id);
    struct lead_preview p = {.look = look_of(k), .policy = k->policy, .ids = &id, .n = 1};

    if ((k->insights = NEW(&c->arena, struct lead_insight, 2)) == NULL)
        return call_nomem(c);
    p.look.as_of_us = p.look.now_us = in->asked_us; /* as it was then, seen from then */
    return lead_preview_read(c, k->agents, &p, k->insights);
}

enum status qualification_question(struct call *c, struct agents *a, const struct qualify_given *in,
                                   struct guard_ask *out)
{
    struct qualify k;
    enum status s;

    TRY(qualify_init(c, a, &k));
    s = preview_given(c, &k, in);
    if (s == STATUS_OK && !k.insights->score)
        s = call_fail_as(c, STATUS_PRECONDITION, "NOT_SCORED", "there is nothing to ask about it");
    if (s == STATUS_OK)
        s = lead_insight_question(c, k.policy, k.insights, out);
    qualify_release(&k);
    return s;
}

static enum status run_given(struct call *c, struct agents *a, struct one *k,
                             const struct qualify_given *in)
{
    struct insight_round round = {
        .policy = k->shared.policy, .mode = INSIGHT_MODE_UNSPECIFIED, .n = 1, .given = in->answer};

    if (in->answer && lead_insight_wanted(a, k->shared.policy, round.mode)) {
        TRY(preview_given(c, &k->shared, in));
        round.list = k->shared.insights;
        TRY(lead_insight_ask(c, a, &round));
    }
    return mutate(c, a, &(struct mutation){.unit = one_unit, .arg = k, .answer = &k->out->base});
}

enum status qualification_given(struct call *c, struct agents *a, const struct qualify_given *in,
                                QualifyLeadResponse *out)
{
    QualifyLeadRequest request = QUALIFY_LEAD_REQUEST_INIT;
    struct one k = {.in = &request, .out = out};
    enum status s;

    request.id = (char *)in->lead_id;
    TRY(qualify_init(c, a, &k.shared));
    s = run_given(c, a, &k, in);
    qualify_release(&k.shared);
    return s;
}

struct many {
    struct qualify shared;
    const struct qualify_batch *in;
    QualifyResults *out;
};

static enum status scored(const struct many *k, const Lead *lead, LeadScore *score,
                          QualifyResult *out)
{
    assert(lead && score);
    out->status = lead->status;
    out->score = score;
    if (k->in->brief)
        score->n_contributions = 0;
    return STATUS_OK;
}

/* The i-th lead; NULL: there is none with this id. */
static enum status batch_item(struct tx *tx, const struct many *k, size_t i, Lead *lead,
                              QualifyResult **out)
{
    struct call *c = tx_call(tx);
    struct passage p = {.tx = tx, .shared = &k->shared, .lead = lead};
    enum status s;

    if (k->shared.insights)
        p.insight = &k->shared.insights[i];
    if ((*out = NEW(&c->arena, QualifyResult, 1)) == NULL)
        return call_nomem(c);
    **out = (QualifyResult)QUALIFY_RESULT_INIT;
    if (((*out)->lead_id = arena_cstr(&c->arena, k->in->ids[i])) == NULL)
        return call_nomem(c);
    s = lead ? qualify(&p) : call_fail(c, STATUS_NOT_FOUND, "there is no such lead");
    if (s == STATUS_OK)
        return scored(k, lead, p.scored.score, *out);
    if (!item_error_is_own(s) || s == STATUS_CONFLICT)
        return s; /* the unit as a whole has to run again, or not at all */
    (*out)->error = item_error_take(c, STR(""));
    return (*out)->error ? STATUS_OK : c->fault.status;
}

static enum status many_unit(struct call *c, struct tx *tx, void *arg)
{
    struct many *k = arg;
    ProtobufCMessage *leads[QUALIFY_BATCH_MAX];

    TRY(tx_get_many(tx, RECORD_LEAD, k->in->ids, k->in->n, leads));
    for (k->out->n_results = 0; k->out->n_results < k->in->n; k->out->n_results++) {
        size_t i = k->out->n_results;

        if (i > 0 && c->arena.total > c->arena.limit / 2) /* a lead may have many long mails */
            break;
        TRY(batch_item(tx, k, i, (Lead *)leads[i], &k->out->results[i]));
    }
    return STATUS_OK;
}

enum status qualification_batch(struct call *c, struct agents *a, const struct qualify_batch *in,
                                QualifyResults *out)
{
    struct many k = {.in = in, .out = out};
    enum status s;

    if (in->n > QUALIFY_BATCH_MAX)
        return call_fail(c, STATUS_INVALID, "more than %d leads in one step", QUALIFY_BATCH_MAX);
    if ((out->results = NEW(&c->arena, QualifyResult *, in->n + 1)) == NULL)
        return call_nomem(c);
    TRY(qualify_init(c, a, &k.shared));
    k.shared.dry = in->validate_only;
    s = ask_ai(c, &k.shared, in->insight_mode, in->ids, in->n);
    if (s == STATUS_OK)
        s = store_run(a->store, c, k.shared.dry ? STORE_READ : STORE_WRITE, many_unit, &k);
    qualify_release(&k.shared);
    if (s == STATUS_OK && !k.shared.dry)
        feed_tell(a->feed, c->principal.tenant_id);
    return s;
}
