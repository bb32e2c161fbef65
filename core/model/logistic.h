/*
 * logistic: logistic regression with a ridge penalty, by L-BFGS.
 *
 * Minimises  sum_i w_i ln(1 + exp(-y_i m_i)) + lambda/2 |beta|^2  with m = intercept + X beta and
 * the intercept free (Nocedal & Wright, Numerical Optimization, algorithms 3.1 and 7.4). Sums run
 * in a fixed order and exp and log are ours: the same data give the same bytes with any compiler.
 */
#ifndef MODEL_LOGISTIC_H
#define MODEL_LOGISTIC_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

/* A matrix by columns: cell of row i, column k at x[k * n_rows + i]. */
struct logistic_data {
    const float *x;
    size_t n_rows, n_columns;
    const uint8_t *label;
    const double *weight; /* 0: the row does not take part */
};

struct logistic {
    size_t n;
    double intercept;
    double *beta; /* [n] */
};

/*
 * Fits, starting from what *m holds (zeros after logistic_init). Stops when no gradient component
 * exceeds tolerance x total weight, or after rounds_max.
 *
 * Cost O(rows x columns) per round, some 30 rounds at tolerance 1e-5. EXHAUSTED: the arena is.
 */
struct logistic_options {
    double lambda;    /* > 0 */
    double tolerance; /* of the gradient per unit of weight */
    int rounds_max;
};

MUST_CHECK enum status logistic_init(struct logistic *m, struct arena *a, size_t n_columns);
MUST_CHECK enum status logistic_fit(struct logistic *m, struct arena *scratch,
                                    const struct logistic_data *d, struct logistic_options options);

/* Margins (log-odds) of all rows of d; out [n_rows]. */
void logistic_margins(const struct logistic *m, const struct logistic_data *d, double *out);

/* Margin of one row of n columns. */
double logistic_margin(const struct logistic *m, const float *x);

#endif
