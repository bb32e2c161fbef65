/* Each RPC is one unit that fills its whole answer; the queue's jobs commit with it. */
#include "agent/webhook.h"

#include "agent/instant.h"
#include "agent/list.h"
#include "agent/mutation.h"
#include "agent/webhook_queue.h"
#include "domain/webhook_policy.h"
#include "domain/webhook_sign.h"
#include "integration/http.h"
#include "schema/mask.h"
#include "store/audit.h"
#include "store/records.h"

#define HOUR_US INT64_C(3600000000)

static const char *const update_locked[] = {"id",          "etag",         "create_time",
                                            "update_time", "state_reason", NULL};

static enum status refuse(struct call *c, const char *field, const char *rule)
{
    call_detail(c, FAULT_FIELD, field, str_of(field), "%s", rule);
    return call_fail_as(c, STATUS_INVALID, "VALIDATION", "%s %s", field, rule);
}

static enum status check_webhook(struct call *c, struct agents *a, const Webhook *w)
{
    enum status s = http_check_url(a->http, c, str_of(w->url), HTTP_PUBLIC);

    if (s == STATUS_INVALID)
        call_detail(c, FAULT_FIELD, "webhook.url", STR("webhook.url"), "%s", c->fault.why);
    TRY(s);
    for (size_t i = 0; i < w->n_event_types; i++)
        if (!webhook_pattern_is_valid(str_of(w->event_types[i])))
            return refuse(c, "webhook.event_types", "must be types or families: sales.lead.*");
    if (w->state != WEBHOOK_STATE_ENABLED && w->state != WEBHOOK_STATE_DISABLED)
        return refuse(c, "webhook.state", "must be enabled or disabled");
    return STATUS_OK;
}

/* Webhooks from before there was a choice did not say. */
static WebhookSignature signature_of(const Webhook *w)
{
    return w->signature == WEBHOOK_SIGNATURE_UNSPECIFIED ? WEBHOOK_SIGNATURE_HMAC_SHA256
                                                         : w->signature;
}

/* Where an answer shows what the receiver needs: one of them, the other stays empty. */
struct shown {
    char **secret, **public_key;
};

/* Gives the record a new secret, or a new key; the text for the receiver in the arena. */
static enum status renew_secret(struct call *c, WebhookRecord *r, struct shown out)
{
    unsigned char *secret = arena_take(&c->arena, WEBHOOK_SECRET_BYTES);
    char *text = arena_take(&c->arena, WEBHOOK_SECRET_TEXT_BYTES + 1);

    if (!secret || !text)
        return call_nomem(c);
    c->clock->random(c->clock, secret, WEBHOOK_SECRET_BYTES);
    r->secret = (ProtobufCBinaryData){WEBHOOK_SECRET_BYTES, secret};
    if (r->webhook->signature != WEBHOOK_SIGNATURE_ED25519) {
        webhook_secret_format(secret, WEBHOOK_SECRET_BYTES, text);
        *out.secret = text;
        return STATUS_OK;
    }
    *out.public_key = text;
    return webhook_public_format(secret, text) ? STATUS_OK : call_nomem(c);
}

/* The lowest number that no webhook of the tenant has. */
static enum status free_slot(struct call *c, struct tx *tx, uint32_t *out)
{
    struct list_query q = {.page_size = WEBHOOKS_MAX};
    bool is_taken[WEBHOOKS_MAX + 2] = {true};
    struct list_page page;

    TRY(tx_list(tx, RECORD_WEBHOOK, &q, &page));
    for (size_t i = 0; i < page.n_items; i++) {
        uint32_t slot = ((const WebhookRecord *)page.items[i])->slot;

        if (slot <= WEBHOOKS_MAX)
            is_taken[slot] = true;
    }
    for (*out = 1; is_taken[*out];)
        ++*out;
    if (*out > WEBHOOKS_MAX)
        return call_fail_as(c, STATUS_EXHAUSTED, "WEBHOOK_LIMIT", "there are %d webhooks already",
                            WEBHOOKS_MAX);
    return STATUS_OK;
}

struct create {
    struct agents *agents;
    const CreateWebhookRequest *in;
    CreateWebhookResponse *out;
};

static enum status create_unit(struct call *c, struct tx *tx, void *arg)
{
    struct create *k = arg;
    WebhookRecord *r = NEW(&c->arena, WebhookRecord, 1);
    Webhook *w = NEW(&c->arena, Webhook, 1);

