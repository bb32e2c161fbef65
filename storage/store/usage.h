/* usage: how often a tenant calls, by day, method and actor. */
#ifndef STORE_USAGE_H
#define STORE_USAGE_H

#include "store/store.h"

enum { USAGE_ROWS_MAX = 1000 }; /* of an answer, as GetUsageResponse says */

struct usage_row {
    int64_t tenant_id, day; /* days since 1970, UTC */
    const char *method;     /* "sales.v1.SalesAgent/GetLead" */
    const char *actor;      /* user id or service name */
    int64_t calls, failed;
};

/* Adds to what is on record, in a system write unit. Rows in the order of tenant, day, method and
 * actor: two servers that add the same rows then wait for each other, and never in a circle. */
MUST_CHECK enum status tx_usage_add(struct tx *tx, const struct usage_row *rows, size_t n);

enum usage_group { USAGE_BY_DAY, USAGE_BY_METHOD, USAGE_BY_ACTOR, USAGE_TOTAL };

struct usage_sum {
    str text;    /* method or actor */
    int64_t day; /* USAGE_BY_DAY */
    int64_t calls, failed;
};

struct usage_days {
    int64_t first, last; /* both counted */
};

/* Sums of the unit's tenant over the days, by key, the first USAGE_ROWS_MAX. */
MUST_CHECK enum status tx_usage_sum(struct tx *tx, struct usage_days days, enum usage_group by,
                                    struct usage_sum out[USAGE_ROWS_MAX], size_t *n_out);

#endif
