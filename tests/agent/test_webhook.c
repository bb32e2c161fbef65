/* webhook: records, fan-out and queues on a real store of either engine, under a clock of ours. The
 * address is a port where nobody listens; answers are for tests/e2e/webhooks. */
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/instant.h"
#include "agent/webhook.h"
#include "agent/webhook_body.h"
#include "agent/webhook_fan_out.h"
#include "agent/webhook_lane.h"
#include "agent/webhook_queue.h"
#include "agent/webhook_sweep.h"
#include "domain/webhook_policy.h"
#include "domain/webhook_sign.h"
#include "integration/http.h"
#include "storage/fixture.h"
#include "store/records.h"
#include "support/table.h"

enum { EVENTS_MAX = 64, PATIENCE = 500 };

#define SECOND_US INT64_C(1000000)
#define DAY_US    (86400 * SECOND_US)

struct bench {
    struct fixture fixture;
    struct call *call;
    struct agents agents;
    struct clock_ops clock;
    char url[64];
    size_t n_events;
};

static int64_t fake_now_us;

static int64_t fake_now(const struct clock_ops *c)
{
    (void)c;
    return fake_now_us;
}

static int closed_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    close(fd);
    return ntohs(a.sin_port);
}

static void bench_open(struct bench *b, enum engine engine)
{
    struct address_guard guard = {0};

    fixture_open(&b->fixture, engine);
    b->call = &b->fixture.call;
    fake_now_us = call_now_us(b->call);
    b->clock = *b->call->clock;
    b->clock.now_us = fake_now;
    b->call->clock = &b->clock;
    cr_assert(address_ranges_parse(STR("127.0.0.1"), guard.allow, &guard.n_allow));
    b->agents = (struct agents){
        .store = b->fixture.store,
        .feed = feed_new(),
        .http = http_client_open(&(struct http_options){.user_agent = "test/1", .guard = &guard})};
    snprintf(b->url, sizeof b->url, "https://127.0.0.1:%d/hook?token=geheim", closed_port());
}

static void bench_close(struct bench *b)
{
    http_client_close(b->agents.http);
    feed_free(b->agents.feed);
    fixture_close(&b->fixture);
}

static const enum engine engines[] = {ENGINE_SQLITE, ENGINE_POSTGRES};

#define BENCH_TEST(name)                                                                           \
    static void name##_body(struct bench *b);                                                      \
    TABLE_TEST(webhook, name, enum engine, engines)                                                \
    {                                                                                              \
        struct bench b = {0};                                                                      \
                                                                                                   \
        bench_open(&b, *row);                                                                      \
        name##_body(&b);                                                                           \
        bench_close(&b);                                                                           \
    }                                                                                              \
    static void name##_body(struct bench *b)

#define OK(step) cr_assert_eq((step), STATUS_OK, "%s", b->call->fault.why)

static enum status create(struct bench *b, const char *url, const char *type,
                          CreateWebhookResponse *out)
{
    CreateWebhookRequest in = CREATE_WEBHOOK_REQUEST_INIT;
    Webhook w = WEBHOOK_INIT;
    char *types[] = {(char *)type};

    *out = (CreateWebhookResponse)CREATE_WEBHOOK_RESPONSE_INIT;
    w.url = (char *)url;
    w.event_types = types;
    w.n_event_types = type != NULL;
    in.webhook = &w;
    return webhook_create(b->call, &b->agents, &in, out);
}

static Webhook *made(struct bench *b, const char *type)
{
    CreateWebhookResponse out;

    OK(create(b, b->url, type, &out));
    return out.webhook;
}

static enum status update(struct bench *b, const Webhook *w, bool rotate,
                          UpdateWebhookResponse *out)
{
    UpdateWebhookRequest in = UPDATE_WEBHOOK_REQUEST_INIT;

    *out = (UpdateWebhookResponse)UPDATE_WEBHOOK_RESPONSE_INIT;
    in.webhook = (Webhook *)w;
    in.rotate_secret = rotate;
    return webhook_update(b->call, &b->agents, &in, out);
}

struct get {
    const char *id;
    WebhookRecord *record;
};

static enum status get_unit(struct call *c, struct tx *tx, void *arg)
{
    struct get *k = arg;

    (void)c;
    return tx_get_webhook(tx, str_of(k->id), &k->record);
}