    if (!r || !w)
        return call_nomem(c);
    *r = (WebhookRecord)WEBHOOK_RECORD_INIT;
    *w = *k->in->webhook;
    message_clear_fields(&w->base, update_locked);
    if (w->state == WEBHOOK_STATE_UNSPECIFIED)
        w->state = WEBHOOK_STATE_ENABLED;
    w->signature = signature_of(w);
    r->webhook = w;
    TRY(check_webhook(c, k->agents, w));
    TRY(free_slot(c, tx, &r->slot));
    TRY(renew_secret(c, r, (struct shown){&k->out->secret, &k->out->public_key}));
    TRY(tx_insert_webhook(tx, r));
    k->out->webhook = w;
    return webhook_sweep_later(tx, w->id, call_now_us(c) + 24 * HOUR_US);
}

enum status webhook_create(struct call *c, struct agents *a, const CreateWebhookRequest *in,
                           CreateWebhookResponse *out)
{
    struct create k = {a, in, out};

    return mutate(c, a, &(struct mutation){.unit = create_unit, .arg = &k, .answer = &out->base});
}

struct update {
    struct agents *agents;
    const UpdateWebhookRequest *in;
    UpdateWebhookResponse *out;
};

static enum status rotate(struct call *c, WebhookRecord *r, WebhookSignature before,
                          struct shown out)
{
    r->previous_secret = r->secret;
    r->previous_signature = before;
    TRY(instant_new(c, call_now_us(c) + WEBHOOK_OVERLAP_HOURS * HOUR_US, &r->previous_end_time));
    return renew_secret(c, r, out);
}

/* A new start: for the address, and for what waits for it. */
static enum status enable(struct tx *tx, WebhookRecord *r)
{
    r->given_up = 0;
    r->pause_end_time = NULL;
    r->webhook->state_reason = (char *)protobuf_c_empty_string;
    return webhook_wake(tx, r->webhook->id, 0, 0);
}

/* A failed one may be changed without being enabled; nobody but us makes one fail. */
static enum status check_change(struct call *c, struct agents *a, const Webhook *w,
                                WebhookState before)
{
    if (before == WEBHOOK_STATE_FAILED && w->state == before)
        return http_check_url(a->http, c, str_of(w->url), HTTP_PUBLIC);
    return check_webhook(c, a, w);
}

/* The fields that the request names, and what follows from them. */
static enum status change(struct tx *tx, const struct update *k, WebhookRecord *r)
{
    struct call *c = tx_call(tx);
    const FieldMask *mask = k->in->update_mask;
    struct mask paths = {update_locked, mask ? mask->paths : NULL, mask ? mask->n_paths : 0};
    WebhookState before = r->webhook->state;

    TRY(mask_apply(c, &paths, &k->in->webhook->base, &r->webhook->base));
    TRY(check_change(c, k->agents, r->webhook, before));
    if (r->webhook->state != WEBHOOK_STATE_ENABLED || before == WEBHOOK_STATE_ENABLED)
        return STATUS_OK;
    return enable(tx, r);
}

static enum status update_unit(struct call *c, struct tx *tx, void *arg)
{
    struct update *k = arg;
    WebhookRecord *r;

    k->out->secret = k->out->public_key = (char *)protobuf_c_empty_string;
    TRY(tx_get_webhook(tx, str_of(k->in->webhook->id), &r));
    TRY(tx_match(tx, &r->base, str_of(k->in->webhook->etag)));
    WebhookSignature before = signature_of(r->webhook);

    TRY(change(tx, k, r));
    r->webhook->signature = signature_of(r->webhook);
    if (k->in->rotate_secret || r->webhook->signature != before)
        TRY(rotate(c, r, before, (struct shown){&k->out->secret, &k->out->public_key}));
    TRY(tx_update_webhook(tx, r));
    k->out->webhook = r->webhook;
    return STATUS_OK;
}

enum status webhook_update(struct call *c, struct agents *a, const UpdateWebhookRequest *in,
                           UpdateWebhookResponse *out)
{
    struct update k = {a, in, out};

    if (!*in->webhook->id)
        return refuse(c, "webhook.id", "names the webhook to change");
    return mutate(c, a, &(struct mutation){.unit = update_unit, .arg = &k, .answer = &out->base});
}

