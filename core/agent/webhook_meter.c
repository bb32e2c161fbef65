/* Series by the table of results. */
#include "agent/webhook_meter.h"

struct webhook_meter *webhook_meter_new(struct arena *a, struct metrics *metrics)
{
    static const char *const names[] = {
#define X(id, text) text,
        WEBHOOK_RESULT_LIST(X)
#undef X
    };

    struct webhook_meter *m = NEW(a, struct webhook_meter, 1);

    if (!m)
        return NULL;
    for (size_t i = 0; i < WEBHOOK_RESULTS; i++)
        m->results[i] = metrics_series(metrics, METRIC_WEBHOOK_ATTEMPTS, &names[i]);
    m->seconds = metrics_series(metrics, METRIC_WEBHOOK_SECONDS, NULL);
    m->wait = metrics_series(metrics, METRIC_WEBHOOK_WAIT, NULL);
    m->age = metrics_series(metrics, METRIC_WEBHOOK_AGE, NULL);
    m->given_up = metrics_series(metrics, METRIC_WEBHOOK_GIVEN_UP, NULL);
    return m;
}

void webhook_meter_attempt(const struct webhook_meter *m, enum webhook_result r, int64_t took_ns,
                           int64_t wait_ns)
{
    if (!m)
        return;
    series_add(m->results[r], 1);
    series_observe(m->seconds, took_ns);
    series_observe(m->wait, wait_ns);
}

void webhook_meter_shed(const struct webhook_meter *m)
{
    if (m)
        series_add(m->results[WEBHOOK_RESULT_SHED], 1);
}

void webhook_meter_end(const struct webhook_meter *m, bool is_delivered, int64_t age_ns)
{
    if (!m)
        return;
    series_observe(m->age, age_ns);
    if (!is_delivered)
        series_add(m->given_up, 1);
}
