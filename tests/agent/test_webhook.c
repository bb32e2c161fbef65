/* webhook: what an admin does with webhooks, and what events become. */
#include "agent/instant.h"
#include "agent/webhook.h"
#include "agent/webhook_bench.h"
#include "agent/webhook_body.h"
#include "agent/webhook_fan_out.h"
#include "agent/webhook_queue.h"
#include "domain/webhook_sign.h"

BENCH_TEST(webhook, shows_a_secret_once)
{
    CreateWebhookResponse out;
    struct webhook_key key;

    OK(bench_create(b, b->url, "sales.lead.*", &out));
    cr_assert(webhook_key_parse(str_of(out.secret), &key) && key.n_bytes == WEBHOOK_SECRET_BYTES);
    cr_assert_eq(out.webhook->state, WEBHOOK_STATE_ENABLED);
    cr_assert(*out.webhook->id && *out.webhook->etag && out.webhook->create_time);
    const WebhookRecord *r = bench_stored(b, out.webhook->id);

    cr_assert(r->secret.len == key.n_bytes && memcmp(r->secret.data, key.bytes, key.n_bytes) == 0);
    UpdateWebhookResponse updated;
    Webhook change = WEBHOOK_INIT;

    change.id = out.webhook->id;
    change.description = "for the CRM";
    OK(bench_update(b, &change, false, &updated));
    cr_assert_str_eq(updated.secret, "");
    cr_assert_str_eq(updated.webhook->description, "for the CRM");
    cr_assert_str_eq(updated.webhook->url, b->url);
}

BENCH_TEST(webhook, a_rotation_keeps_the_old_secret_for_a_day)
{
    CreateWebhookResponse first;
    UpdateWebhookResponse second;
    Webhook change = WEBHOOK_INIT;

    OK(bench_create(b, b->url, NULL, &first));
    change.id = first.webhook->id;
    OK(bench_update(b, &change, true, &second));
    cr_assert_str_neq(first.secret, second.secret);
    const WebhookRecord *r = bench_stored(b, change.id);
    char text[WEBHOOK_SECRET_TEXT_BYTES + 1];

    webhook_secret_format(r->secret.data, r->secret.len, text);
    cr_assert_str_eq(text, second.secret);
    webhook_secret_format(r->previous_secret.data, r->previous_secret.len, text);
    cr_assert_str_eq(text, first.secret);
    cr_assert_eq(instant_us(r->previous_end_time), bench_now_us + DAY_US);
}

static const struct bad_case {
    const char *url, *type;
} BAD[] = {
    {"http://127.0.0.1/", NULL},
    {"https://10.0.0.1/", NULL},
    {"https://user@example.com/", NULL},
    {"https://localhost.example.com/#x", NULL},
    {"https://example.com/", "sales.lead*"},
    {"", NULL},
};

TABLE_TEST(webhook, refuses_bad_ones, struct bad_case, BAD)
{
    struct bench b = {0};
    CreateWebhookResponse out;

    bench_open(&b, ENGINE_SQLITE);
    cr_assert_eq(bench_create(&b, row->url, row->type, &out), STATUS_INVALID);
    cr_assert_eq(b.call->fault.n_details, 1);
    cr_assert(str_starts(b.call->fault.details[0].subject, STR("webhook.")));
    bench_close(&b);
}

BENCH_TEST(webhook, etags_are_obeyed)
{
    Webhook *w = bench_webhook(b, NULL), change = WEBHOOK_INIT;
    UpdateWebhookResponse out;

    change.id = w->id;
    change.etag = w->etag;
    change.description = "first";
    OK(bench_update(b, &change, false, &out));
    cr_assert_eq(bench_update(b, &change, false, &out), STATUS_CONFLICT);
}

