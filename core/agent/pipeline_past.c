/* One walk over each history; the medians are exact, because the number of deals is bounded. */
#include "agent/pipeline_past.h"

#include <stdlib.h>

#include "domain/moment.h"

bool pipeline_past_init(struct pipeline_past *p, struct arena *a, const Pipeline *pipeline,
                        size_t n_deals)
{
    *p = (struct pipeline_past){.pipeline = pipeline};
    for (size_t i = 0; i < pipeline->n_stages && i < PIPELINE_STAGES_MAX; i++) {
        if (pipeline->stages[i]->kind != STAGE_KIND_OPEN)
            continue;
        if ((p->stages[i].days = NEW(a, double, n_deals + 1)) == NULL)
            return false;
        p->stages[i].cap_days = n_deals + 1;
    }
    return true;
}

/* Place of an open stage; PIPELINE_STAGES_MAX when it is none. */
static size_t open_stage(const Pipeline *p, const char *key)
{
    for (size_t i = 0; i < p->n_stages && i < PIPELINE_STAGES_MAX; i++)
        if (strcmp(p->stages[i]->key, key) == 0)
            return p->stages[i]->kind == STAGE_KIND_OPEN ? i : PIPELINE_STAGES_MAX;
    return PIPELINE_STAGES_MAX;
}

static bool is_won(const Pipeline *p, const char *key)
{
    for (size_t i = 0; i < p->n_stages; i++)
        if (strcmp(p->stages[i]->key, key) == 0)
            return p->stages[i]->kind == STAGE_KIND_WON;
    return false;
}

static bool is_forward(const Pipeline *p, const StageChange *next)
{
    return next->kind == STAGE_CHANGE_KIND_FORWARD ||
           (next->kind == STAGE_CHANGE_KIND_CLOSED && is_won(p, next->to_stage));
}

void pipeline_past_add(struct pipeline_past *p, const Deal *closed)
{
    bool entered[PIPELINE_STAGES_MAX] = {false}, forward[PIPELINE_STAGES_MAX] = {false};

    for (size_t i = 0; i < closed->n_history; i++) {
        const StageChange *visit = closed->history[i];
        size_t at = open_stage(p->pipeline, visit->to_stage);
        struct stage_past *s = &p->stages[at < PIPELINE_STAGES_MAX ? at : 0];

        if (at == PIPELINE_STAGES_MAX)
            continue;
        s->entered += !entered[at];
        s->won += !entered[at] && closed->stage_kind == STAGE_KIND_WON;
        entered[at] = true;
        if (i + 1 == closed->n_history || forward[at] ||
            !is_forward(p->pipeline, closed->history[i + 1]))
            continue;
        forward[at] = true;
        s->forward++;
        if (s->n_days < s->cap_days)
            s->days[s->n_days++] = (double)(moment_us(closed->history[i + 1]->occurred_at, 0) -
                                            moment_us(visit->occurred_at, 0)) /
                                   (double)MOMENT_DAY_US;
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    if (!n)
        return 0;
    qsort(values, n, sizeof *values, by_value);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

void pipeline_past_tell(struct pipeline_past *p, size_t stage, struct tally *out)
{
    struct stage_past *s = &p->stages[stage];

    out->entered = s->entered;
    out->won = s->won;
    out->left = s->entered; /* the deals are closed: every visit ended */
    out->forward = s->forward;
    out->median_days = median(s->days, s->n_days);
}
