/* Plan, send, settle, again: until nothing is due or the run is over. */
#include "agent/webhook_lane.h"

#include <assert.h>

#include "agent/instant.h"
#include "agent/webhook_attempt.h"
#include "agent/webhook_meter.h"
#include "agent/webhook_queue.h"
#include "agent/webhook_share.h"
#include "base/kill_point.h"
#include "domain/webhook_policy.h"
#include "obs/log.h"
#include "store/records.h"

#define SECOND_US INT64_C(1000000)

struct lane {
    struct agents *agents;
    struct job *job;
    const char *webhook_id;
    struct uuid uuid; /* the same */
    uint32_t number;
    enum webhook_class class; /* of the place it has */

    /* What is next. */
    WebhookRecord *webhook;          /* NULL: nothing, as it is gone or not enabled */
    WebhookDeliveryRecord *delivery; /* NULL: nothing */
    int64_t due_us;

    /* What came of it. */
    struct webhook_attempt attempt;
    DeliveryState state; /* of the delivery now */
    bool is_disabled;    /* the webhook, by us */
};

static enum status plan_unit(struct call *c, struct tx *tx, void *arg)
{
    struct lane *l = arg;
    struct list_where where[] = {
        {.column = WEBHOOK_DELIVERY_BY_webhook_id, .text = str_of(l->webhook_id)},
        {.column = WEBHOOK_DELIVERY_BY_lane, .number = l->number},
        {.column = WEBHOOK_DELIVERY_BY_state, .number = DELIVERY_STATE_PENDING}};
    struct list_query q = {.order_by = STR("next_attempt_time"),
                           .page_size = 1,
                           .where = where,
                           .n_where = sizeof where / sizeof *where};
    struct list_page page;

    l->delivery = NULL;
    enum status s = tx_get_webhook(tx, str_of(l->webhook_id), &l->webhook);

    if (s == STATUS_NOT_FOUND)
        call_clear(c);
    else
        TRY(s);
    if (!l->webhook || l->webhook->webhook->state != WEBHOOK_STATE_ENABLED)
        return STATUS_OK;
    TRY(tx_list(tx, RECORD_WEBHOOK_DELIVERY, &q, &page));
    if (!page.n_items)
        return STATUS_OK;
    l->delivery = (WebhookDeliveryRecord *)page.items[0];
    l->due_us = instant_us(l->delivery->delivery->next_attempt_time);
    if (l->due_us < instant_us(l->webhook->pause_end_time))
        l->due_us = instant_us(l->webhook->pause_end_time);
    return STATUS_OK;
}

static enum status disable(struct call *c, WebhookRecord *r, const char *why)
{
    r->webhook->state = WEBHOOK_STATE_FAILED;
    r->webhook->state_reason = arena_cstr(&c->arena, str_of(why));
    return r->webhook->state_reason ? STATUS_OK : call_nomem(c);
}

static enum status give_up(struct call *c, WebhookRecord *r, const struct lane *l)
{
    r->given_up++;
    if (r->given_up < WEBHOOK_GIVEN_UP_MAX)
        return STATUS_OK;
    c->rule = "webhook.given_up";
    const char *why = arena_printf(&c->arena, "%d deliveries in a row were given up; the last: %s",
                                   WEBHOOK_GIVEN_UP_MAX, l->attempt.error);

    return why ? disable(c, r, why) : call_nomem(c);
}

static enum status pause_for(struct call *c, WebhookRecord *r, int64_t seconds)
{
    int64_t end_us;

    if (seconds > WEBHOOK_RETRY_AFTER_MAX_S)
        seconds = WEBHOOK_RETRY_AFTER_MAX_S;
    end_us = call_now_us(c) + seconds * SECOND_US;
    if (end_us <= instant_us(r->pause_end_time))
        return STATUS_OK;
    return instant_new(c, end_us, &r->pause_end_time);
}

/* What the attempt says about the address; *changed: the record is to be stored. */
static enum status judge_address(struct call *c, const struct lane *l, WebhookRecord *r,
                                 bool *changed)
{
    enum webhook_outcome outcome = webhook_outcome_of(l->attempt.http_status);
    bool is_given_up = l->state == DELIVERY_STATE_FAILED;

    *changed = true;
    if (outcome == WEBHOOK_GONE) {
        c->rule = "webhook.gone"; /* for the audit trail */
        return disable(c, r, "the address answered 410: it is gone");
    }
    if (outcome == WEBHOOK_DELIVERED) {
        *changed = r->given_up > 0 || r->pause_end_time;
        r->given_up = 0;
        r->pause_end_time = NULL;
        return STATUS_OK;
    }
    *changed = is_given_up || outcome == WEBHOOK_OVERLOADED || l->attempt.retry_after_s > 0;
    if (is_given_up)
        TRY(give_up(c, r, l));
    if (l->attempt.retry_after_s > 0)
        return pause_for(c, r, l->attempt.retry_after_s);
    return outcome == WEBHOOK_OVERLOADED ? pause_for(c, r, WEBHOOK_PAUSE_S) : STATUS_OK;
}

/* The next attempt, or the end of it. */
static enum status settle_delivery(struct call *c, const struct lane *l, WebhookDelivery *d)
{
    enum webhook_outcome outcome = webhook_outcome_of(l->attempt.http_status);
    uint32_t random;
    int64_t wait_us;

    d->attempts++;
    d->http_status = l->attempt.http_status >= 100 ? l->attempt.http_status : 0;
    d->error = (char *)l->attempt.error;
    d->next_attempt_time = NULL;
    TRY(duration_new(c, l->attempt.took_ns / 1000, &d->latency));
    TRY(instant_new(c, l->attempt.began_us, &d->attempt_time));
    c->clock->random(c->clock, &random, sizeof random);
    if (outcome == WEBHOOK_DELIVERED)
        d->state = DELIVERY_STATE_DELIVERED;
    else if (outcome == WEBHOOK_GONE || !webhook_wait(d->attempts, random, &wait_us))
        d->state = DELIVERY_STATE_FAILED;
    else
        return instant_new(c, call_now_us(c) + wait_us, &d->next_attempt_time);
    return STATUS_OK;
}

