/* pipeline_past: what the histories of closed deals teach about each stage. Pure. */
#ifndef AGENT_PIPELINE_PAST_H
#define AGENT_PIPELINE_PAST_H

#include "agent/pipeline_tally.h"
#include "sales/v1/pipeline.h"

enum { PIPELINE_STAGES_MAX = 30 }; /* the contract's limit */

/* Days to move on from one stage, one value per deal that did. */
struct stage_past {
    uint64_t entered, won, forward;
    double *days; /* [n_days] */
    size_t n_days, cap_days;
};

struct pipeline_past {
    const Pipeline *pipeline;
    struct stage_past stages[PIPELINE_STAGES_MAX]; /* in the order of the pipeline */
};

/* Room for at most n_deals. False: the arena is full. */
MUST_CHECK bool pipeline_past_init(struct pipeline_past *p, struct arena *a,
                                   const Pipeline *pipeline, size_t n_deals);

/* Adds a closed deal. A deal counts once per open stage that it was in, however often: as moved
 * forward when one of its visits ended in a later stage or in winning; its days are those of the
 * first such visit. Days of deals over n_deals are not kept. */
void pipeline_past_add(struct pipeline_past *p, const Deal *closed);

/* Sets entered, won, left, forward and median_days of the stage's tally. Sorts the days. */
void pipeline_past_tell(struct pipeline_past *p, size_t stage, struct tally *out);

#endif