static WebhookRecord *stored(struct bench *b, const char *id)
{
    struct get k = {.id = id};

    OK(store_run(b->agents.store, b->call, STORE_READ, get_unit, &k));
    return k.record;
}

static ListWebhookDeliveriesResponse deliveries(struct bench *b, const char *id)
{
    ListWebhookDeliveriesRequest in = LIST_WEBHOOK_DELIVERIES_REQUEST_INIT;
    ListWebhookDeliveriesResponse out = LIST_WEBHOOK_DELIVERIES_RESPONSE_INIT;

    in.webhook_id = (char *)id;
    in.page_size = 500;
    OK(webhook_deliveries(b->call, &b->agents, &in, &out));
    return out;
}

struct events {
    struct event_page page;
    int n_new;
};

static enum status write_events(struct call *c, struct tx *tx, void *arg)
{
    const struct events *k = arg;
    Lead lead = LEAD_INIT;

    lead.full_name = "Grace Hopper";
    lead.email = "grace@navy.example";
    lead.status = LEAD_STATUS_QUALIFIED;
    for (int i = 0; i < k->n_new; i++)
        TRY(tx_event(tx, "sales.lead.qualified", RECORD_LEAD,
                     str_of(uuid_text(&c->arena, uuid_new(c))), &lead.base));
    return STATUS_OK;
}

static enum status read_events(struct call *c, struct tx *tx, void *arg)
{
    struct events *k = arg;

    (void)c;
    return tx_event_list(tx, (struct event_cursor){0}, EVENTS_MAX, &k->page);
}

/* n new events, and all so far. */
static struct event_page happen(struct bench *b, int n)
{
    struct events k = {.n_new = n};

    OK(store_run(b->agents.store, b->call, STORE_WRITE, write_events, &k));
    b->n_events += (size_t)n;
    /* PostgreSQL shows events when no older transaction runs, that of another test included. */
    for (int i = 0; i < PATIENCE && (i == 0 || k.page.n_events < b->n_events); i++) {
        if (i)
            usleep(10000);
        OK(store_run(b->agents.store, b->call, STORE_READ, read_events, &k));
    }
    cr_assert_eq(k.page.n_events, b->n_events);
    return k.page;
}

static void fan_out(struct bench *b, struct event_page page)
{
    OK(webhook_fan_out(b->call, &b->agents, page.events, page.n_events));
}

struct claim {
    struct job_want want;
    struct job_list jobs;
};

static enum status claim_unit(struct call *c, struct tx *tx, void *arg)
{
    struct claim *k = arg;

    (void)c;
    return tx_job_claim(tx, &k->want, 1, &k->jobs);
}

static struct job_list claim(struct bench *b, const char *kind)
{
    struct claim k = {.want = {.kind = str_of(kind),
                               .limit = 100,
                               .lease_us = WEBHOOK_LEASE_MS * INT64_C(1000),
                               .turn = JOB_TURN_NONE}};

    OK(store_run_system(b->agents.store, b->call, STORE_TAKE, claim_unit, &k));
    return k.jobs;
}

/* Works off all lanes that are due now. */
static size_t run_lanes(struct bench *b)
{
    struct job_list jobs = claim(b, WEBHOOK_JOB_LANE);

    for (size_t i = 0; i < jobs.n_jobs; i++)
        OK(webhook_lane_run(b->call, &b->agents, &jobs.jobs[i]));
    return jobs.n_jobs;
}

BENCH_TEST(shows_a_secret_once)
{
    CreateWebhookResponse out;
    struct webhook_key key;

    OK(create(b, b->url, "sales.lead.*", &out));
    cr_assert(webhook_key_parse(str_of(out.secret), &key) && key.n_bytes == WEBHOOK_SECRET_BYTES);
    cr_assert_eq(out.webhook->state, WEBHOOK_STATE_ENABLED);
    cr_assert(*out.webhook->id && *out.webhook->etag && out.webhook->create_time);
    const WebhookRecord *r = stored(b, out.webhook->id);

    cr_assert(r->secret.len == key.n_bytes && memcmp(r->secret.data, key.bytes, key.n_bytes) == 0);
    UpdateWebhookResponse updated;
    Webhook change = WEBHOOK_INIT;

    change.id = out.webhook->id;
    change.description = "for the CRM";
    OK(update(b, &change, false, &updated));
    cr_assert_str_eq(updated.secret, "");
    cr_assert_str_eq(updated.webhook->description, "for the CRM");
    cr_assert_str_eq(updated.webhook->url, b->url);
}

