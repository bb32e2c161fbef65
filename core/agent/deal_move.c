/* One unit for both directions: read what the rules ask about, let the pipeline decide, store. */
#include "agent/deal_move.h"

#include "agent/activity.h"
#include "agent/event.h"
#include "agent/instant.h"
#include "agent/mutation.h"
#include "agent/pipeline.h"
#include "domain/text.h"
#include "store/reach.h"
#include "store/records.h"

/* Failures that are mistakes of the request, by what is asked for; NULL: a matter of the state. */
static const struct {
    const char *type;
    const char *begin_field, *move_field;
} request_faults[] = {
    {"EVENT_TIME", "deal.history", "occurred_at"},
    {"STAGE", "deal.stage", "to_stage"},
    {"HISTORY", "deal.history", NULL},
    {"HISTORY_FULL", "deal.history", NULL},
    {"CLOSE_REASON", "deal.close_reason", NULL},
};

static const char *field_of(const struct pipeline_verdict *v, const struct precondition *f,
                            enum deal_refused_in where)
{
    if (where == DEAL_REFUSED_MOVE && v->to && strcmp(f->type, "STAGE") == 0)
        return NULL; /* the stage that the deal is in is gone, the request is fine */
    if (where == DEAL_REFUSED_BEGIN && str_eq(f->subject, STR("created_at")))
        return "deal.created_at";
    for (size_t i = 0; i < sizeof request_faults / sizeof *request_faults; i++)
        if (strcmp(f->type, request_faults[i].type) == 0)
            return where == DEAL_REFUSED_BEGIN ? request_faults[i].begin_field
                                               : request_faults[i].move_field;
    return NULL;
}

enum status deal_refuse(struct call *c, enum status s, enum deal_refused_in where,
                        const struct pipeline_verdict *verdict)
{
    size_t n_fields = 0, n_roles = 0;

    if (s == STATUS_EXHAUSTED)
        return call_nomem(c);
    for (size_t i = 0; i < verdict->n_failures; i++) {
        const struct precondition *f = &verdict->failures[i];
        const char *field = field_of(verdict, f, where);

        n_fields += field != NULL;
        n_roles += strcmp(f->type, "STAGE_ROLE") == 0;
        if (field)
            call_detail(c, FAULT_FIELD, f->type, str_of(field), "%s", f->text);
        else
            call_detail(c, FAULT_PRECONDITION, f->type, f->subject, "%s", f->text);
    }
    if (n_fields)
        return call_fail_as(c, STATUS_INVALID, "VALIDATION",
                            "the request does not fit the pipeline");
    if (n_roles)
        c->rule = "pipeline.stage_role";
    if (n_roles && n_roles == verdict->n_failures)
        return call_fail_as(c, STATUS_DENIED, "STAGE_ROLE", "the role may not make this move");
    return call_fail_as(c, STATUS_PRECONDITION, "MOVE_REFUSED", "the pipeline refuses the move");
}

bool deal_set_outcome(const Deal *deal, Lead *lead)
{
    bool won = deal->stage_kind == STAGE_KIND_WON;

    if (!won && (deal->stage_kind != STAGE_KIND_LOST || lead->outcome))
        return false;
    lead->outcome = won ? LEAD_OUTCOME_WON : LEAD_OUTCOME_LOST;
    lead->closed_at = deal->closed_at;
    return true;
}

bool deal_clear_outcome(const Deal *closed, Lead *lead)
{
    LeadOutcome given = closed->stage_kind == STAGE_KIND_WON ? LEAD_OUTCOME_WON : LEAD_OUTCOME_LOST;

    if (lead->outcome != given || instant_us(lead->closed_at) != instant_us(closed->closed_at))
        return false;
    lead->outcome = LEAD_OUTCOME_UNSPECIFIED;
    lead->closed_at = NULL;
    return true;
}

/* The deal's lead, NULL when it has none or it was erased. It may be another owner's: what follows
 * from a deal does not depend on who moved it. */
static enum status lead_of(struct tx *tx, const Deal *deal, Lead **out)
{
    enum status s;

