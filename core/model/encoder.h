/*
 * encoder: from typed cells to the numbers that the learners take; fitted on training rows only and
 * without their labels.
 *
 * A column of a frame that is worth it becomes a source, and every source a run of columns in two
 * blocks:
 *
 *   linear block (logistic regression)           tree block (boosted trees)
 *   number, age: rank in 0..1 among the          the value as it is, NaN where missing
 *     training deciles, two hinges of the rank
 *   bool: 0 or 1                                 0 or 1, NaN where missing
 *   category: 0/1 per frequent text, 0/1 other   0/1 per frequent text and other, NaN where missing
 *   all: 0/1 missing, if it ever is
 *
 * Ranks make money, counts and ages comparable and cap outliers: a value beyond all that was seen
 * counts as the most extreme one seen. Frequent: at least min_count rows, the ENCODER_WORDS_MAX
 * most frequent. At prediction a column that is absent, or of another kind, is missing; unknown
 * columns are ignored; unknown texts are "other".
 */
#ifndef MODEL_ENCODER_H
#define MODEL_ENCODER_H

#include <stdbool.h>

#include "model/frame.h"

struct encoder_source {
    str name;
    enum column_kind kind;
    float edge[ENCODER_EDGES]; /* number, age: least, deciles, most; may repeat */
    uint32_t n_words;
    str *word; /* category: [n_words] texts, ascending bytewise */
    bool has_missing;
    uint32_t linear_at, n_linear; /* columns in the linear block */
    uint32_t tree_at, n_tree;     /* in the tree block */
    uint32_t n_profile;           /* training rows by bin: see encoder_bin */
    uint32_t profile[ENCODER_PROFILE];
};

/* value = (raw - shift) * scale; mean: of value over the training rows. */
struct encoder_linear {
    float shift, scale;
    double mean;
};

struct encoder {
    size_t n_sources, n_linear, n_tree;
    struct encoder_source *source; /* [n_sources], in the order of the frame's columns */
    struct encoder_linear *linear; /* [n_linear] */
};

/* Rows of a frame. */
struct row_set {
    const uint32_t *at; /* [n] */
    size_t n;
};

/*
 * Learns the encoding of these rows. Columns known in fewer than min_count rows and columns that
 * never differ are left out; then columns by falling coverage until a block is full.
 *
 *   min_count   rows, >= 1
 *
 * Everything in *out lives in the arena. EXHAUSTED: the arena is.
 */
MUST_CHECK enum status encoder_fit(struct encoder *out, struct arena *a, const struct frame *f,
                                   struct row_set rows, uint32_t min_count);

/* Numbers the columns of both blocks and the bins of the sources that are set; false: over the
 * limits. */
MUST_CHECK bool encoder_lay_out(struct encoder *e);

/* An encoder's view of one frame: names and texts looked up once. */
struct encoder_binding {
    const struct encoder *encoder;
    const struct frame *frame;
    const struct frame_column **column; /* [n_sources]; NULL: absent */
    uint16_t **code;                    /* [n_sources][n_words of the column]; NULL: no category */
};

MUST_CHECK enum status encoder_bind(struct encoder_binding *out, struct arena *a,
                                    const struct encoder *e, const struct frame *f);

/* The two blocks of one row: linear [n_linear] (not centred), tree [n_tree] with NaN. Either may be
 * NULL. */
void encoder_row(const struct encoder_binding *b, size_t row, float *linear, float *tree);

/* True if the cell behind source i is missing in this row. */
bool encoder_missing(const struct encoder_binding *b, size_t row, size_t source);

/* The bin of source.profile that this row belongs to: a number's decile, a text's index or n_words
 * for other, 0/1 of a bool; the last bin is "missing". */
uint32_t encoder_bin(const struct encoder_binding *b, size_t row, size_t source);

/* Population stability index of a source between the training rows and those bound: sum of
 * (q - p) ln(q / p) over bins, shares floored at 0.0001. Above 0.2 is drift. */
double encoder_psi(const struct encoder_binding *b, struct row_set rows, size_t source);

#endif
