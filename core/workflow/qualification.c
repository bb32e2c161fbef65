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
#include "domain/account_rollup.h"
#include "domain/lifecycle.h"
#include "store/reach.h"
#include "store/records.h"
#include "workflow/lead_decision.h"

enum {
    ACCOUNT_LEADS_MAX = 100, /* of one company: more contacts change no score */
};

/* What the units of one request share. */
struct qualify {
    struct agents *agents;
    const QualificationPolicy *policy;
    const struct model_use *use; /* NULL: none that fits */
    int64_t as_of_us, now_us;
    bool dry; /* compute, store nothing */
};

static void qualify_release(struct qualify *k)
{
    model_use_put(k->agents->models, k->use);
    k->use = NULL;
}

/* To be released if it succeeds. */
static enum status qualify_init(struct call *c, struct agents *a, struct qualify *k)
{
    const TenantPolicy *policy;

    TRY(policy_get(c, a->policies, &policy));
    k->agents = a;
    k->policy = policy->qualification;
    k->now_us = call_now_us(c);
    k->as_of_us = k->now_us;
    TRY(model_use_active(c, a->models, MODEL_KIND_LEAD_WIN, &k->use));
    if (k->use && !model_use_fits(k->use))
        qualify_release(k);
    return STATUS_OK;
}

static enum status read_activities(struct tx *tx, const Lead *lead, struct activity_rollup *out)
{
    struct list_where where = {ACTIVITY_BY_lead_id, str_of(lead->id), 0};
    struct list_query q = {.page_size = PAGE_SIZE_MAX, .where = &where, .n_where = 1};
    struct list_page page;

    for (size_t n = 0; n < QUALIFY_ACTIVITIES_MAX; n += page.n_items) {
        TRY(tx_list(tx, RECORD_ACTIVITY, &q, &page));
        for (size_t i = 0; i < page.n_items; i++)
            activity_rollup_add(out, (const Activity *)page.items[i]);
        if (!*page.next_page_token)
            break;
        q.page_token = str_of(page.next_page_token);
    }
    return STATUS_OK;
}

/* The other leads of the company. Without a domain of its own the company is not known. */
static enum status read_account(struct tx *tx, const struct qualify *k, const Lead *lead,
                                struct score_account *out)
{
    struct list_where where = {.column = LEAD_BY_domain};
    struct list_query q = {.page_size = ACCOUNT_LEADS_MAX, .where = &where, .n_where = 1};
    struct list_page page;
    struct account_rollup rollup;

    account_rollup_init(&rollup, lead->id, k->as_of_us, k->now_us);
    *out = rollup.account;
    if (!lead->company || !*lead->company->domain)
        return STATUS_OK;
    where.text = str_of(lead->company->domain);
    tx_widen(tx); /* a score does not depend on who asks for it */
    TRY(tx_list(tx, RECORD_LEAD, &q, &page));
    tx_narrow(tx);
    for (size_t i = 0; i < page.n_items; i++)
        account_rollup_add(&rollup, (const Lead *)page.items[i]);
    *out = rollup.account;
    out->known = true;
    return STATUS_OK;
}

/* Everything that a score of this lead starts from. */
static enum status look(struct tx *tx, const struct qualify *k, const Lead *lead,
                        LeadScoreStart **out)
{
    struct call *c = tx_call(tx);
    struct activity_rollup *rollup = NEW(&c->arena, struct activity_rollup, 1);
    struct score_account account;

    if (!rollup)
        return call_nomem(c);
    activity_rollup_init(rollup, k->as_of_us);
    TRY(read_activities(tx, lead, rollup));
    TRY(read_account(tx, k, lead, &account));
    if (lead_start_of(&c->arena,
                      &(struct score_input){.lead = lead,
                                            .activity = rollup,
                                            .account = account.known ? &account : NULL,
                                            .policy = k->policy,
                                            .as_of_us = k->as_of_us,
                                            .now_us = k->now_us},
                      out) != STATUS_OK)
        return call_nomem(c);
    return STATUS_OK;
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
    LeadStatus to = score_status(score, k->policy);

    if (lead->status != to) {
        lead->status = to;
        TRY(instant_new(c, k->now_us, &lead->status_time));
    }
    TRY(reason_of(c, score, to, &lead->status_reason));
    return summarise(c, score, &lead->score);
}

/* Scores one lead that was just read, moves it, and stores it with the decision. */
static enum status qualify(struct tx *tx, const struct qualify *k, Lead *lead, LeadScore **score)
{
    struct call *c = tx_call(tx);
    struct lead_scoring scoring = {.use = k->use, .decision_id = ""};
    struct lead_scored scored;
    struct lead_decision decision = {.scored = &scored, .began_ns = call_monotonic_ns(c)};
    Decision d;

    TRY(look(tx, k, lead, &decision.start));
    TRY(decision_new(c, k->agents, DECISION_KIND_LEAD_SCORE, &d));
    if (k->use)
        decision.start->anchor_micro = lead_score_anchor(k->use);
    scoring.start = decision.start;
    scoring.decision_id = k->dry ? "" : d.id;
    TRY(lead_score(c, &scoring, &scored));
    *score = scored.score;
    TRY(check_status(c, lead, score_status(*score, k->policy)));
    if (!k->dry)
        TRY(lead_decision_put(tx, &decision, &d));
    TRY(move(c, k, lead, *score));
    if (k->dry)
        return STATUS_OK;
    TRY(tx_update_lead(tx, lead));
    return tx_event(tx, EVENT_LEAD_QUALIFIED, RECORD_LEAD, str_of(lead->id), &lead->base);
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

    TRY(tx_get_lead(tx, str_of(k->in->id), &out->lead));
    TRY(check_as_of(c, k));
    TRY(tx_match(tx, &out->lead->base, str_of(k->in->etag)));
    out->previous_status = out->lead->status;
    return qualify(tx, &k->shared, out->lead, &out->score);
}

static enum status run_one(struct call *c, struct agents *a, struct one *k)
{
    k->shared.dry = k->in->validate_only || k->in->as_of;
    TRY(instant_of_event(c, k->in->as_of, "as_of", &k->shared.as_of_us));
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
    LeadScore *score = NULL;
    enum status s;

    if ((*out = NEW(&c->arena, QualifyResult, 1)) == NULL)
        return call_nomem(c);
    **out = (QualifyResult)QUALIFY_RESULT_INIT;
    if (((*out)->lead_id = arena_cstr(&c->arena, k->in->ids[i])) == NULL)
        return call_nomem(c);
    s = lead ? qualify(tx, &k->shared, lead, &score)
             : call_fail(c, STATUS_NOT_FOUND, "there is no such lead");
    if (s == STATUS_OK)
        return scored(k, lead, score, *out);
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
    s = store_run(a->store, c, k.shared.dry ? STORE_READ : STORE_WRITE, many_unit, &k);
    qualify_release(&k.shared);
    if (s == STATUS_OK && !k.shared.dry)
        feed_tell(a->feed, c->principal.tenant_id);
    return s;
}