    *out = NULL;
    if (!*deal->lead_id)
        return STATUS_OK;
    tx_widen(tx);
    s = tx_get_lead(tx, str_of(deal->lead_id), out);
    tx_narrow(tx);
    if (s != STATUS_NOT_FOUND)
        return s;
    call_clear(tx_call(tx));
    *out = NULL;
    return STATUS_OK;
}

static enum status store_lead(struct tx *tx, Lead *lead)
{
    tx_widen(tx);
    TRY(tx_update_lead(tx, lead));
    tx_narrow(tx);
    return tx_event(tx, EVENT_LEAD_UPDATED, RECORD_LEAD, str_of(lead->id), &lead->base);
}

enum status deal_tell_lead(struct tx *tx, const Deal *deal)
{
    Lead *lead;

    if (deal->stage_kind != STAGE_KIND_WON && deal->stage_kind != STAGE_KIND_LOST)
        return STATUS_OK;
    TRY(lead_of(tx, deal, &lead));
    return lead && deal_set_outcome(deal, lead) ? store_lead(tx, lead) : STATUS_OK;
}

/* One move as asked for, and what came of the last run of its unit. */
struct move {
    const char *id, *etag, *to_stage; /* to_stage "": the last open one */
    const char *note;
    CloseReason *reason;
    bool reopen, has_time, validate_only;
    int64_t occurred_us;
    const TenantPolicy *policy;
    Actor *actor;
    Deal *deal;
    StageChange *change;
    ProgressDealResponse *progressed; /* the answer: this one, or ... */
    ReopenDealResponse *reopened;
};

static bool asks(const Pipeline *p, GuardKind kind)
{
    for (size_t i = 0; i < p->n_stages; i++)
        for (size_t g = 0; g < p->stages[i]->n_guards; g++)
            if (p->stages[i]->guards[g]->kind == kind)
                return true;
    return false;
}

static enum status count_activities(struct tx *tx, const Deal *deal, struct pipeline_step *step)
{
    struct list_where where = {ACTIVITY_BY_deal_id, str_of(deal->id), 0};
    struct group_query q = {
        .where = &where, .n_where = 1, .by = {ACTIVITY_BY_kind}, .n_by = 1, .sum = COLUMN_NONE};
    struct group_rows rows;

    TRY(tx_group(tx, RECORD_ACTIVITY, &q, &rows));
    for (size_t i = 0; i < rows.n_rows; i++) {
        int64_t kind = rows.rows[i].key[0].number, n = rows.rows[i].count;

        if (!rows.rows[i].key[0].is_null && kind >= 0 && kind < ACTIVITY_KIND_N)
            step->n_activities[kind] = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
    }
    return STATUS_OK;
}

/* What the guards of the pipeline ask about beside the deal, if any does. */
static enum status look_around(struct tx *tx, const Pipeline *p, const Deal *deal,
                               struct pipeline_step *step)
{
    Lead *lead;

    if (asks(p, GUARD_KIND_ACTIVITY_LOGGED))
        TRY(count_activities(tx, deal, step));
    if (!asks(p, GUARD_KIND_LEAD_NOT_DISQUALIFIED))
        return STATUS_OK;
    TRY(lead_of(tx, deal, &lead));
    step->lead_disqualified = lead && lead->status == LEAD_STATUS_DISQUALIFIED;
    return STATUS_OK;
}

const char *deal_last_open_stage(const Pipeline *p, const Deal *deal)
{
    for (size_t i = deal->n_history; i-- > 0;) {
        const Stage *s = pipeline_stage(p, deal->history[i]->to_stage);

        if (s && s->kind == STAGE_KIND_OPEN)
            return s->key;
    }
    return pipeline_first(p)->key;
}

static enum status decide(struct call *c, const struct move *k, const Pipeline *p,
                          const struct pipeline_step *step, struct pipeline_verdict *verdict)
{
    enum status s = pipeline_check_move(&c->arena, p, k->deal, step, verdict);

    if (s != STATUS_OK)
        return deal_refuse(c, s, DEAL_REFUSED_MOVE, verdict);
    if (step->reason && verdict->to->kind == STAGE_KIND_OPEN) {
        call_detail(c, FAULT_FIELD, "close_reason", STR("close_reason"),
                    "must be left out: the stage does not close the deal");
        return call_fail_as(c, STATUS_INVALID, "VALIDATION", "nothing is closed by this move");
    }
    return STATUS_OK;
}

