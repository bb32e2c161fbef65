/*
 * spend: money that a tenant's calls to outside providers may cost, counted where it cannot be
 * lost.
 *
 * The check and the entry are one conditional statement per limit, so that any number of servers
 * may ask at once and none of the limits is passed. Before a call its worst case is held; after it
 * the hold is exchanged for what it did cost. Held money counts as spent until then, or until the
 * hold runs out: whoever held it died, and what the call cost is in the provider's bill only.
 *
 *     hold ──settle──> spent           hold ──runs out──> given back
 *
 * Run the units below in STORE_TAKE: each statement then sees what is committed, and nobody repeats
 * a unit because of another one's row. Locks are taken in the order of enum spend_scope, the row of
 * the whole tenant last and for the shortest time.
 */
#ifndef STORE_SPEND_H
#define STORE_SPEND_H

#include "store/store.h"

enum spend_scope {
    SPEND_WORKFLOW, /* one run of a workflow or a job, whenever */
    SPEND_USER_DAY, /* one user, one day */
    SPEND_MONTH,    /* the tenant, one month */
    SPEND_SCOPES,
};

enum {
    SPEND_NAME_BYTES = 128, /* SUBJECT_BYTES */
    SPEND_EXPIRE_MAX = 64,  /* holds given back by one look */
    SPEND_SWEEP_MAX = 1000, /* rows deleted by one sweep */
    SPEND_KEEP_DAYS = 400,  /* sums of months and days are kept for a year's comparison */
};

/* A limit and what counts against it. */
struct spend_line {
    str name;       /* workflow run or user, at most SPEND_NAME_BYTES; "" for the month */
    int64_t period; /* days or months since 1970 (UTC); 0 for a workflow */
    int64_t
        limit_micro; /* millionths of a US dollar; < 0: this scope has no limit and is not kept */
};

struct spend_hold {
    struct uuid id;
    int64_t amount_micro; /* worst case, >= 0 */
    int64_t until_us;     /* wall clock, when it runs out */
    struct spend_line lines[SPEND_SCOPES];
};

/*
 * Holds the amount in every line, or in none: EXHAUSTED, AI_BUDGET, with the metadata `scope`
 * ("workflow", "user_day", "month") of the first that has not enough left; the unit must then fail.
 */
MUST_CHECK enum status tx_spend_hold(struct tx *tx, const struct spend_hold *hold);

/*
 * Ends a hold: actual_micro is spent, the rest is free again. A hold that has run out meanwhile is
 * no reason not to count what was spent: the sum may then pass a limit by that much.
 */
MUST_CHECK enum status tx_spend_settle(struct tx *tx, const struct spend_hold *hold,
                                       int64_t actual_micro);

/* Holds of the tenant that have run out, at most SPEND_EXPIRE_MAX, in c->arena. */
MUST_CHECK enum status tx_spend_expired(struct tx *tx, struct spend_hold *out, size_t *n_out);

/* Gives back one of them, unless somebody else ended it. One per unit, for the order of locks. */
MUST_CHECK enum status tx_spend_expire(struct tx *tx, const struct spend_hold *hold);

struct spend_sum {
    int64_t spent_micro, held_micro;
};

/* What is on record for a line; zeros when nothing is. */
MUST_CHECK enum status tx_spend_get(struct tx *tx, enum spend_scope scope,
                                    const struct spend_line *line, struct spend_sum *out);

/* In a system write unit: deletes rows without holds that nothing was added to for SPEND_KEEP_DAYS,
 * at most SPEND_SWEEP_MAX; *n_out of them. */
MUST_CHECK enum status tx_spend_sweep(struct tx *tx, size_t *n_out);

/* "workflow", "user_day", "month". */
const char *spend_scope_name(enum spend_scope scope);

/* Months since 1970-01 of an instant, UTC. */
int64_t spend_month(int64_t us);

#endif
