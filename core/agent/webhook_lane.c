/* Plan, send, settle, again: until nothing is due or the run is over. */
#include "agent/webhook_lane.h"

#include <assert.h>
#include <inttypes.h>

#include "agent/instant.h"
#include "agent/webhook_queue.h"
#include "base/kill_point.h"
#include "domain/webhook_policy.h"
#include "domain/webhook_sign.h"
#include "integration/http.h"
#include "obs/log.h"
#include "store/records.h"

#define SECOND_US INT64_C(1000000)

/* Runs of this process for addresses that were overloaded or silent the last time. They may take
 * the whole timeout; bounded, they leave the other places to addresses that answer. */
static atomic_int n_slow;

struct lane {
    struct agents *agents;
    struct job *job;
    const char *webhook_id;
    uint32_t number;

    /* What is next. */
    WebhookRecord *webhook;          /* NULL: nothing, as it is gone or not enabled */
    WebhookDeliveryRecord *delivery; /* NULL: nothing */
    int64_t due_us;

    /* What came of it. */
    int http_status; /* or WEBHOOK_NO_ANSWER... */
    const char *error;
    int64_t took_ns, attempt_us, retry_after_s;
    bool is_disabled; /* the webhook, by us */
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

static bool put_key(ProtobufCBinaryData secret, struct webhook_key *out)
{
    *out = (struct webhook_key){.scheme = WEBHOOK_SHARED, .n_bytes = secret.len};
    if (secret.len < WEBHOOK_SECRET_MIN || secret.len > WEBHOOK_SECRET_MAX)
        return false;
    memcpy(out->bytes, secret.data, secret.len);
    return true;
}

/* The new secret first, and the one before while both are good. */
static bool sign(const WebhookRecord *r, const struct webhook_message *m, int64_t now_us,
                 char out[WEBHOOK_SIGNATURE_BYTES + 1])
{
    struct webhook_key keys[2];
    size_t n_keys = 0;

    n_keys += put_key(r->secret, &keys[n_keys]);
    if (now_us < instant_us(r->previous_end_time))
        n_keys += put_key(r->previous_secret, &keys[n_keys]);
    bool is_signed = webhook_sign(m, keys, n_keys, out);

    explicit_bzero(keys, sizeof keys);
    return is_signed;
}

static enum status post(struct call *c, struct lane *l, struct http_response *answer)
{
    const WebhookDeliveryRecord *d = l->delivery;
    const struct webhook_message m = {.id = str_of(d->delivery->event_id),
                                      .timestamp_s = l->attempt_us / SECOND_US,
                                      .body = {(const char *)d->body.data, d->body.len}};
    char *signature = arena_take(&c->arena, WEBHOOK_SIGNATURE_BYTES + 1);
    char *timestamp = arena_printf(&c->arena, "%" PRId64, m.timestamp_s);

    if (!signature || !timestamp)
        return call_nomem(c);
    if (!sign(l->webhook, &m, l->attempt_us, signature))
        return call_fail(c, STATUS_INTERNAL, "the delivery cannot be signed");
    const struct http_field fields[] = {{STR("Content-Type"), STR("application/json")},
                                        {STR("webhook-id"), m.id},
                                        {STR("webhook-timestamp"), str_of(timestamp)},
                                        {STR("webhook-signature"), str_of(signature)}};
    const struct http_request q = {.method = HTTP_POST,
                                   .url = str_of(l->webhook->webhook->url),
                                   .reach = HTTP_PUBLIC,
                                   .fields = fields,
                                   .n_fields = sizeof fields / sizeof *fields,
                                   .body = m.body,
                                   .body_max = WEBHOOK_ANSWER_BYTES,
                                   .timeout_ms = WEBHOOK_TIMEOUT_MS};

    return http_send(l->agents->http, c, &q, answer);
}

/* One attempt, whatever comes of it. CANCELLED: it was broken off by us and says nothing. */
static enum status attempt(struct call *c, struct lane *l)
{
    struct http_response answer = {0};
    enum status s;

