/*
 * learn: from a frame with outcomes to a model that may be published, with the figures of its card.
 *
 *   1. Rows are split into training and validation: the latest fifth (TIME), or by key (HASH).
 *   2. The encoder is fitted on the training rows. Within them, folds by key choose the penalty of
 * the logistic regression and the number of trees, and give margins of rows not fitted on, which
 *      calibrate each learner. Folds are not cut by time on purpose: choices made on a drifting
 * tail (early stopping above all) spoil the calibration of all that is not like the tail.
 *   3. Three candidates are judged on the validation rows: logistic regression, trees, the mean of
 *      their log-odds. The least log loss wins.
 *   4. The winner is fitted again on all rows; its calibration stays that of step 2.
 *
 * The same frame, options and library give the same bytes.
 */
#ifndef MODEL_LEARN_H
#define MODEL_LEARN_H

#include "model/measure.h"
#include "model/model.h"

enum learn_split {
    LEARN_BY_TIME, /* validation is what came last; falls back to HASH where that part is too thin
                    */
    LEARN_BY_HASH, /* validation is a random part, by key */
};

/* Why nothing was learned. */
#define LEARN_VERDICT_LIST(X)                                                                      \
    X(LEARNED, "learned")                                                                          \
    X(TOO_FEW_ROWS, "fewer than 100 cases with an outcome")                                        \
    X(TOO_FEW_OUTCOMES, "fewer than 25 cases of the rarer outcome")                                \
    X(NO_SIGNAL, "no column that is known often enough and differs")

enum learn_verdict {
#define X(name, text) LEARN_##name,
    LEARN_VERDICT_LIST(X)
#undef X
};

enum { LEARN_ROWS_LEAST = 100, LEARN_OUTCOMES_LEAST = 25 };

const char *learn_verdict_text(enum learn_verdict v);

struct learn_options {
    uint64_t seed;
    enum learn_split split;
    double validation_share; /* 0: one fifth */
    uint32_t n_folds;        /* 0: three, two from 5,000 rows on */
    int64_t embargo_us; /* training rows this close before the validation part are left out of its
                           judgement: their outcome was not known by then */
    bool (*go_on)(void *arg, int permille); /* progress, rising; false cancels; may be NULL */
    void *arg;
};

struct learn_candidate {
    enum model_kind kind;
    struct calibration calibration;
    struct measures validation;
};

struct learn_importance {
    str source;
    double mean_abs_log_odds; /* over validation rows */
    double coverage;          /* share of all rows that know it */
};

/* Calibration where a category has one text. */
struct learn_segment {
    str source, word;
    uint64_t n;
    double gap; /* mean predicted minus observed, on the validation rows */
};

struct learned {
    enum learn_verdict verdict;
    struct model *model; /* NULL unless LEARNED; all below are then set */
    str bytes;           /* as model_bytes_write gave them; *model was parsed from these */
    struct learn_candidate candidate[3]; /* linear, trees, blend */
    size_t chosen;
    uint64_t n_rows, n_training, n_validation, n_positive;
    int64_t training_from_us, training_to_us, validation_from_us, validation_to_us;
    enum learn_split split; /* as it was done */
    double lambda;          /* penalty chosen */
    int n_trees;            /* trees chosen */
    size_t n_importance;
    struct learn_importance *importance; /* most important first */
    size_t n_segments;
    struct learn_segment *segment;  /* largest gap first; n >= 30, at most SEGMENTS_MAX */
    const uint32_t *validation_row; /* [n_validation] rows of the frame */
    const double *validation_p;     /* of the winner as judged, which has not seen these rows */
    size_t n_caveats;
    const char *caveat[CAVEATS_MAX]; /* in words, each under 500 bytes */
};

/*
 * Everything in *out lives in the arena; some 5 MB. Memory besides: about 12 bytes x rows x encoded
 * columns, given back at the end.
 *
 * Refusals are OK with another verdict than LEARNED. CANCELLED: go_on said so. EXHAUSTED: out of
 * memory. INTERNAL: see boost_last_error().
 */
MUST_CHECK enum status model_learn(struct learned *out, struct arena *a, const struct frame *f,
                                   const struct learn_options *options);

#endif