BENCH_TEST(a_rotation_keeps_the_old_secret_for_a_day)
{
    CreateWebhookResponse first;
    UpdateWebhookResponse second;
    Webhook change = WEBHOOK_INIT;

    OK(create(b, b->url, NULL, &first));
    change.id = first.webhook->id;
    OK(update(b, &change, true, &second));
    cr_assert_str_neq(first.secret, second.secret);
    const WebhookRecord *r = stored(b, change.id);
    char text[WEBHOOK_SECRET_TEXT_BYTES + 1];

    webhook_secret_format(r->secret.data, r->secret.len, text);
    cr_assert_str_eq(text, second.secret);
    webhook_secret_format(r->previous_secret.data, r->previous_secret.len, text);
    cr_assert_str_eq(text, first.secret);
    cr_assert_eq(instant_us(r->previous_end_time), fake_now_us + DAY_US);
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
    cr_assert_eq(create(&b, row->url, row->type, &out), STATUS_INVALID);
    cr_assert_eq(b.call->fault.n_details, 1);
    cr_assert(str_starts(b.call->fault.details[0].subject, STR("webhook.")));
    bench_close(&b);
}

BENCH_TEST(etags_are_obeyed)
{
    Webhook *w = made(b, NULL), change = WEBHOOK_INIT;
    UpdateWebhookResponse out;

    change.id = w->id;
    change.etag = w->etag;
    change.description = "first";
    OK(update(b, &change, false, &out));
    cr_assert_eq(update(b, &change, false, &out), STATUS_CONFLICT);
}

BENCH_TEST(a_tenant_has_so_many_and_no_more)
{
    CreateWebhookResponse out;
    DeleteWebhookRequest gone = DELETE_WEBHOOK_REQUEST_INIT;
    DeleteWebhookResponse none = DELETE_WEBHOOK_RESPONSE_INIT;
    char *id = NULL;

    for (int i = 0; i < WEBHOOKS_MAX; i++)
        id = made(b, NULL)->id;
    cr_assert_eq(create(b, b->url, NULL, &out), STATUS_EXHAUSTED);
    cr_assert_str_eq(b->call->fault.reason, "WEBHOOK_LIMIT");
    call_clear(b->call);
    gone.id = id;
    OK(webhook_delete(b->call, &b->agents, &gone, &none));
    OK(create(b, b->url, NULL, &out));
}

BENCH_TEST(events_become_deliveries_once)
{
    Webhook *all = made(b, NULL), *leads = made(b, "sales.lead.*"),
            *deals = made(b, "sales.deal.*"), *off = made(b, NULL), change = WEBHOOK_INIT;
    UpdateWebhookResponse out;

    change.id = off->id;
    change.state = WEBHOOK_STATE_DISABLED;
    OK(update(b, &change, false, &out));
    struct event_page page = happen(b, 45); /* more than fit into a unit */

    fan_out(b, page);
    fan_out(b, page);
    cr_assert_eq(deliveries(b, all->id).n_deliveries, 45);
    cr_assert_eq(deliveries(b, leads->id).n_deliveries, 45);
    cr_assert_eq(deliveries(b, deals->id).n_deliveries, 0);
    cr_assert_eq(deliveries(b, off->id).n_deliveries, 0);
    const WebhookDelivery *d = deliveries(b, all->id).deliveries[0];
    char last[UUID_TEXT_BYTES + 1];

    uuid_format(page.events[44].id, last);
    cr_assert_str_eq(d->event_id, last, "latest first");
    cr_assert_str_eq(d->event_type, "sales.lead.qualified");
    cr_assert_eq(instant_us(d->create_time), page.events[44].created_us);
    cr_assert_eq(claim(b, WEBHOOK_JOB_LANE).n_jobs, 2 * WEBHOOK_LANES);
}

