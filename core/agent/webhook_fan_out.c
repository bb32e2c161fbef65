/* A page is split by tenant; who wants nothing costs one small read. */
#include "agent/webhook_fan_out.h"

#include <assert.h>
#include <stdio.h>

#include "agent/instant.h"
#include "agent/webhook.h"
#include "agent/webhook_body.h"
#include "agent/webhook_queue.h"
#include "base/kill_point.h"
#include "domain/webhook_policy.h"
#include "obs/log.h"
#include "store/records.h"

enum { TENANT_ARENA_BYTES = 32 << 20, ROWS_MAX = WEBHOOK_FAN_OUT_EVENTS * WEBHOOKS_MAX };
static_assert(ROWS_MAX <= (int)STORE_MANY_MAX, "known deliveries are looked up at once");

struct fan {
    const struct event *const *events; /* [n_events], of one tenant */
    size_t n_events;
    bool is_wanted;
};

/* One event and one webhook that wants it. */
struct pair {
    const struct event *event;
    const WebhookRecord *webhook;
    str id; /* of the delivery */
};

static enum status list_enabled(struct tx *tx, struct list_page *out)
{
    struct list_where where = {.column = WEBHOOK_BY_state, .number = WEBHOOK_STATE_ENABLED};
    struct list_query q = {.page_size = WEBHOOKS_MAX, .where = &where, .n_where = 1};

    return tx_list(tx, RECORD_WEBHOOK, &q, out);
}

static bool wants(const WebhookRecord *r, const struct event *e)
{
    return webhook_wants(r->webhook->event_types, r->webhook->n_event_types, e->type);
}

/* The time of the event, so that its delivery was created then, and the random bits of both. */
static str delivery_id(struct call *c, const struct event *e, const WebhookRecord *r)
{
    struct uuid id = e->id, webhook;

    if (!uuid_parse(str_of(r->webhook->id), &webhook))
        return (str){0};
    for (size_t i = 7; i < sizeof id.b; i++)
        id.b[i] = (unsigned char)(id.b[i] ^ webhook.b[i]);
    id.b[8] = (unsigned char)((id.b[8] & 0x3f) | 0x80);
    return str_of(uuid_text(&c->arena, id));
}

static enum status pair_up(struct call *c, const struct fan *k, const struct list_page *webhooks,
                           struct pair pairs[ROWS_MAX], size_t *n_out)
{
    *n_out = 0;
    for (size_t e = 0; e < k->n_events; e++)
        for (size_t w = 0; w < webhooks->n_items; w++) {
            const WebhookRecord *r = (const WebhookRecord *)webhooks->items[w];

            if (!wants(r, k->events[e]))
                continue;
            struct pair p = {k->events[e], r, delivery_id(c, k->events[e], r)};

            if (!p.id.p)
                return call_nomem(c);
            assert(*n_out < ROWS_MAX);
            pairs[(*n_out)++] = p;
        }
    return STATUS_OK;
}

static enum status insert_delivery(struct call *c, struct tx *tx, const struct pair *p, str body)
{
    WebhookDeliveryRecord *r = NEW(&c->arena, WebhookDeliveryRecord, 1);
    WebhookDelivery *d = NEW(&c->arena, WebhookDelivery, 1);

    assert(p->event);
    if (!r || !d)
        return call_nomem(c);
    *r = (WebhookDeliveryRecord)WEBHOOK_DELIVERY_RECORD_INIT;
    *d = (WebhookDelivery)WEBHOOK_DELIVERY_INIT;
    r->id = d->id = (char *)p->id.p;
    r->lane = webhook_lane_of(p->event->subject);
    r->body = (ProtobufCBinaryData){body.n, (uint8_t *)body.p};
    r->delivery = d;
    d->webhook_id = p->webhook->webhook->id;
    d->event_id = uuid_text(&c->arena, p->event->id);
    d->event_type = arena_cstr(&c->arena, p->event->type);
    d->state = DELIVERY_STATE_PENDING;
    if (!d->event_id || !d->event_type)
        return call_nomem(c);
    TRY(instant_new(c, p->event->created_us, &d->create_time));
    TRY(instant_new(c, p->event->created_us, &d->next_attempt_time));
    TRY(tx_insert_webhook_delivery(tx, r));
    kill_here(KILL_FAN_OUT);
    return webhook_wake(tx, d->webhook_id, r->lane, 0);
}

