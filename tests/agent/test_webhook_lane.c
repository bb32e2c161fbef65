/* webhook_lane, webhook_sweep: deliveries in the course of time. */
#include "agent/audit.h"
#include "agent/instant.h"
#include "agent/webhook_bench.h"
#include "agent/webhook_lane.h"
#include "agent/webhook_queue.h"
#include "agent/webhook_sweep.h"
#include "domain/webhook_policy.h"

BENCH_TEST(webhook_lane, an_attempt_that_fails_follows_the_schedule_to_its_end)
{
    Webhook *w = bench_webhook(b, NULL);

    bench_fan_out(b, bench_happen(b, 1));
    for (uint32_t made_n = 1; made_n <= WEBHOOK_ATTEMPTS_MAX; made_n++) {
        cr_assert_eq(bench_run_lanes(b), 1, "attempt %u", made_n);
        const WebhookDelivery *d = bench_deliveries(b, w->id).deliveries[0];
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
        cr_assert(next_us >= bench_now_us + least_us && next_us <= bench_now_us + most_us);
        bench_now_us = next_us - 1;
        cr_assert_eq(bench_run_lanes(b), 0, "a microsecond too early");
        bench_now_us++;
    }
    cr_assert_eq(bench_run_lanes(b), 0, "given up");
    cr_assert_eq(bench_stored(b, w->id)->given_up, 1);
    cr_assert_eq(bench_stored(b, w->id)->webhook->state, WEBHOOK_STATE_ENABLED);
}

/* All that is pending, to its end. */
static void exhaust(struct bench *b)
{
    for (int i = 0; i < WEBHOOK_ATTEMPTS_MAX; i++) {
        bench_run_lanes(b);
        bench_now_us += 2 * DAY_US;
    }
}

/* Entries of the trail that name the rule by which the server disabled a webhook. */
static size_t entries_by(struct bench *b, const char *id, const char *rule)
{
    ListAuditEntriesRequest in = LIST_AUDIT_ENTRIES_REQUEST_INIT;
    ListAuditEntriesResponse out = LIST_AUDIT_ENTRIES_RESPONSE_INIT;
    size_t n = 0;

    in.filter = arena_printf(&b->call->arena, "record_id = \"%s\"", id);
    OK(audit_list(b->call, &b->agents, &in, &out));
    for (size_t i = 0; i < out.n_entries; i++)
        n += strcmp(out.entries[i]->rule, rule) == 0;
    return n;
}

BENCH_TEST(webhook_lane, is_disabled_after_deliveries_given_up_and_enabled_by_people)
{
    Webhook *w = bench_webhook(b, NULL), change = WEBHOOK_INIT;
    UpdateWebhookResponse out;

    bench_fan_out(b, bench_happen(b, WEBHOOK_GIVEN_UP_MAX - 1));
    exhaust(b);
    cr_assert_eq(bench_stored(b, w->id)->webhook->state, WEBHOOK_STATE_ENABLED);
    cr_assert_eq(entries_by(b, w->id, "webhook.given_up"), 0);
    bench_fan_out(b, bench_happen(b, 2));
    exhaust(b);
    cr_assert_eq(entries_by(b, w->id, "webhook.given_up"), 1, "on the trail, by the server itself");
    const WebhookRecord *r = bench_stored(b, w->id);

    cr_assert_eq(r->webhook->state, WEBHOOK_STATE_FAILED);
    cr_assert_str_eq(
        r->webhook->state_reason,
        "5 deliveries in a row were given up; the last: the peer accepts no connection");
    bench_fan_out(b, bench_happen(b, 1));
    cr_assert_eq(bench_deliveries(b, w->id).n_deliveries, WEBHOOK_GIVEN_UP_MAX + 1, "no new ones");
    change.id = w->id;
    change.state = WEBHOOK_STATE_FAILED;
    change.description = "kept";
    OK(bench_update(b, &change, false, &out));
    change.state = WEBHOOK_STATE_ENABLED;
    OK(bench_update(b, &change, false, &out));
    cr_assert_str_eq(out.webhook->state_reason, "");
    cr_assert_eq(bench_stored(b, w->id)->given_up, 0);
}

BENCH_TEST(webhook_lane, clients_cannot_make_it_fail)
{
    Webhook *w = bench_webhook(b, NULL), change = WEBHOOK_INIT;
    UpdateWebhookResponse out;

    change.id = w->id;
    change.state = WEBHOOK_STATE_FAILED;
    cr_assert_eq(bench_update(b, &change, false, &out), STATUS_INVALID);
}

