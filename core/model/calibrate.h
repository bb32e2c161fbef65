/*
 * calibrate: from a learner's margin to log-odds that come true as often as they say.
 *
 * First an affine map (Platt 1999), which scales every contribution alike and so keeps them exact;
 * then, where it is worth it, a monotone one (pool adjacent violators, Ayer et al. 1955; blocks
 * joined by straight lines). What the second adds is a contribution of its own. Both are fitted on
 * margins of rows that the learner has not seen.
 */
#ifndef MODEL_CALIBRATE_H
#define MODEL_CALIBRATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "model/limits.h"

struct calibration {
    double slope, shift;               /* slope > 0 */
    uint32_t n_knots;                  /* 0: affine only */
    double x[KNOTS_MAX], y[KNOTS_MAX]; /* log-odds after the affine map -> log-odds; ascending */
};

/* Margins with their outcomes. */
struct calibrate_data {
    const double *margin;
    const uint8_t *label;
    const double *weight; /* 0: not used */
    size_t n;
};

/* Affine; drawn to slope 1 with the force of 20 cases, so that few rows change little. */
struct calibration calibrate_affine(const struct calibrate_data *d);

/* Adds the monotone map to *c. Blocks of fewer than min_block rows join a neighbour. EXHAUSTED: the
 * arena is. */
MUST_CHECK enum status calibrate_monotone(struct calibration *c, struct arena *scratch,
                                          const struct calibrate_data *d, size_t min_block);

/* The affine part, and the whole. */
double calibrate_scale(const struct calibration *c, double margin);
double calibrate_apply(const struct calibration *c, double margin);

/* Finite, slope > 0, knots ascending: what a parser must ask. */
bool calibrate_valid(const struct calibration *c);

/*
 * Isotonic regression itself: y [n] in the order of rising x becomes the closest non-decreasing
 * sequence by weighted squares. O(n). EXHAUSTED: the arena is.
 */
MUST_CHECK enum status calibrate_pav(double *y, const double *weight, size_t n,
                                     struct arena *scratch);

#endif
