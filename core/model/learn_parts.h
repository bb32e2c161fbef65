/* learn_parts: what the steps of learn hand to each other; private to learn*.c. */
#ifndef MODEL_LEARN_PARTS_H
#define MODEL_LEARN_PARTS_H

#include "model/learn.h"

enum { LEARN_LAMBDAS = 4, LEARN_CHECKS = 8, LEARN_TREES_STEP = 20 };

/* Rows of a frame, encoded for both learners. */
struct design {
    const struct frame *frame;
    struct row_set rows;
    const struct encoder *encoder;
    float *linear;  /* by columns */
    float *tree;    /* by rows */
    uint8_t *label; /* all [rows.n] from here */
    double *weight;
    uint8_t *fold;
    double base_rate; /* weighted, held within 0.001 of 0 and 1 */
};

/* What goes from the folds to the final fits. */
struct chosen {
    double lambda;
    int n_trees;
    double *linear, *trees; /* [rows.n] margins of rows not fitted on */
};

struct progress {
    const struct learn_options *options;
    int from, to; /* permille of the step under way */
};

MUST_CHECK enum status design_build(struct design *out, struct arena *a, const struct frame *f,
                                    struct row_set rows, const struct encoder *e);
void design_cut_folds(struct design *d, uint64_t seed, uint32_t n_folds);

/* Penalty, number of trees and margins out of folds. */
MUST_CHECK enum status learn_choose(struct chosen *out, struct arena *a, const struct design *d,
                                    const struct learn_options *o);

/* Fits one learner on all rows of d. */
MUST_CHECK enum status learn_linear(struct logistic *out, struct arena *a, const struct design *d,
                                    double lambda);
MUST_CHECK enum status learn_trees(struct trees *out, struct arena *a, const struct design *d,
                                   int n_trees, const struct progress *p);

/* What a card is written from. */
struct learn_view {
    const struct frame *frame;
    struct row_set validation;
    const struct learn_options *asked;
};

/* Importance of out->model; segments of `judged`, which has not seen the validation rows; caveats.
 */
MUST_CHECK enum status learn_describe(struct learned *out, struct arena *a,
                                      const struct model *judged, const struct learn_view *view);

/* True to go on. */
bool progress_step(void *progress, int permille);

#endif
