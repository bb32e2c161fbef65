/*
 * model: what was learned, ready to predict. Immutable; any number of threads may share one.
 *
 * log-odds = calibration(share x linear margin + (1 - share) x tree margin), cut up per source:
 *
 *   total = base + sum of shares + calibration share       exactly, in micro-log-odds
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "model/calibrate.h"
#include "model/encoder.h"
#include "model/logistic.h"
#include "model/trees.h"

enum model_kind { MODEL_LINEAR = 1, MODEL_TREES = 2, MODEL_BLEND = 3 };

/* How well the model did where it said about this much, on rows it had not seen. */
struct model_bin {
    double upto; /* the largest probability of the bin */
    uint64_t n, n_positive;
};

struct model {
    enum model_kind kind;
    struct encoder encoder;
    struct logistic linear; /* of LINEAR and BLEND */
    struct trees trees;     /* of TREES and BLEND */
    struct calibration calibration;
    uint32_t n_bins;
    struct model_bin bin[MODEL_BINS];
    unsigned char sha256[32]; /* of its bytes */
};

struct prediction {
    double probability;        /* of total_micro */
    double low, high;          /* 90 % Wilson interval of the bin of reliability */
    int64_t total_micro;       /* log-odds x 1e6 */
    int64_t base_micro;        /* of nobody in particular */
    int64_t calibration_micro; /* what the monotone part of the calibration adds; 0 without one */
    size_t n_shares;
    const int64_t *share_micro; /* [n_shares], by source of model->encoder */
};

/* Sources of the model looked up in the frame: once per frame, for all its rows. */
struct model_view {
    const struct model *model;
    struct encoder_binding binding;
    float *linear, *tree; /* one row, encoded */
    double *share;
};

/* A view is for one thread at a time. EXHAUSTED: the arena is. */
MUST_CHECK enum status model_view(struct model_view *out, struct arena *a, const struct model *m,
                                  const struct frame *f);

/* One row with its contributions; they live in the arena. EXHAUSTED: the arena is. */
MUST_CHECK enum status model_predict(struct model_view *v, struct arena *a, size_t row,
                                     struct prediction *out);

/* The total_micro that model_predict gives, without contributions: many times faster. */
int64_t model_total_micro(struct model_view *v, size_t row);

/* The probability of a total. */
double model_probability(int64_t total_micro);

/* low and high of the bin that a probability falls into; 0 and 1 without bins. */
void model_band(const struct model *m, double probability, double *low, double *high);

#endif
