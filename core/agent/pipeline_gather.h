/* pipeline_gather: the numbers of a pipeline summary, read from one snapshot. */
#ifndef AGENT_PIPELINE_GATHER_H
#define AGENT_PIPELINE_GATHER_H

#include "agent/key_set.h"
#include "agent/pipeline_past.h"
#include "store/store.h"

/* A deal that is longer in its stage than the stage allows. */
struct overdue {
    char *id;
    int64_t over_us;
};

/* What to gather, and what the last run found; everything in the call's arena. */
struct gather {
    str filter;      /* the request's; "" means open deals */
    str past_filter; /* the same deals, closed in the history */
    const Pipeline *pipeline;
    int64_t now_us;
    size_t deals_max; /* that a scan looks at */

    struct tally total, stages[PIPELINE_STAGES_MAX], categories[FORECAST_CATEGORY_N];
    struct tally *owners; /* [n_owners] */
    size_t n_owners;
    struct key_set owner_rows;
    struct tally won_money;  /* of the history */
    struct overdue *overdue; /* [n_overdue], in no order */
    size_t n_overdue;
    bool open_cut, closed_cut; /* the scan left deals out */
};

/* The unit of work; arg is a struct gather. Bounds and failures: agent/pipeline_summary.h. */
MUST_CHECK enum status gather_unit(struct call *c, struct tx *tx, void *arg);

#endif
