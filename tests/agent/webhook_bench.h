/* webhook_bench: webhooks on a fresh store of either engine, under a clock of ours. The address is
 * a port where nobody listens; answers are for tests/e2e/webhooks. */
#ifndef AGENT_WEBHOOK_BENCH_H
#define AGENT_WEBHOOK_BENCH_H

#include <criterion/criterion.h>

#include "agent/webhook.h"
#include "storage/fixture.h"
#include "store/job.h"
#include "support/table.h"

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

extern int64_t bench_now_us;

void bench_open(struct bench *b, enum engine engine);
void bench_close(struct bench *b);

enum status bench_create(struct bench *b, const char *url, const char *type,
                         CreateWebhookResponse *out);
enum status bench_update(struct bench *b, const Webhook *w, bool rotate,
                         UpdateWebhookResponse *out);

/* What must succeed; it lives in b->call. */
Webhook *bench_webhook(struct bench *b, const char *type);
WebhookRecord *bench_stored(struct bench *b, const char *id);
ListWebhookDeliveriesResponse bench_deliveries(struct bench *b, const char *id);

/* n new events, and all so far; and their way to deliveries. */
struct event_page bench_happen(struct bench *b, int n);
void bench_fan_out(struct bench *b, struct event_page page);

/* Leases the jobs of a kind that are due now. */
struct job_list bench_claim(struct bench *b, const char *kind);

/* Works off all lanes that are due now; how many that were. */
size_t bench_run_lanes(struct bench *b);

static const enum engine engines[] = {ENGINE_SQLITE, ENGINE_POSTGRES};

#define BENCH_TEST(suite, name)                                                                    \
    static void name##_body(struct bench *b);                                                      \
    TABLE_TEST(suite, name, enum engine, engines)                                                  \
    {                                                                                              \
        struct bench b = {0};                                                                      \
                                                                                                   \
        bench_open(&b, *row);                                                                      \
        name##_body(&b);                                                                           \
        bench_close(&b);                                                                           \
    }                                                                                              \
    static void name##_body(struct bench *b)

#define OK(step) cr_assert_eq((step), STATUS_OK, "%s", b->call->fault.why)

#endif