BENCH_TEST(nothing_personal_is_sent)
{
    struct event_page page = happen(b, 1);
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

BENCH_TEST(an_attempt_that_fails_follows_the_schedule_to_its_end)
{
    Webhook *w = made(b, NULL);

    fan_out(b, happen(b, 1));
    for (uint32_t made_n = 1; made_n <= WEBHOOK_ATTEMPTS_MAX; made_n++) {
        cr_assert_eq(run_lanes(b), 1, "attempt %u", made_n);
        const WebhookDelivery *d = deliveries(b, w->id).deliveries[0];
        int64_t least_us, most_us, next_us = instant_us(d->next_attempt_time);
        bool has_next = webhook_wait(made_n, 0, &least_us);

        cr_assert_eq(webhook_wait(made_n, UINT32_MAX, &most_us), has_next);
        cr_assert_eq(d->attempts, made_n);
        cr_assert_eq(d->http_status, 0);
        cr_assert_str_eq(d->error, "the peer accepts no connection", "and no part of the URL");
        cr_assert_eq(d->state, has_next ? DELIVERY_STATE_PENDING : DELIVERY_STATE_FAILED);
        cr_assert_eq(d->next_attempt_time != NULL, has_next);
        if (!has_next)
            break;
        cr_assert(next_us >= fake_now_us + least_us && next_us <= fake_now_us + most_us);
        fake_now_us = next_us - 1;
        cr_assert_eq(run_lanes(b), 0, "a microsecond too early");
        fake_now_us++;
    }
    cr_assert_eq(run_lanes(b), 0, "given up");
    cr_assert_eq(stored(b, w->id)->given_up, 1);
    cr_assert_eq(stored(b, w->id)->webhook->state, WEBHOOK_STATE_ENABLED);
}

/* All that is pending, to its end. */
static void exhaust(struct bench *b)
{
    for (int i = 0; i < WEBHOOK_ATTEMPTS_MAX; i++) {
        run_lanes(b);
        fake_now_us += 2 * DAY_US;
    }
}

BENCH_TEST(is_disabled_after_deliveries_given_up_and_enabled_by_people)
{
    Webhook *w = made(b, NULL), change = WEBHOOK_INIT;
    UpdateWebhookResponse out;

    fan_out(b, happen(b, WEBHOOK_GIVEN_UP_MAX - 1));
    exhaust(b);
    cr_assert_eq(stored(b, w->id)->webhook->state, WEBHOOK_STATE_ENABLED);
    fan_out(b, happen(b, 2));
    exhaust(b);
    const WebhookRecord *r = stored(b, w->id);

    cr_assert_eq(r->webhook->state, WEBHOOK_STATE_FAILED);
    cr_assert_str_eq(
        r->webhook->state_reason,
        "5 deliveries in a row were given up; the last: the peer accepts no connection");
    fan_out(b, happen(b, 1));
    cr_assert_eq(deliveries(b, w->id).n_deliveries, WEBHOOK_GIVEN_UP_MAX + 1, "no new ones");
    change.id = w->id;
    change.state = WEBHOOK_STATE_FAILED;
    change.description = "kept";
    OK(update(b, &change, false, &out));
    change.state = WEBHOOK_STATE_ENABLED;
    OK(update(b, &change, false, &out));
    cr_assert_str_eq(out.webhook->state_reason, "");
    cr_assert_eq(stored(b, w->id)->given_up, 0);
}

BENCH_TEST(clients_cannot_make_it_fail)
{
    Webhook *w = made(b, NULL), change = WEBHOOK_INIT;
    UpdateWebhookResponse out;

    change.id = w->id;
    change.state = WEBHOOK_STATE_FAILED;
    cr_assert_eq(update(b, &change, false, &out), STATUS_INVALID);
}

BENCH_TEST(redelivery_begins_again_with_the_same_event)
{
    Webhook *w = made(b, NULL), change = WEBHOOK_INIT;
    RedeliverWebhookRequest in = REDELIVER_WEBHOOK_REQUEST_INIT;
    RedeliverWebhookResponse again = REDELIVER_WEBHOOK_RESPONSE_INIT;
    UpdateWebhookResponse out;

    fan_out(b, happen(b, 1));
    exhaust(b);
    const WebhookDelivery *d = deliveries(b, w->id).deliveries[0];

    cr_assert_eq(d->state, DELIVERY_STATE_FAILED);
    in.delivery_id = d->id;
    OK(webhook_redeliver(b->call, &b->agents, &in, &again));
    cr_assert_eq(again.delivery->state, DELIVERY_STATE_PENDING);
    cr_assert_str_eq(again.delivery->event_id, d->event_id);
    cr_assert_eq(run_lanes(b), 1);
    cr_assert_eq(deliveries(b, w->id).deliveries[0]->attempts, 1);
    change.id = w->id;
    change.state = WEBHOOK_STATE_DISABLED;
    OK(update(b, &change, false, &out));
    cr_assert_eq(webhook_redeliver(b->call, &b->agents, &in, &again), STATUS_PRECONDITION);
    call_clear(b->call);
    in.delivery_id = w->id;
    cr_assert_eq(webhook_redeliver(b->call, &b->agents, &in, &again), STATUS_NOT_FOUND);
}

BENCH_TEST(what_waits_is_sent_when_enabled_again)
{
    Webhook *w = made(b, NULL), change = WEBHOOK_INIT;
    UpdateWebhookResponse out;

    fan_out(b, happen(b, 1));
    change.id = w->id;
    change.state = WEBHOOK_STATE_DISABLED;
    OK(update(b, &change, false, &out));
    cr_assert_eq(run_lanes(b), 1);
    cr_assert_eq(deliveries(b, w->id).deliveries[0]->attempts, 0);
    cr_assert_eq(run_lanes(b), 0);
    change.state = WEBHOOK_STATE_ENABLED;
    OK(update(b, &change, false, &out));
    cr_assert_eq(run_lanes(b), WEBHOOK_LANES);
    cr_assert_eq(deliveries(b, w->id).deliveries[0]->attempts, 1);
}

BENCH_TEST(a_lost_lease_leaves_no_trace)
{
    Webhook *w = made(b, NULL);

    fan_out(b, happen(b, 1));
    struct job_list first = claim(b, WEBHOOK_JOB_LANE);

    fake_now_us += 2 * WEBHOOK_LEASE_MS * INT64_C(1000);
    struct job_list second = claim(b, WEBHOOK_JOB_LANE);

    cr_assert(first.n_jobs == 1 && second.n_jobs == 1);
    cr_assert_eq(webhook_lane_run(b->call, &b->agents, &first.jobs[0]), STATUS_CONFLICT);
    call_clear(b->call);
    cr_assert_eq(deliveries(b, w->id).deliveries[0]->attempts, 0);
    OK(webhook_lane_run(b->call, &b->agents, &second.jobs[0]));
    cr_assert_eq(deliveries(b, w->id).deliveries[0]->attempts, 1);
}

static size_t sweep(struct bench *b)
{
    struct job_list jobs = claim(b, WEBHOOK_JOB_SWEEP);

    for (size_t i = 0; i < jobs.n_jobs; i++)
        OK(webhook_sweep_run(b->call, &b->agents, &jobs.jobs[i]));
    return jobs.n_jobs;
}

BENCH_TEST(deliveries_are_forgotten_in_time)
{
    Webhook *w = made(b, NULL);
    DeleteWebhookRequest gone = DELETE_WEBHOOK_REQUEST_INIT;
    DeleteWebhookResponse none = DELETE_WEBHOOK_RESPONSE_INIT;

    fan_out(b, happen(b, 3));
    fake_now_us += DAY_US;
    cr_assert_eq(sweep(b), 1);
    cr_assert_eq(deliveries(b, w->id).n_deliveries, 3);
    cr_assert_eq(sweep(b), 0, "daily");
    fake_now_us += (WEBHOOK_KEEP_DAYS + 1) * DAY_US;
    cr_assert_eq(sweep(b), 1);
    cr_assert_eq(deliveries(b, w->id).n_deliveries, 0);
    fan_out(b, happen(b, 2));
    gone.id = w->id;
    OK(webhook_delete(b->call, &b->agents, &gone, &none));
    cr_assert_eq(sweep(b), 1);
    cr_assert_eq(fixture_number(&b->fixture, "SELECT COUNT(*) FROM webhook_delivery"), 0);
    fake_now_us += 2 * DAY_US;
    cr_assert_eq(sweep(b), 0, "its job is gone");
    cr_assert_eq(run_lanes(b), WEBHOOK_LANES, "a lane without a webhook ends");
    cr_assert_eq(run_lanes(b), 0);
}
