/* meter: what is counted of calls of language models, under the names that OpenTelemetry gives
 * them. Models are those of the configuration; calls of others count as "other". */
#ifndef AI_METER_H
#define AI_METER_H

#include "ai/provider.h"
#include "obs/metrics.h"

enum { METER_MODELS_MAX = 16, METER_KINDS = 4 };

struct meter {
    struct metrics *metrics;                  /* NULL: nothing is counted */
    const char *models[METER_MODELS_MAX + 1]; /* [n_models], the last one "other" */
    size_t n_models;
    struct series seconds[METER_MODELS_MAX + 1][AI_ERRORS], first[METER_MODELS_MAX + 1];
    struct series input[METER_MODELS_MAX + 1], output[METER_MODELS_MAX + 1];
    struct series tokens[METER_MODELS_MAX + 1][METER_KINDS];
    struct series retries[AI_ERRORS], in_flight, queued, breaker;
};

/* models: [n], borrowed for as long as the meter lives; those over METER_MODELS_MAX are "other". */
void meter_open(struct meter *m, struct metrics *metrics, const char *provider,
                const char *const *models, size_t n);

void meter_ended(const struct meter *m, const char *model, const struct ai_response *r);
void meter_retried(const struct meter *m, enum ai_error e);

/* How things are now; breaker: as enum breaker_state. */
void meter_state(const struct meter *m, int in_flight, int queued, int breaker);

#endif
