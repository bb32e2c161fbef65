/*
 * account_rollup: what the leads of one company add up to for one of them, as of an instant.
 *
 * How the lead itself ended is left out: it is what a score predicts. Of the others only what was
 * so at the instant counts, as far as the record tells. When the others were last active is kept as
 * of now, so who was active at an earlier instant is not known.
 */
#ifndef DOMAIN_ACCOUNT_ROLLUP_H
#define DOMAIN_ACCOUNT_ROLLUP_H

#include "domain/score.h"

struct account_rollup {
    struct score_account account; /* set account.known once all leads were looked up */
    const char *self_id;          /* lead that is scored; borrowed */
    int64_t as_of_us, now_us;
    uint32_t roles; /* bit per buying role seen */
};

void account_rollup_init(struct account_rollup *r, const char *self_id, int64_t as_of_us,
                         int64_t now_us);

/* Takes one lead of the company in, in any order; one that came about after the instant is left
 * out. */
void account_rollup_add(struct account_rollup *r, const Lead *l);

#endif
