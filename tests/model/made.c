#include "model/made.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/numeric.h"

static double uniform(uint64_t seed, size_t row, size_t column)
{
    return (double)(numeric_hash(seed, row * 4096 + column) >> 11) * 0x1p-53;
}

static void need(enum status s)
{
    if (s != STATUS_OK)
        abort();
}

/* Sets the cell and says how far it moves the outcome. */
static double set_cell(struct frame *f, size_t row, size_t column, double u)
{
    static const char *const WORD[] = {"red", "green", "blue", "grey", "a text nobody has"};

    switch (f->column[column].kind) {
    case COLUMN_NUMBER: frame_set(f, row, column, numeric_exp(6 * u)); return 3 * (u - 0.5);
    case COLUMN_CATEGORY:
        need(frame_set_word(f, row, column, str_of(WORD[(size_t)(u * u * 4.02)])));
        return u < 0.5 ? -0.8 : 0.8;
    case COLUMN_BOOL: frame_set(f, row, column, u < 0.3); return u < 0.3 ? 1 : 0;
    case COLUMN_AGE: frame_set(f, row, column, 1000 * u * u); return u > 0.7 ? -1.5 : 0.5;
    }
    return 0;
}

void made_frame(struct frame *f, struct arena *a, struct made m)
{
    size_t at;

    need(frame_init(f, a, m.n_rows, m.n_columns));
    for (size_t k = 0; k < m.n_columns; k++) {
        char name[32];

        (void)snprintf(name, sizeof name, "column_%zu", k);
        need(frame_add_column(f, str_of(name), (enum column_kind)(1 + k % 4), &at));
    }
    for (size_t i = 0; i < m.n_rows; i++) {
        struct frame_row row = {.time_us = (int64_t)i * 1000000, .key = i};
        double margin = -1;

        need(frame_add_row(f, row, &at));
        for (size_t k = 0; k < m.n_columns; k++) {
            double u = uniform(m.seed, i, k), push = 0;

            if (uniform(m.seed + 1, i, k) >= 0.2)
                push = set_cell(f, i, k, u);
            margin += k < 4 ? push : 0;
        }
        f->row[i].label = uniform(m.seed + 2, i, 0) < numeric_sigmoid(margin);
    }
}
