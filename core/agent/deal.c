/* Deals: clean, begin in the pipeline, store with the event. */
#include "agent/deal.h"

#include "agent/activity.h"
#include "agent/deal_clean.h"
#include "agent/deal_move.h"
#include "agent/event.h"
#include "agent/instant.h"
#include "agent/list.h"
#include "agent/mutation.h"
#include "agent/pipeline.h"
#include "domain/pipeline.h"
#include "schema/mask.h"
#include "store/pin.h"
#include "store/records.h"

/* clang-format off */
#define SERVER_FIELDS                                                           \
    "id", "etag", "create_time", "update_time", "stage_kind", "stage_time",     \
    "last_activity_time", "push_count", "score", "decision_id"
/* clang-format on */

static const char *const output_only[] = {SERVER_FIELDS, NULL};
static const char *const update_locked[] = {SERVER_FIELDS, "created_at",   "pipeline_id", "stage",
                                            "history",     "close_reason", "closed_at",   NULL};

static enum status refuse_field(struct call *c, const char *rule, const char *field,
                                const char *text)
{
    call_detail(c, FAULT_FIELD, rule, str_of(field), "%s", text);
    return call_fail_as(c, STATUS_INVALID, "VALIDATION", "%s does not fit the deal", field);
}

/* A deal with a past is as old as its first move, which is known when the history is in order. */
static enum status prepare_birth(struct call *c, Deal *deal)
{
    int64_t us;

    if (!deal->n_history && (deal->close_reason || deal->closed_at))
        return refuse_field(c, "deal.history",
                            deal->closed_at ? "deal.closed_at" : "deal.close_reason",
                            "must come with the history that leads to it");
    if (!deal->created_at && deal->n_history)
        return STATUS_OK;
    TRY(instant_of_event(c, deal->created_at, "deal.created_at", &us));
    return instant_new(c, us, &deal->created_at);
}

enum status deal_prepare(struct call *c, const TenantPolicy *policy, const Deal *in,
                         struct deal_draft *out)
{
    Deal *deal = NEW(&c->arena, Deal, 1);

    *out = (struct deal_draft){.deal = deal};
    if (!deal)
        return call_nomem(c);
    *deal = *in;
    message_clear_fields(&deal->base, output_only);
    if ((out->pipeline = pipeline_find(policy, deal->pipeline_id)) == NULL)
        return refuse_field(c, "pipeline", "deal.pipeline_id",
                            "must be a pipeline that the tenant defines");
    deal->pipeline_id = out->pipeline->id;
    TRY(deal_clean(c, policy, deal));
    TRY(prepare_birth(c, deal));
    if (!*deal->owner_id && c->principal.roles & ROLE_BIT_REP)
        deal->owner_id = arena_cstr(&c->arena, str_of(c->principal.subject));
    if (!*deal->team_id && c->principal.roles & ROLE_BIT_REP && c->principal.n_teams)
        deal->team_id = (char *)c->principal.teams[0];
    return deal->owner_id ? actor_of(c, &out->actor) : call_nomem(c);
}

/* To a later month; both dates are "YYYY-MM-DD" or empty. */
static bool is_push(const char *before, const char *after)
{
    enum { MONTH_BYTES = 7 };

    return *before && *after && strncmp(after, before, MONTH_BYTES) > 0;
}

int32_t deal_pushes(StageChange *const *history, size_t n, const char *last)
{
    const char *before = "";
    int32_t pushes = 0;

    for (size_t i = 0; i <= n; i++) {
        const char *date = i < n ? history[i]->expected_close_date : last;

        pushes += is_push(before, date);
        before = *date ? date : before;
    }
    return pushes;
}

/* A deal that a run of the unit may change, the entries of its history included. */
static Deal *own_copy(struct arena *a, const Deal *draft)
{
    Deal *d = NEW(a, Deal, 1);
    StageChange **history = NEW(a, StageChange *, draft->n_history + 1);
    StageChange *changes = NEW(a, StageChange, draft->n_history + 1);

    if (!d || !history || !changes)
        return NULL;
    *d = *draft;
    d->history = history;
    for (size_t i = 0; i < draft->n_history; i++) {
        changes[i] = *draft->history[i];
        history[i] = &changes[i];
    }
    return d;
}

/* What follows from the past that the deal was begun with. */
static enum status settle_past(struct call *c, const Pipeline *p, Deal *d)
{
    const Timestamp *first = d->history[0]->occurred_at;

    if (!d->created_at)
        d->created_at = d->history[0]->occurred_at;
    if (instant_us(d->created_at) > instant_us(first))
        return refuse_field(c, "deal.birth", "deal.created_at", "must not be after the first move");
    d->push_count = deal_pushes(d->history, d->n_history, d->expected_close_date);
    d->category = pipeline_category(p, d);
    return STATUS_OK;
}

enum status deal_begin(struct tx *tx, const struct deal_draft *draft, Deal **out)
{
    struct call *c = tx_call(tx);
    struct pipeline_step step = {.to_stage = "",
                                 .roles = c->principal.roles,
                                 .now_us = call_now_us(c),
                                 .actor = draft->actor};
    struct pipeline_verdict *verdict = NEW(&c->arena, struct pipeline_verdict, 1);
    Deal *d = own_copy(&c->arena, draft->deal);
    enum status s;