enum status webhook_list(struct call *c, struct agents *a, const ListWebhooksRequest *in,
                         ListWebhooksResponse *out)
{
    struct list_query q = {.page_token = str_of(in->page_token), .page_size = in->page_size};
    struct list_page page;

    TRY(list_run(c, a->store, RECORD_WEBHOOK, &q, &page));
    out->webhooks = NEW(&c->arena, Webhook *, page.n_items + 1);
    if (!out->webhooks)
        return call_nomem(c);
    for (size_t i = 0; i < page.n_items; i++)
        out->webhooks[i] = ((WebhookRecord *)page.items[i])->webhook;
    out->n_webhooks = page.n_items;
    out->next_page_token = page.next_page_token;
    return STATUS_OK;
}

static enum status delete_unit(struct call *c, struct tx *tx, void *arg)
{
    const DeleteWebhookRequest *in = arg;

    (void)c;
    TRY(tx_delete_webhook(tx, str_of(in->id), str_of(in->etag)));
    return webhook_sweep_later(tx, in->id, 0);
}

enum status webhook_delete(struct call *c, struct agents *a, const DeleteWebhookRequest *in,
                           DeleteWebhookResponse *out)
{
    return mutate(c, a,
                  &(struct mutation){.unit = delete_unit, .arg = (void *)in, .answer = &out->base});
}

struct deliveries {
    const ListWebhookDeliveriesRequest *in;
    struct list_page page;
};

static enum status deliveries_unit(struct call *c, struct tx *tx, void *arg)
{
    struct deliveries *k = arg;
    struct list_where where = {.column = WEBHOOK_DELIVERY_BY_webhook_id,
                               .text = str_of(k->in->webhook_id)};
    struct list_query q = {.page_token = str_of(k->in->page_token),
                           .page_size = k->in->page_size,
                           .filter = str_of(k->in->filter),
                           .where = &where,
                           .n_where = 1};
    WebhookRecord *r;

    (void)c;
    TRY(tx_get_webhook(tx, where.text, &r));
    return tx_list(tx, RECORD_WEBHOOK_DELIVERY, &q, &k->page);
}

enum status webhook_deliveries(struct call *c, struct agents *a,
                               const ListWebhookDeliveriesRequest *in,
                               ListWebhookDeliveriesResponse *out)
{
    struct deliveries k = {.in = in};

    TRY(store_run(a->store, c, STORE_READ, deliveries_unit, &k));
    out->deliveries = NEW(&c->arena, WebhookDelivery *, k.page.n_items + 1);
    if (!out->deliveries)
        return call_nomem(c);
    for (size_t i = 0; i < k.page.n_items; i++)
        out->deliveries[i] = ((WebhookDeliveryRecord *)k.page.items[i])->delivery;
    out->n_deliveries = k.page.n_items;
    out->next_page_token = k.page.next_page_token;
    return STATUS_OK;
}

struct redeliver {
    const RedeliverWebhookRequest *in;
    RedeliverWebhookResponse *out;
};

static enum status redeliver_unit(struct call *c, struct tx *tx, void *arg)
{
    struct redeliver *k = arg;
    AuditEntry e = AUDIT_ENTRY_INIT;
    WebhookDeliveryRecord *d;
    WebhookRecord *r;

    TRY(tx_get_webhook_delivery(tx, str_of(k->in->delivery_id), &d));
    TRY(tx_get_webhook(tx, str_of(d->delivery->webhook_id), &r));
    if (r->webhook->state != WEBHOOK_STATE_ENABLED) {
        call_detail(c, FAULT_PRECONDITION, "WEBHOOK_NOT_ENABLED", str_of(r->webhook->id),
                    "enable the webhook first");
        return call_fail_as(c, STATUS_PRECONDITION, "WEBHOOK_NOT_ENABLED",
                            "the webhook is not enabled");
    }
    d->delivery->state = DELIVERY_STATE_PENDING;
    d->delivery->attempts = 0;
    TRY(instant_now(c, &d->delivery->next_attempt_time));
    TRY(tx_update_webhook_delivery(tx, d));
    k->out->delivery = d->delivery;
    e.record_kind = "webhook_delivery"; /* attempts leave no entries, this wish does */
    e.record_id = d->delivery->id;
    TRY(tx_audit(tx, &e));
    return webhook_wake(tx, r->webhook->id, d->lane, 0);
}

enum status webhook_redeliver(struct call *c, struct agents *a, const RedeliverWebhookRequest *in,
                              RedeliverWebhookResponse *out)
{
    struct redeliver k = {in, out};

    return mutate(c, a,
                  &(struct mutation){.unit = redeliver_unit, .arg = &k, .answer = &out->base});
}
