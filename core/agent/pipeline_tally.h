/* pipeline_tally: what a group of deals adds up to, on its way to a PipelineBucket. Pure. */
#ifndef AGENT_PIPELINE_TALLY_H
#define AGENT_PIPELINE_TALLY_H

#include <stdint.h>

#include "base/arena.h"
#include "domain/money.h"
#include "sales/v1/deal.h"

/* The deals of one currency. Currencies are never added to one another. */
struct tally_money {
    str currency;
    uint64_t count; /* deals */
    struct money_sum sum;
    struct tally_money *next;
};

struct tally {
    const char *key;
    uint64_t count; /* deals, with and without an amount */
    struct tally_money *money;
    size_t n_currencies;
    uint64_t n_looked_at;        /* deals that the next four are of */
    double age_days, stage_days; /* sums */
    uint64_t stale, no_next_step;
    uint64_t entered, won;  /* closed deals of the history that were in the group; of those, won */
    uint64_t left, forward; /* stages: of those that were in it and left, and left forward */
    double median_days;     /* stages: to move on */
};

/* Some deals of one currency ("": without an amount), all with one chance of winning. */
struct tally_part {
    str currency;
    uint64_t count;
    int64_t minor; /* their sum */
    double chance; /* 0 to 1 */
};

/* Borrows the currency. False: the arena is full. */
MUST_CHECK bool tally_add(struct arena *a, struct tally *t, const struct tally_part *part);

/* The amount in a currency, 0 where there is none. */
int64_t tally_amount(const struct tally *t, str currency);

/* The currency with most deals, by name where two have as many; "" without amounts. */
str tally_main_currency(const struct tally *t);

/* The bucket in the arena, currencies sorted by name; NULL when it is full. */
MUST_CHECK PipelineBucket *tally_bucket(struct arena *a, const struct tally *t);

/* The range that a share of k in n > 0 lies in with 95 % (Wilson): honest for small n and for
 * shares near 0 and 1. */
struct share_range {
    double low, high;
};
struct share_range share_range(uint64_t k, uint64_t n);

#define SHARE_LEVEL 0.95

#endif