    l->attempt_us = call_now_us(c);
    s = post(c, l, &answer);
    if (s == STATUS_CANCELLED)
        return s;
    l->took_ns = answer.took_ns;
    l->retry_after_s = 0;
    l->http_status = answer.status;
    l->error = "";
    if (s != STATUS_OK) {
        l->http_status = s == STATUS_DEADLINE ? WEBHOOK_NO_ANSWER_IN_TIME : WEBHOOK_NO_ANSWER;
        l->error = arena_cstr(&c->arena, str_of(c->fault.why));
        call_clear(c);
    } else if (webhook_outcome_of(answer.status) != WEBHOOK_DELIVERED) {
        l->retry_after_s = http_retry_after_s(&answer, call_now_us(c));
        l->error = arena_printf(&c->arena, "the address answered %d", answer.status);
    }
    return l->error ? STATUS_OK : call_nomem(c);
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
                                   WEBHOOK_GIVEN_UP_MAX, l->error);

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
                                 bool is_given_up, bool *changed)
{
    enum webhook_outcome outcome = webhook_outcome_of(l->http_status);

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
    *changed = is_given_up || outcome == WEBHOOK_OVERLOADED || l->retry_after_s > 0;
    if (is_given_up)
        TRY(give_up(c, r, l));
    if (l->retry_after_s > 0)
        return pause_for(c, r, l->retry_after_s);
    return outcome == WEBHOOK_OVERLOADED ? pause_for(c, r, WEBHOOK_PAUSE_S) : STATUS_OK;
}

/* The next attempt, or the end of it. */
static enum status settle_delivery(struct call *c, const struct lane *l, WebhookDelivery *d)
{
    enum webhook_outcome outcome = webhook_outcome_of(l->http_status);
    uint32_t random;
    int64_t wait_us;

    d->attempts++;
    d->http_status = l->http_status >= 100 ? l->http_status : 0;
    d->error = (char *)l->error;
    d->next_attempt_time = NULL;
    TRY(duration_new(c, l->took_ns / 1000, &d->latency));
    TRY(instant_new(c, l->attempt_us, &d->attempt_time));
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
    bool is_given_up = d->delivery->state == DELIVERY_STATE_FAILED;

    TRY(judge_address(c, l, r, is_given_up, &changed));
    l->is_disabled = r->webhook->state == WEBHOOK_STATE_FAILED;
    return changed ? tx_update_webhook(tx, r) : STATUS_OK;
}

static enum status finish_unit(struct call *c, struct tx *tx, void *arg)
{
    struct lane *l = arg;

    (void)c;
    return l->delivery ? tx_job_again(tx, l->job, l->due_us) : tx_job_done(tx, l->job);
}

/* Sends what is due, until the run is over. */
static enum status work(struct call *c, struct lane *l)
{
    int64_t end_us = call_now_us(c) + (int64_t)WEBHOOK_RUN_MS * 1000;

    for (int i = 0; l->delivery && l->due_us <= call_now_us(c); i++) {
        if (i == WEBHOOK_RUN_ATTEMPTS || call_now_us(c) > end_us)
            return STATUS_OK;
        TRY(attempt(c, l));
        l->is_disabled = false;
        kill_here(KILL_WEBHOOK_SENT);
        TRY(store_run(l->agents->store, c, STORE_WRITE, settle_unit, l));
        if (l->is_disabled)
            log_warn(c, LOG_EVENT_WEBHOOK_DISABLED, F_ID("webhook", l->webhook_id),
                     F_INT("http_status", l->http_status));
        TRY(store_run(l->agents->store, c, STORE_READ, plan_unit, l));
    }
    return STATUS_OK;
}

/* The same in one of the places for slow addresses, if there is one. */
static enum status work_slowly(struct call *c, struct lane *l)
{
    enum status s = STATUS_OK;

    if (atomic_fetch_add(&n_slow, 1) < WEBHOOK_SLOW_AT_ONCE)
        s = work(c, l);
    else
        l->due_us = call_now_us(c) + (int64_t)WEBHOOK_SLOW_RETRY_MS * 1000;
    atomic_fetch_sub(&n_slow, 1);
    return s;
}

enum status webhook_lane_run(struct call *c, struct agents *a, struct job *job)
{
    struct lane l = {.agents = a, .job = job};

    assert(a->http);
    if (!webhook_lane_key(&c->arena, job->key, &l.webhook_id, &l.number))
        return call_fail(c, STATUS_INTERNAL, "the job names no lane");
    TRY(store_run(a->store, c, STORE_READ, plan_unit, &l));
    if (l.delivery && l.due_us <= call_now_us(c))
        TRY(l.webhook->pause_end_time ? work_slowly(c, &l) : work(c, &l));
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
    .limit = WEBHOOK_LANES_AT_ONCE,
};
