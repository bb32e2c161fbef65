/* made: frames with a known truth, drawn from a seed. */
#ifndef TESTS_MODEL_MADE_H
#define TESTS_MODEL_MADE_H

#include "model/frame.h"

struct made {
    size_t n_rows, n_columns; /* columns: in turn number, category, bool, age */
    uint64_t seed;
};

/* Every fifth cell is missing; the first four columns decide the outcome, the rest is noise. */
void made_frame(struct frame *f, struct arena *a, struct made m);

#endif