/* The pairs come event by event: a body is made once for all its webhooks. */
static enum status insert_new(struct call *c, struct tx *tx, const struct pair *pairs, size_t n)
{
    str *ids = NEW(&c->arena, str, n + 1), body = {0};
    ProtobufCMessage **known = NEW(&c->arena, ProtobufCMessage *, n + 1);
    const struct event *event = NULL;

    if (!ids || !known)
        return call_nomem(c);
    for (size_t i = 0; i < n; i++)
        ids[i] = pairs[i].id;
    TRY(tx_get_many(tx, RECORD_WEBHOOK_DELIVERY, ids, n, known));
    for (size_t i = 0; i < n; i++) {
        if (known[i])
            continue;
        if (event != pairs[i].event)
            TRY(webhook_body(c, pairs[i].event, &body));
        event = pairs[i].event;
        TRY(insert_delivery(c, tx, &pairs[i], body));
    }
    return STATUS_OK;
}

static enum status fan_unit(struct call *c, struct tx *tx, void *arg)
{
    struct fan *k = arg;
    struct list_page webhooks;
    struct pair *pairs = NEW(&c->arena, struct pair, ROWS_MAX);
    size_t n;

    if (!pairs)
        return call_nomem(c);
    TRY(list_enabled(tx, &webhooks));
    TRY(pair_up(c, k, &webhooks, pairs, &n));
    return n ? insert_new(c, tx, pairs, n) : STATUS_OK;
}

static enum status look_unit(struct call *c, struct tx *tx, void *arg)
{
    struct fan *k = arg;
    struct list_page webhooks;

    (void)c;
    k->is_wanted = false;
    TRY(list_enabled(tx, &webhooks));
    for (size_t e = 0; e < k->n_events && !k->is_wanted; e++)
        for (size_t w = 0; w < webhooks.n_items; w++)
            k->is_wanted |= wants((const WebhookRecord *)webhooks.items[w], k->events[e]);
    return STATUS_OK;
}

/* Some events of one tenant, under a call of that tenant. */
static enum status fan_tenant(struct call *c, struct agents *a, struct fan *k)
{
    struct call own;
    enum status s;

    call_init(&own, c->clock, TENANT_ARENA_BYTES);
    own.deadline_ns = c->deadline_ns;
    own.cancelled = c->cancelled;
    own.is_background = c->is_background;
    own.trace = c->trace;
    own.method = "webhook.fan_out";
    own.principal = (struct principal){.tenant_id = k->events[0]->tenant_id, .kind = ACTOR_SYSTEM};
    snprintf(own.principal.subject, sizeof own.principal.subject, "webhooks");
    s = store_run(a->store, &own, STORE_READ, look_unit, k);
    if (s == STATUS_OK && k->is_wanted)
        s = store_run(a->store, &own, STORE_WRITE, fan_unit, k);
    if (s != STATUS_OK)
        call_fail(c, s, "%s", own.fault.why);
    call_release(&own);
    return s;
}

/* A tenant whose stored rows do not open is passed over: all tenants wait behind these events, and
 * another attempt finds the same rows. */
static enum status pass_over(struct call *c, const struct fan *k, enum status s)
{
    if (s != STATUS_DATA_LOSS)
        return s;
    log_error(c, LOG_EVENT_CONSUMER_FAILED, F_STR("consumer", "webhooks"),
              F_INT("for_tenant", k->events[0]->tenant_id), F_INT("events", (int64_t)k->n_events),
              F_STR("status", status_name(s)), F_WHY(&c->fault));
    call_clear(c);
    return STATUS_OK;
}

enum status webhook_fan_out(struct call *c, struct agents *a, const struct event *events,
                            size_t n_events)
{
    bool *is_done = NEW(&c->arena, bool, n_events + 1);

    assert(n_events <= PAGE_SIZE_MAX);
    if (!is_done)
        return call_nomem(c);
    for (size_t first = 0; first < n_events; first++) {
        const struct event *some[WEBHOOK_FAN_OUT_EVENTS];
        struct fan k = {.events = some};

        for (size_t i = first; i < n_events && k.n_events < WEBHOOK_FAN_OUT_EVENTS; i++) {
            if (is_done[i] || events[i].tenant_id != events[first].tenant_id)
                continue;
            is_done[i] = true;
            some[k.n_events++] = &events[i];
        }
        if (k.n_events)
            TRY(pass_over(c, &k, fan_tenant(c, a, &k)));
    }
    return STATUS_OK;
}