/* Makes the move in k->deal. A category that was only the old stage's becomes the new one's. */
static enum status apply(struct call *c, struct move *k, const Pipeline *p,
                         const struct pipeline_step *step, const struct pipeline_verdict *verdict)
{
    Deal unsaid = *k->deal;
    bool own;

    unsaid.category = FORECAST_CATEGORY_UNSPECIFIED;
    own = verdict->from->kind == STAGE_KIND_OPEN &&
          k->deal->category != pipeline_category(p, &unsaid);
    if (pipeline_move(&c->arena, k->deal, step, verdict) != STATUS_OK)
        return call_nomem(c);
    if (!own)
        k->deal->category = FORECAST_CATEGORY_UNSPECIFIED;
    k->deal->category = pipeline_category(p, k->deal);
    k->change = k->deal->history[k->deal->n_history - 1];
    return STATUS_OK;
}

static enum status store_move(struct tx *tx, struct move *k, const Deal *before)
{
    Lead *lead;

    TRY(tx_update_deal(tx, k->deal));
    TRY(tx_event(tx, EVENT_DEAL_UPDATED, RECORD_DEAL, str_of(k->deal->id), &k->deal->base));
    if (!k->reopen) {
        if (k->change->kind != STAGE_CHANGE_KIND_CLOSED)
            return STATUS_OK;
        TRY(tx_event(tx, EVENT_DEAL_CLOSED, RECORD_DEAL, str_of(k->deal->id), &k->deal->base));
        return deal_tell_lead(tx, k->deal);
    }
    TRY(lead_of(tx, k->deal, &lead));
    return lead && deal_clear_outcome(before, lead) ? store_lead(tx, lead) : STATUS_OK;
}

/* What is asked of the pipeline, with what the rules want to know beside the deal. */
static enum status make_step(struct tx *tx, const struct move *k, const Pipeline *p,
                             struct pipeline_step *out)
{
    const struct call *c = tx_call(tx);
    int64_t last_us = instant_us(k->deal->stage_time), now_us = call_now_us(c);

    *out = (struct pipeline_step){.to_stage = k->to_stage,
                                  .reason = k->reason,
                                  .note = k->note,
                                  .reopen = k->reopen,
                                  .roles = c->principal.roles,
                                  .now_us = now_us,
                                  .occurred_us = k->occurred_us,
                                  .actor = k->actor};
    if (!*out->to_stage)
        out->to_stage = deal_last_open_stage(p, k->deal);
    if (!k->has_time) /* the clock that dated the last move may have been ahead of ours */
        out->occurred_us = last_us > now_us ? last_us : now_us;
    return look_around(tx, p, k->deal, out);
}

static enum status read_deal(struct call *c, struct tx *tx, struct move *k, const Pipeline **out)
{
    TRY(tx_get_deal(tx, str_of(k->id), &k->deal));
    TRY(tx_match(tx, &k->deal->base, str_of(k->etag)));
    return pipeline_of_deal(c, k->policy, k->deal, out);
}

static void tell_move(const struct move *k)
{
    if (k->reopen) {
        k->reopened->deal = k->deal;
        k->reopened->change = k->change;
    } else {
        k->progressed->deal = k->deal;
        k->progressed->change = k->change;
    }
}

static enum status move_unit(struct call *c, struct tx *tx, void *arg)
{
    struct move *k = arg;
    struct pipeline_verdict *verdict = NEW(&c->arena, struct pipeline_verdict, 1);
    struct pipeline_step step;
    const Pipeline *p;
    Deal before;

    if (!verdict)
        return call_nomem(c);
    TRY(read_deal(c, tx, k, &p));
    TRY(make_step(tx, k, p, &step));
    TRY(decide(c, k, p, &step, verdict));
    before = *k->deal;
    TRY(apply(c, k, p, &step, verdict));
    tell_move(k);
    return k->validate_only ? STATUS_OK : store_move(tx, k, &before);
}