    *out = d;
    if (!verdict || !d)
        return call_nomem(c);
    if (*d->lead_id) {
        Lead *lead;

        TRY(tx_get_lead(tx, str_of(d->lead_id), &lead));
        TRY(tx_pin(tx, RECORD_LEAD, str_of(lead->id))); /* it must not be erased meanwhile */
        step.lead_disqualified = lead->status == LEAD_STATUS_DISQUALIFIED;
    }
    s = pipeline_begin(&c->arena, draft->pipeline, d, &step, verdict);
    if (s != STATUS_OK)
        return deal_refuse(c, s, DEAL_REFUSED_BEGIN, verdict);
    TRY(settle_past(c, draft->pipeline, d));
    TRY(tx_insert_deal(tx, d));
    return tx_event(tx, EVENT_DEAL_CREATED, RECORD_DEAL, str_of(d->id), &d->base);
}

struct create {
    struct deal_draft draft;
    CreateDealResponse *out;
};

static enum status create_unit(struct call *c, struct tx *tx, void *arg)
{
    struct create *k = arg;

    k->out->created = false;
    if (*k->draft.deal->external_id) {
        enum status s = tx_find_deal(tx, DEAL_BY_external_id, str_of(k->draft.deal->external_id),
                                     &k->out->deal);
        if (s == STATUS_OK)
            return STATUS_OK;
        if (s != STATUS_NOT_FOUND)
            return s;
        call_clear(c);
    }
    TRY(deal_begin(tx, &k->draft, &k->out->deal));
    k->out->created = true;
    return deal_tell_lead(tx, k->out->deal);
}

enum status deal_create(struct call *c, struct agents *a, const CreateDealRequest *in,
                        CreateDealResponse *out)
{
    struct create k = {.out = out};
    const TenantPolicy *policy;

    TRY(policy_get(c, a->policies, &policy));
    TRY(deal_prepare(c, policy, in->deal, &k.draft));
    return mutate(c, a, &(struct mutation){.unit = create_unit, .arg = &k, .answer = &out->base});
}

struct by_id {
    const char *id;
    Deal *deal;
};

static enum status get_unit(struct call *c, struct tx *tx, void *arg)
{
    struct by_id *k = arg;

    (void)c;
    return tx_get_deal(tx, str_of(k->id), &k->deal);
}

enum status deal_get(struct call *c, struct agents *a, const char *id, Deal **out)
{
    struct by_id k = {.id = id};

    TRY(store_run(a->store, c, STORE_READ_ONE, get_unit, &k));
    *out = k.deal;
    return STATUS_OK;
}

enum status deal_list(struct call *c, struct agents *a, const ListDealsRequest *in,
                      ListDealsResponse *out)
{
    struct list_query q = {.filter = str_of(in->filter),
                           .order_by = str_of(in->order_by),
                           .search = str_of(in->search),
                           .page_token = str_of(in->page_token),
                           .page_size = in->page_size};
    struct list_page page;

    TRY(list_run(c, a->store, RECORD_DEAL, &q, &page));
    out->deals = (Deal **)(void *)page.items;
    out->n_deals = page.n_items;
    out->next_page_token = page.next_page_token;
    return STATUS_OK;
}

struct update {
    const UpdateDealRequest *in;
    const TenantPolicy *policy;
    UpdateDealResponse *out;
};

/* A deal may move to another lead, if that is one of the tenant's. */
static enum status check_lead(struct tx *tx, const char *before, const char *after)
{
    Lead *lead;

    if (!*after || strcmp(before, after) == 0)
        return STATUS_OK;
    TRY(tx_get_lead(tx, str_of(after), &lead));
    return tx_pin(tx, RECORD_LEAD, str_of(lead->id));
}

/* Changes *deal as the request says; what follows from the change is settled. */
static enum status change(struct call *c, struct tx *tx, const struct update *k, Deal *deal)
{
    const FieldMask *mask = k->in->update_mask;
    struct mask paths = {update_locked, mask ? mask->paths : NULL, mask ? mask->n_paths : 0};
    const char *close_date = deal->expected_close_date, *lead_id = deal->lead_id;
    const Pipeline *pipeline;

    TRY(pipeline_of_deal(c, k->policy, deal, &pipeline));
    TRY(mask_apply(c, &paths, &k->in->deal->base, &deal->base));
    TRY(deal_clean(c, k->policy, deal));
    TRY(check_lead(tx, lead_id, deal->lead_id));
    deal->push_count += is_push(close_date, deal->expected_close_date);
    deal->category = pipeline_category(pipeline, deal);
    return STATUS_OK;
}

static enum status update_unit(struct call *c, struct tx *tx, void *arg)
{
    struct update *k = arg;
    Deal *deal;

    TRY(tx_get_deal(tx, str_of(k->in->deal->id), &deal));
    TRY(tx_match(tx, &deal->base, str_of(k->in->deal->etag)));
    TRY(change(c, tx, k, deal));
    TRY(tx_update_deal(tx, deal));
    k->out->deal = deal;
    return tx_event(tx, EVENT_DEAL_UPDATED, RECORD_DEAL, str_of(deal->id), &deal->base);
}

enum status deal_update(struct call *c, struct agents *a, const UpdateDealRequest *in,
                        UpdateDealResponse *out)
{
    struct update k = {.in = in, .out = out};

    if (!*in->deal->id) {
        call_detail(c, FAULT_FIELD, "required", STR("deal.id"), "names the deal to change");
        return call_fail_as(c, STATUS_INVALID, "VALIDATION", "the deal is not named");
    }
    TRY(policy_get(c, a->policies, &k.policy));
    return mutate(c, a, &(struct mutation){.unit = update_unit, .arg = &k, .answer = &out->base});
}
