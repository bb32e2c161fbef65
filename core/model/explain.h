/*
 * explain: contributions as whole micro-log-odds (1e-6) that sum exactly.
 *
 * Rounded down each, the missing units go to the largest remainders, the first of equals: the same
 * answer everywhere, and never more than one unit from the true value plus the sum's own error.
 */
#ifndef MODEL_EXPLAIN_H
#define MODEL_EXPLAIN_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

#define MICRO 1000000.0 /* units per unit of log-odds */

/* Nearest whole number of units; |value| <= 1e12. */
int64_t explain_micro(double value);

/* out [n] sums to total; EXHAUSTED: the arena is. INVALID: a share is not finite or over 1e12, or n
 * is 0 and total is not. */
MUST_CHECK enum status explain_round(const double *share, size_t n, int64_t total,
                                     struct arena *scratch, int64_t *out);

#endif
