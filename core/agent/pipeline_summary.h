/*
 * pipeline_summary: the state of a pipeline in one answer, from one snapshot of the store.
 *
 * Counts, amounts, win rates of the whole and of owners, and won amounts per day are exact at any
 * size: the database adds them up. What needs the records themselves is bounded: age, staleness and
 * next steps look at the SUMMARY_DEALS_MAX oldest open deals, conversion and speed by stage at the
 * SUMMARY_DEALS_MAX newest deals closed in the history; both less when deals are so large that
 * a third of the request's memory is used up.
 */
#ifndef AGENT_PIPELINE_SUMMARY_H
#define AGENT_PIPELINE_SUMMARY_H

#include "agent/context.h"
#include "sales/v1/sales_agent.h"

enum {
    SUMMARY_DEALS_MAX = 5000,  /* records read per scan: some 50 ms of work */
    SUMMARY_OWNERS_MAX = 500,  /* the contract's limit; the rest is counted */
    SUMMARY_STALE_MAX = 100,   /* the contract's limit */
    SUMMARY_HISTORY_DAYS = 365 /* unless the request says otherwise */
};

/*
 * NOT_FOUND: the pipeline. INVALID: the filter, or a history of less than a day. EXHAUSTED: more
 * groups of stage, owner and currency than GROUP_ROWS_MAX; narrow the filter.
 */
MUST_CHECK enum status pipeline_summary(struct call *c, struct agents *a,
                                        const GetPipelineSummaryRequest *in,
                                        GetPipelineSummaryResponse *out);

/* A sum over a span, per day, rounded to the nearest; span_us >= a day, minor >= 0. */
int64_t summary_per_day(int64_t minor, int64_t span_us);

#endif
