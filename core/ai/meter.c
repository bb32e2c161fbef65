/* Series are made at start; a call only adds. */
#include "ai/meter.h"

static const char *const KINDS[METER_KINDS] = {"input", "cache_read", "cache_write", "output"};

static void make_model(struct meter *m, const char *provider, size_t i)
{
    const char *model = m->models[i];

    for (enum ai_error e = AI_OK; e < AI_ERRORS; e++)
        m->seconds[i][e] = metrics_series(
            m->metrics, METRIC_GEN_AI_SECONDS,
            (const char *[]){"chat", provider, model, e ? ai_error_row(e)->reason : ""});
    for (size_t k = 0; k < METER_KINDS; k++)
        m->tokens[i][k] =
            metrics_series(m->metrics, METRIC_LLM_TOKENS, (const char *[]){model, KINDS[k]});
    m->first[i] =
        metrics_series(m->metrics, METRIC_GEN_AI_FIRST, (const char *[]){"chat", provider, model});
    m->input[i] = metrics_series(m->metrics, METRIC_GEN_AI_TOKENS,
                                 (const char *[]){"chat", provider, model, "input"});
    m->output[i] = metrics_series(m->metrics, METRIC_GEN_AI_TOKENS,
                                  (const char *[]){"chat", provider, model, "output"});
}

void meter_open(struct meter *m, struct metrics *metrics, const char *provider,
                const char *const *models, size_t n)
{
    *m = (struct meter){.metrics = metrics};
    if (!metrics)
        return;
    for (size_t i = 0; i < n && i < METER_MODELS_MAX; i++)
        m->models[m->n_models++] = models[i];
    m->models[m->n_models++] = "other";
    for (size_t i = 0; i < m->n_models; i++)
        make_model(m, provider, i);
    for (enum ai_error e = AI_OK + 1; e < AI_ERRORS; e++)
        m->retries[e] =
            metrics_series(metrics, METRIC_LLM_RETRIES, (const char *[]){ai_error_row(e)->reason});
    m->in_flight = metrics_series(metrics, METRIC_LLM_IN_FLIGHT, NULL);
    m->queued = metrics_series(metrics, METRIC_LLM_QUEUED, NULL);
    m->breaker = metrics_series(metrics, METRIC_BREAKER_STATE, (const char *[]){provider});
}

void meter_ended(const struct meter *m, const char *model, const struct ai_response *r)
{
    const struct ai_usage *u = &r->usage;
    const int64_t counts[METER_KINDS] = {u->input - u->cache_read - u->cache_write, u->cache_read,
                                         u->cache_write, u->output};
    size_t i = 0;

    if (!m->metrics)
        return;
    while (i + 1 < m->n_models && strcmp(m->models[i], model) != 0)
        i++;
    series_observe(m->seconds[i][r->error], r->took_ns);
    if (r->error)
        return;
    for (size_t k = 0; k < METER_KINDS; k++)
        series_add(m->tokens[i][k], counts[k]);
    series_observe(m->first[i], r->first_ns);
    series_observe(m->input[i], r->usage.input);
    series_observe(m->output[i], r->usage.output);
}

void meter_retried(const struct meter *m, enum ai_error e)
{
    if (m->metrics)
        series_add(m->retries[e], 1);
}

void meter_state(const struct meter *m, int in_flight, int queued, int breaker)
{
    if (!m->metrics)
        return;
    series_set(m->in_flight, in_flight);
    series_set(m->queued, queued);
    series_set(m->breaker, breaker);
}
