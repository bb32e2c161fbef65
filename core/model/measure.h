/*
 * measure: how good probabilities are. Every figure is by its textbook definition, ties included,
 * and summed in a fixed order.
 *
 *   AUC       chance that a positive ranks above a negative, ties half (Mann-Whitney)
 *   PR-AUC    average precision: sum over distinct scores of precision x gain in recall
 *   Brier     mean squared error
 *   log loss  mean, in nats, probabilities held within 1e-6 of 0 and 1
 *   ECE       expected calibration error over MODEL_BINS bins of equal mass (ranked by probability,
 * equal probabilities kept together): mean of |predicted - observed| weighted by cases lift rate
 * among the best 20 % over the rate of all; ties at the edge count in proportion
 */
#ifndef MODEL_MEASURE_H
#define MODEL_MEASURE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "model/limits.h"

struct measure_data {
    const double *p; /* probabilities, 0..1 */
    const uint8_t *label;
    size_t n;
};

struct measure_bin {
    double predicted, observed;
    uint64_t n, n_positive;
    double upto; /* the largest probability in it */
};

struct measures {
    uint64_t n, n_positive;
    double base_rate, auc, pr_auc, brier, log_loss, ece, lift20;
    double auc_low, auc_high; /* 95 % by bootstrap; equal to auc where not asked for */
    uint32_t n_bins;
    struct measure_bin bin[MODEL_BINS];
};

/* All figures but the interval. AUC is 0.5 and PR-AUC the base rate where only one class is
 * present. */
MUST_CHECK enum status measure(struct measures *out, struct arena *scratch,
                               const struct measure_data *d);

/* The interval of the AUC: percentiles 2.5 and 97.5 over `rounds` resamples drawn by the seed. */
MUST_CHECK enum status measure_auc_interval(struct measures *m, struct arena *scratch,
                                            const struct measure_data *d, uint64_t seed,
                                            int rounds);

/* Wilson score interval of k successes in n at z standard deviations; 0..1 for n 0. */
void measure_wilson(uint64_t k, uint64_t n, double z, double *low, double *high);

#endif
