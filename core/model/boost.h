/*
 * boost: training of gradient-boosted trees with XGBoost, and nothing else of that library.
 *
 * The library runs on one thread (nthread=1) and one training at a time per process. It is C++ with
 * OpenMP: call boost_warm_up once before other threads start, and never fork afterwards (exec at
 * once is fine). Prediction, explanation and the model file are ours: see trees.h.
 */
#ifndef MODEL_BOOST_H
#define MODEL_BOOST_H

#include "model/trees.h"

/* A matrix by rows: cell of row i, column k at x[i * n_columns + k]; NaN is missing. */
struct boost_data {
    const float *x;
    size_t n_rows, n_columns;
    const float *label;  /* [n_rows] 0 or 1 */
    const float *weight; /* [n_rows] > 0 */
};

struct boost_options {
    uint64_t seed;
    int rounds;                             /* trees, 1..TREES_MAX; never stopped early */
    int depth;                              /* 1..TREE_DEPTH_MAX */
    double rate;                            /* learning rate */
    double row_share;                       /* of the rows, drawn for each tree */
    double column_share;                    /* of the columns, drawn for each tree */
    double child_weight;                    /* least sum of hessians in a leaf */
    double ridge;                           /* on leaf values */
    double base_rate;                       /* margin before the first tree is its logit */
    bool (*go_on)(void *arg, int permille); /* false ends the training; may be NULL */
    void *arg;
};

/* Loads the library: trains and frees a small model. UNAVAILABLE: the library does not work. */
MUST_CHECK enum status boost_warm_up(void);

/*
 * Trains; *out lives in the arena, linked. The same data and options give the same trees.
 *
 * CANCELLED: go_on said so. EXHAUSTED: the arena is. INTERNAL: the library failed, or its model is
 * not of the form that version 1.7 writes; boost_last_error() says more, per thread.
 */
MUST_CHECK enum status boost_train(struct trees *out, struct arena *a, const struct boost_data *d,
                                   const struct boost_options *options);

const char *boost_last_error(void);

#endif