static enum status refuse_text(struct call *c, enum status s, const char *field,
                               const struct refusal *why)
{
    if (s == STATUS_EXHAUSTED)
        return call_nomem(c);
    call_detail(c, FAULT_FIELD, why->rule, str_of(field), "%s", why->text);
    return call_fail_as(c, STATUS_INVALID, "VALIDATION", "%s cannot be read", field);
}

static enum status clean_line(struct call *c, const char *field, const char *in, const char **out)
{
    struct refusal why = {0};
    str clean = {0};
    enum status s = text_line(&c->arena, str_of(in), &clean, &why);

    if (s != STATUS_OK)
        return refuse_text(c, s, field, &why);
    return (*out = arena_cstr(&c->arena, clean)) ? STATUS_OK : call_nomem(c);
}

/* A copy with clean texts; NULL stays NULL. */
static enum status clean_reason(struct call *c, const CloseReason *in, CloseReason **out)
{
    struct refusal why = {0};
    CloseReason *own;
    const char *competitor = NULL;
    str note = {0};
    enum status s;

    *out = NULL;
    if (!in)
        return STATUS_OK;
    if ((own = NEW(&c->arena, CloseReason, 1)) == NULL)
        return call_nomem(c);
    *own = *in;
    TRY(clean_line(c, "close_reason.competitor", in->competitor, &competitor));
    s = text_block(&c->arena, str_of(in->note), &note, &why);
    if (s != STATUS_OK)
        return refuse_text(c, s, "close_reason.note", &why);
    own->competitor = (char *)competitor;
    own->note = arena_cstr(&c->arena, note);
    *out = own;
    return own->note ? STATUS_OK : call_nomem(c);
}

/* The move as a mutation to be made; k outlives it. */
static enum status plan(struct call *c, struct agents *a, struct move *k, const char *note,
                        const Timestamp *occurred_at)
{
    k->has_time = occurred_at != NULL;
    TRY(instant_of_event(c, occurred_at, "occurred_at", &k->occurred_us));
    TRY(clean_line(c, "note", note, &k->note));
    TRY(actor_of(c, &k->actor));
    return policy_get(c, a->policies, &k->policy);
}

static enum status run(struct call *c, struct agents *a, struct move *k, const char *note,
                       const Timestamp *occurred_at)
{
    TRY(plan(c, a, k, note, occurred_at));
    return mutate(
        c, a,
        &(struct mutation){.unit = move_unit,
                           .arg = k,
                           .answer = k->reopen ? &k->reopened->base : &k->progressed->base,
                           .looks = k->validate_only});
}

enum status deal_plan_progress(struct call *c, struct agents *a, const ProgressDealRequest *in,
                               ProgressDealResponse *out, struct mutation *plan_out)
{
    struct move *k = NEW(&c->arena, struct move, 1);

    if (!k)
        return call_nomem(c);
    *k = (struct move){.id = in->id,
                       .etag = in->etag,
                       .to_stage = in->to_stage,
                       .validate_only = in->validate_only,
                       .progressed = out};
    *plan_out = (struct mutation){
        .unit = move_unit, .arg = k, .answer = &out->base, .looks = in->validate_only};
    TRY(clean_reason(c, in->close_reason, &k->reason));
    return plan(c, a, k, in->note, in->occurred_at);
}

enum status deal_progress(struct call *c, struct agents *a, const ProgressDealRequest *in,
                          ProgressDealResponse *out)
{
    struct move k = {.id = in->id,
                     .etag = in->etag,
                     .to_stage = in->to_stage,
                     .validate_only = in->validate_only,
                     .progressed = out};

    TRY(clean_reason(c, in->close_reason, &k.reason));
    return run(c, a, &k, in->note, in->occurred_at);
}

enum status deal_reopen(struct call *c, struct agents *a, const ReopenDealRequest *in,
                        ReopenDealResponse *out)
{
    struct move k = {
        .id = in->id, .etag = in->etag, .to_stage = in->to_stage, .reopen = true, .reopened = out};

    return run(c, a, &k, in->note, in->occurred_at);
}