BENCH_TEST(webhook, a_tenant_has_so_many_and_no_more)
{
    CreateWebhookResponse out;
    DeleteWebhookRequest gone = DELETE_WEBHOOK_REQUEST_INIT;
    DeleteWebhookResponse none = DELETE_WEBHOOK_RESPONSE_INIT;
    char *id = NULL;

    for (int i = 0; i < WEBHOOKS_MAX; i++)
        id = bench_webhook(b, NULL)->id;
    cr_assert_eq(bench_create(b, b->url, NULL, &out), STATUS_EXHAUSTED);
    cr_assert_str_eq(b->call->fault.reason, "WEBHOOK_LIMIT");
    call_clear(b->call);
    gone.id = id;
    OK(webhook_delete(b->call, &b->agents, &gone, &none));
    OK(bench_create(b, b->url, NULL, &out));
}

BENCH_TEST(webhook, events_become_deliveries_once)
{
    Webhook *all = bench_webhook(b, NULL), *leads = bench_webhook(b, "sales.lead.*"),
            *deals = bench_webhook(b, "sales.deal.*"), *off = bench_webhook(b, NULL),
            change = WEBHOOK_INIT;
    UpdateWebhookResponse out;

    change.id = off->id;
    change.state = WEBHOOK_STATE_DISABLED;
    OK(bench_update(b, &change, false, &out));
    struct event_page page = bench_happen(b, 45); /* more than fit into a unit */

    bench_fan_out(b, page);
    bench_fan_out(b, page);
    cr_assert_eq(bench_deliveries(b, all->id).n_deliveries, 45);
    cr_assert_eq(bench_deliveries(b, leads->id).n_deliveries, 45);
    cr_assert_eq(bench_deliveries(b, deals->id).n_deliveries, 0);
    cr_assert_eq(bench_deliveries(b, off->id).n_deliveries, 0);
    const WebhookDelivery *d = bench_deliveries(b, all->id).deliveries[0];
    char last[UUID_TEXT_BYTES + 1];

    uuid_format(page.events[44].id, last);
    cr_assert_str_eq(d->event_id, last, "latest first");
    cr_assert_str_eq(d->event_type, "sales.lead.qualified");
    cr_assert_eq(instant_us(d->create_time), page.events[44].created_us);
    cr_assert_eq(bench_claim(b, WEBHOOK_JOB_LANE).n_jobs, 2 * WEBHOOK_LANES);
}

/* One tenant's row that does not open must not hold up the events of all. */
BENCH_TEST(webhook, a_damaged_webhook_is_passed_over)
{
    struct event events[2];

    for (int64_t tenant_id = 1; tenant_id <= 2; tenant_id++) {
        b->call->principal.tenant_id = tenant_id;
        b->n_events = 0;
        bench_webhook(b, NULL);
        events[tenant_id - 1] = bench_happen(b, 1).events[0];
    }
    fixture_sql(&b->fixture, "UPDATE webhook SET version = version + 7 WHERE tenant_id = 1");
    OK(webhook_fan_out(b->call, &b->agents, events, 2));
    cr_assert_eq(fixture_number(&b->fixture, "SELECT COUNT(*) FROM webhook_delivery"), 1);
    cr_assert_eq(fixture_number(&b->fixture, "SELECT MIN(tenant_id) FROM webhook_delivery"), 2);
}

BENCH_TEST(webhook, nothing_personal_is_sent)
{
    struct event_page page = bench_happen(b, 1);
    char id[UUID_TEXT_BYTES + 1];
    str body;

    page.events[0].cursor = (struct event_cursor){7, 0};
    page.events[0].created_us = INT64_C(1795197600123456);
    uuid_format(page.events[0].subject, id);
    OK(webhook_body(b->call, &page.events[0], &body));
    const char *want = arena_printf(&b->call->arena,
                                    "{\"type\":\"sales.lead.qualified\",\"timestamp\":"
                                    "\"2026-11-20T18:00:00.123456Z\",\"data\":{\"lead_id\":\"%s\","
                                    "\"sequence\":7,\"status\":\"QUALIFIED\"}}",
                                    id);

    cr_assert_str_eq(arena_cstr(&b->call->arena, body), want);
    page.events[0].data = (str){0}; /* erased since */
    OK(webhook_body(b->call, &page.events[0], &body));
    cr_assert(str_ends(body, STR(",\"sequence\":7}}")));
}