BENCH_TEST(webhook_lane, redelivery_begins_again_with_the_same_event)
{
    Webhook *w = bench_webhook(b, NULL), change = WEBHOOK_INIT;
    RedeliverWebhookRequest in = REDELIVER_WEBHOOK_REQUEST_INIT;
    RedeliverWebhookResponse again = REDELIVER_WEBHOOK_RESPONSE_INIT;
    UpdateWebhookResponse out;

    bench_fan_out(b, bench_happen(b, 1));
    exhaust(b);
    const WebhookDelivery *d = bench_deliveries(b, w->id).deliveries[0];

    cr_assert_eq(d->state, DELIVERY_STATE_FAILED);
    in.delivery_id = d->id;
    OK(webhook_redeliver(b->call, &b->agents, &in, &again));
    cr_assert_eq(again.delivery->state, DELIVERY_STATE_PENDING);
    cr_assert_str_eq(again.delivery->event_id, d->event_id);
    cr_assert_eq(bench_run_lanes(b), 1);
    cr_assert_eq(bench_deliveries(b, w->id).deliveries[0]->attempts, 1);
    change.id = w->id;
    change.state = WEBHOOK_STATE_DISABLED;
    OK(bench_update(b, &change, false, &out));
    cr_assert_eq(webhook_redeliver(b->call, &b->agents, &in, &again), STATUS_PRECONDITION);
    call_clear(b->call);
    in.delivery_id = w->id;
    cr_assert_eq(webhook_redeliver(b->call, &b->agents, &in, &again), STATUS_NOT_FOUND);
}

BENCH_TEST(webhook_lane, what_waits_is_sent_when_enabled_again)
{
    Webhook *w = bench_webhook(b, NULL), change = WEBHOOK_INIT;
    UpdateWebhookResponse out;

    bench_fan_out(b, bench_happen(b, 1));
    change.id = w->id;
    change.state = WEBHOOK_STATE_DISABLED;
    OK(bench_update(b, &change, false, &out));
    cr_assert_eq(bench_run_lanes(b), 1);
    cr_assert_eq(bench_deliveries(b, w->id).deliveries[0]->attempts, 0);
    cr_assert_eq(bench_run_lanes(b), 0);
    change.state = WEBHOOK_STATE_ENABLED;
    OK(bench_update(b, &change, false, &out));
    cr_assert_eq(bench_run_lanes(b), WEBHOOK_LANES);
    cr_assert_eq(bench_deliveries(b, w->id).deliveries[0]->attempts, 1);
}

BENCH_TEST(webhook_lane, a_lost_lease_leaves_no_trace)
{
    Webhook *w = bench_webhook(b, NULL);

    bench_fan_out(b, bench_happen(b, 1));
    struct job_list first = bench_claim(b, WEBHOOK_JOB_LANE);

    bench_now_us += 2 * WEBHOOK_LEASE_MS * INT64_C(1000);
    struct job_list second = bench_claim(b, WEBHOOK_JOB_LANE);

    cr_assert(first.n_jobs == 1 && second.n_jobs == 1);
    cr_assert_eq(webhook_lane_run(b->call, &b->agents, &first.jobs[0]), STATUS_CONFLICT);
    call_clear(b->call);
    cr_assert_eq(bench_deliveries(b, w->id).deliveries[0]->attempts, 0);
    OK(webhook_lane_run(b->call, &b->agents, &second.jobs[0]));
    cr_assert_eq(bench_deliveries(b, w->id).deliveries[0]->attempts, 1);
}

static size_t sweep(struct bench *b)
{
    struct job_list jobs = bench_claim(b, WEBHOOK_JOB_SWEEP);

    for (size_t i = 0; i < jobs.n_jobs; i++)
        OK(webhook_sweep_run(b->call, &b->agents, &jobs.jobs[i]));
    return jobs.n_jobs;
}

BENCH_TEST(webhook_lane, deliveries_are_forgotten_in_time)
{
    Webhook *w = bench_webhook(b, NULL);
    DeleteWebhookRequest gone = DELETE_WEBHOOK_REQUEST_INIT;
    DeleteWebhookResponse none = DELETE_WEBHOOK_RESPONSE_INIT;

    bench_fan_out(b, bench_happen(b, 3));
    bench_now_us += DAY_US;
    cr_assert_eq(sweep(b), 1);
    cr_assert_eq(bench_deliveries(b, w->id).n_deliveries, 3);
    cr_assert_eq(sweep(b), 0, "daily");
    bench_now_us += (WEBHOOK_KEEP_DAYS + 1) * DAY_US;
    cr_assert_eq(sweep(b), 1);
    cr_assert_eq(bench_deliveries(b, w->id).n_deliveries, 0);
    bench_fan_out(b, bench_happen(b, 2));
    gone.id = w->id;
    OK(webhook_delete(b->call, &b->agents, &gone, &none));
    cr_assert_eq(sweep(b), 1);
    cr_assert_eq(fixture_number(&b->fixture, "SELECT COUNT(*) FROM webhook_delivery"), 0);
    bench_now_us += 2 * DAY_US;
    cr_assert_eq(sweep(b), 0, "its job is gone");
    cr_assert_neq(bench_run_lanes(b), 0, "a lane without a webhook ends"); /* one or two, by id */
    cr_assert_eq(bench_run_lanes(b), 0);
}