static enum status settle_unit(struct call *c, struct tx *tx, void *arg)
{
    struct lane *l = arg;
    WebhookDeliveryRecord *d;
    WebhookRecord *r;
    bool changed;

    TRY(tx_job_renew(tx, l->job, (int64_t)WEBHOOK_LEASE_MS * 1000));
    enum status s = tx_get_webhook(tx, str_of(l->webhook_id), &r);

    if (s == STATUS_OK)
        s = tx_get_webhook_delivery(tx, str_of(l->delivery->id), &d);
    if (s == STATUS_NOT_FOUND) { /* deleted meanwhile */
        call_clear(c);
        return STATUS_OK;
    }
    TRY(s);
    TRY(settle_delivery(c, l, d->delivery));
    TRY(tx_update_webhook_delivery(tx, d));
    l->state = d->delivery->state;

    TRY(judge_address(c, l, r, &changed));
    l->is_disabled = r->webhook->state == WEBHOOK_STATE_FAILED;
    return changed ? tx_update_webhook(tx, r) : STATUS_OK;
}

static enum status finish_unit(struct call *c, struct tx *tx, void *arg)
{
    struct lane *l = arg;

    (void)c;
    return l->delivery ? tx_job_again(tx, l->job, l->due_us) : tx_job_done(tx, l->job);
}

static void measure(const struct call *c, const struct lane *l)
{
    const struct webhook_meter *m = l->agents->webhook_meter;
    int64_t made_us = instant_us(l->delivery->delivery->create_time);
    bool is_delivered = webhook_outcome_of(l->attempt.http_status) == WEBHOOK_DELIVERED;

    webhook_meter_attempt(m, l->attempt.result, l->attempt.took_ns,
                          (l->attempt.began_us - l->due_us) * 1000);
    if (l->state != DELIVERY_STATE_PENDING)
        webhook_meter_end(m, is_delivered, (call_now_us(c) - made_us) * 1000);
}

/* Sends what is due, until the run is over. */
static enum status work(struct call *c, struct lane *l)
{
    int64_t end_us = call_now_us(c) + (int64_t)WEBHOOK_RUN_MS * 1000;

    for (int i = 0; l->delivery && l->due_us <= call_now_us(c); i++) {
        if (i == WEBHOOK_RUN_ATTEMPTS || call_now_us(c) > end_us)
            return STATUS_OK;
        TRY(webhook_attempt(c, l->agents->http, l->webhook, l->delivery, &l->attempt));
        webhook_share_learn(l->agents->webhook_share, l->uuid, l->attempt.took_ns);
        l->is_disabled = false;
        l->state = DELIVERY_STATE_PENDING;
        kill_here(KILL_WEBHOOK_SENT);
        TRY(store_run(l->agents->store, c, STORE_WRITE, settle_unit, l));
        measure(c, l);
        if (l->is_disabled)
            log_warn(c, LOG_EVENT_WEBHOOK_DISABLED, F_ID("webhook", l->webhook_id),
                     F_INT("http_status", l->attempt.http_status));
        TRY(store_run(l->agents->store, c, STORE_READ, plan_unit, l));
        if (webhook_share_class(l->agents->webhook_share, l->uuid) > l->class)
            return STATUS_OK; /* it became slow: not in this place */
    }
    return STATUS_OK;
}

/* The same in a place for addresses like this one, if there is one now. */
static enum status work_in_place(struct call *c, struct lane *l)
{
    struct webhook_share *share = l->agents->webhook_share;
    int64_t tenant_id = c->principal.tenant_id;

    l->class = l->webhook->pause_end_time ? WEBHOOK_SLOW : webhook_share_class(share, l->uuid);
    if (!webhook_share_take(share, tenant_id, l->class)) {
        webhook_meter_shed(l->agents->webhook_meter);
        l->due_us = call_now_us(c) + (int64_t)WEBHOOK_SHED_MS * 1000;
        return STATUS_OK;
    }
    enum status s = work(c, l);

    webhook_share_give(share, tenant_id, l->class);
    return s;
}

enum status webhook_lane_run(struct call *c, struct agents *a, struct job *job)
{
    struct lane l = {.agents = a, .job = job};

    assert(a->http);
    if (!webhook_lane_key(&c->arena, job->key, &l.webhook_id, &l.number))
        return call_fail(c, STATUS_INTERNAL, "the job names no lane");
    if (!uuid_parse(str_of(l.webhook_id), &l.uuid))
        return call_fail(c, STATUS_INTERNAL, "the job names no webhook");
    TRY(store_run(a->store, c, STORE_READ, plan_unit, &l));
    if (l.delivery && l.due_us <= call_now_us(c))
        TRY(work_in_place(c, &l));
    return store_run(a->store, c, STORE_WRITE, finish_unit, &l);
}

static enum status handle(void *self, struct call *c, struct job *job)
{
    return webhook_lane_run(c, self, job);
}

/* What fails here is the store: it is tried again for as long as it takes. Other kinds keep some
 * of the engine's workers to themselves. */
const struct job_kind webhook_lane_kind = {
    .name = WEBHOOK_JOB_LANE,
    .handle = handle,
    .lease_ms = WEBHOOK_LEASE_MS,
    .attempts_max = INT32_MAX,
    .first_ms = 1000,
    .most_ms = 60000,
    .limit = WEBHOOK_PLACES,
};
