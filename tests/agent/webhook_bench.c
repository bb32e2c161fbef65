/* Shared by the webhook tests. */
#include "agent/webhook_bench.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/webhook_fan_out.h"
#include "agent/webhook_lane.h"
#include "agent/webhook_queue.h"
#include "agent/webhook_share.h"
#include "integration/http.h"
#include "store/records.h"

enum { EVENTS_MAX = 64, PATIENCE = 500 };

int64_t bench_now_us;

static int64_t fake_now(const struct clock_ops *c)
{
    (void)c;
    return bench_now_us;
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

void bench_open(struct bench *b, enum engine engine)
{
    struct address_guard guard = {0};

    fixture_open(&b->fixture, engine);
    b->call = &b->fixture.call;
    bench_now_us = call_now_us(b->call);
    b->clock = *b->call->clock;
    b->clock.now_us = fake_now;
    b->call->clock = &b->clock;
    cr_assert(address_ranges_parse(STR("127.0.0.1"), guard.allow, &guard.n_allow));
    b->agents = (struct agents){
        .store = b->fixture.store,
        .feed = feed_new(),
        .webhook_share = webhook_share_new(),
        .http = http_client_open(&(struct http_options){.user_agent = "test/1", .guard = &guard})};
    snprintf(b->url, sizeof b->url, "https://127.0.0.1:%d/hook?token=geheim", closed_port());
}

void bench_close(struct bench *b)
{
    http_client_close(b->agents.http);
    feed_free(b->agents.feed);
    webhook_share_free(b->agents.webhook_share);
    fixture_close(&b->fixture);
}

enum status bench_create(struct bench *b, const char *url, const char *type,
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

Webhook *bench_webhook(struct bench *b, const char *type)
{
    CreateWebhookResponse out;

    OK(bench_create(b, b->url, type, &out));
    return out.webhook;
}

enum status bench_update(struct bench *b, const Webhook *w, bool rotate, UpdateWebhookResponse *out)
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

WebhookRecord *bench_stored(struct bench *b, const char *id)
{
    struct get k = {.id = id};

    OK(store_run(b->agents.store, b->call, STORE_READ, get_unit, &k));
    return k.record;
}

ListWebhookDeliveriesResponse bench_deliveries(struct bench *b, const char *id)
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
struct event_page bench_happen(struct bench *b, int n)
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

void bench_fan_out(struct bench *b, struct event_page page)
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

struct job_list bench_claim(struct bench *b, const char *kind)
{
    struct claim k = {.want = {.kind = str_of(kind),
                               .limit = 100,
                               .lease_us = WEBHOOK_LEASE_MS * INT64_C(1000),
                               .turn = JOB_TURN_NONE}};

    OK(store_run_system(b->agents.store, b->call, STORE_TAKE, claim_unit, &k));
    return k.jobs;
}

/* Works off all lanes that are due now. */
size_t bench_run_lanes(struct bench *b)
{
    struct job_list jobs = bench_claim(b, WEBHOOK_JOB_LANE);

    for (size_t i = 0; i < jobs.n_jobs; i++)
        OK(webhook_lane_run(b->call, &b->agents, &jobs.jobs[i]));
    return jobs.n_jobs;
}
