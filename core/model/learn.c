/* The order of the steps; each step is in learn_fit.c or learn_card.c. */
#include "model/learn.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "model/learn_parts.h"
#include "model/model_bytes.h"
#include "model/numeric.h"

static const double SHARE = 0.2;
static const double MONOTONE_GAIN = 0.001; /* nats per case that a monotone map must save */
enum {
    FOLDS_SMALL = 3,
    FOLDS_LARGE = 2,
    LARGE = 5000,         /* rows from which half of them teach nearly as much as all */
    MIN_COUNT_LEAST = 10, /* rows before a text or column counts: under that it is noise */
    PART_OUTCOMES_LEAST = 8,
    BLOCK_LEAST = 100,
    BOOTSTRAP_ROUNDS = 40,
    SCRATCH_MB = 3072,
};

/* One learning under way. */
struct lesson {
    const struct frame *f;
    struct learn_options o; /* defaults filled in */
    struct arena *a;        /* for the result */
    struct arena scratch;
    const struct learn_options *asked;
    struct row_set all, training, validation;
};

const char *learn_verdict_text(enum learn_verdict v)
{
    static const char *const TEXT[] = {
#define X(name, text) [LEARN_##name] = (text),
        LEARN_VERDICT_LIST(X)
#undef X
    };

    return TEXT[v];
}

static size_t count_positive(const struct frame *f, struct row_set rows)
{
    size_t n = 0;

    for (size_t i = 0; i < rows.n; i++)
        n += f->row[rows.at[i]].label;
    return n;
}

static bool has_both(const struct frame *f, struct row_set rows, size_t least)
{
    size_t n = count_positive(f, rows);

    return n >= least && rows.n - n >= least;
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Rows at or after this time are the validation part. */
static enum status find_cut(struct lesson *l, int64_t *cut)
{
    size_t n = l->f->n_rows;
    int64_t *time = NEW(&l->scratch, int64_t, n + 1);

    if (!time)
        return STATUS_EXHAUSTED;
    for (size_t i = 0; i < n; i++)
        time[i] = l->f->row[i].time_us;
    qsort(time, n, sizeof *time, by_time);
    *cut = time[(size_t)((double)n * (1 - l->o.validation_share))];
    return STATUS_OK;
}

/* -1: left out, 0: training, 1: validation. */
static int side_of(const struct lesson *l, const struct frame_row *row, int64_t cut)
{
    if (l->o.split == LEARN_BY_HASH)
        return (double)(numeric_hash(~l->o.seed, row->key) >> 11) * 0x1p-53 < l->o.validation_share;
    if (row->time_us >= cut)
        return 1;
    return row->time_us > cut - l->o.embargo_us ? -1 : 0;
}

static enum status split_rows(struct lesson *l)
{
    size_t n = l->f->n_rows, n_sides[2] = {0, 0};
    uint32_t *side[2] = {NEW(&l->scratch, uint32_t, n + 1), NEW(&l->scratch, uint32_t, n + 1)};
    int64_t cut = 0;

    if (!side[0] || !side[1])
        return STATUS_EXHAUSTED;
    TRY(find_cut(l, &cut));
    for (size_t i = 0; i < n; i++) {
        int k = side_of(l, &l->f->row[i], cut);

        if (k >= 0)
            side[k][n_sides[k]++] = (uint32_t)i;
    }
    l->training = (struct row_set){side[0], n_sides[0]};
    l->validation = (struct row_set){side[1], n_sides[1]};
    return STATUS_OK;
}

static enum status split(struct lesson *l)
{
    uint32_t *at = NEW(&l->scratch, uint32_t, l->f->n_rows + 1);

    if (!at)
        return STATUS_EXHAUSTED;
    for (size_t i = 0; i < l->f->n_rows; i++)
        at[i] = (uint32_t)i;
    l->all = (struct row_set){at, l->f->n_rows};
    TRY(split_rows(l));
    if (l->o.split == LEARN_BY_TIME && (!has_both(l->f, l->training, PART_OUTCOMES_LEAST) ||
                                        !has_both(l->f, l->validation, PART_OUTCOMES_LEAST))) {
        l->o.split = LEARN_BY_HASH;
        return split_rows(l);
    }
    return STATUS_OK;
}

static uint32_t min_count(struct row_set rows)
{
    size_t n = rows.n / 1000;

    return n > MIN_COUNT_LEAST ? (uint32_t)n : MIN_COUNT_LEAST;
}

/* Margins of the three candidates from those of the two learners. */
static void blend(double *out, const double *linear, const double *trees, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = 0.5 * linear[i] + (1 - 0.5) * trees[i];
}

static double loss_with(const struct calibration *c, const struct calibrate_data *d)
{
    double sum = 0, total = 0;

    for (size_t i = 0; i < d->n; i++) {
        double m = calibrate_apply(c, d->margin[i]);

        sum += d->weight[i] * numeric_log1p_exp(d->label[i] ? -m : m);
        total += d->weight[i];
    }
    return total > 0 ? sum / total : 0;
}

/* Affine; monotone on top if half of the rows say so of the other half. */
static enum status calibrate(struct calibration *out, struct arena *a, const struct design *d,
                             const double *margin)
{
    struct calibrate_data all = {margin, d->label, d->weight, d->rows.n}, part = all;
    double *weight = NEW(a, double, 2 * d->rows.n + 2), gain = 0;

    if (!weight)
        return STATUS_EXHAUSTED;
    *out = calibrate_affine(&all);
    for (unsigned half = 0; half < 2; half++) {
        struct calibration affine, monotone;
        double *fit = weight, *judge = weight + d->rows.n;

        for (size_t i = 0; i < d->rows.n; i++) {
            bool here = (numeric_hash(7, d->frame->row[d->rows.at[i]].key) >> 20 & 1) == half;

            fit[i] = here ? d->weight[i] : 0;
            judge[i] = here ? 0 : d->weight[i];
        }
        part.weight = fit;
        affine = monotone = calibrate_affine(&part);
        TRY(calibrate_monotone(&monotone, a, &part, BLOCK_LEAST));
        part.weight = judge;
        gain += (loss_with(&affine, &part) - loss_with(&monotone, &part)) / 2;
    }
    return gain > MONOTONE_GAIN ? calibrate_monotone(out, a, &all, BLOCK_LEAST) : STATUS_OK;
}

/* Candidate k of learned->candidate: what it is, calibrated on margins out of folds. */
static enum status calibrate_all(struct learned *out, struct lesson *l, const struct design *d,
                                 const struct chosen *c)
{
    static const enum model_kind KIND[] = {MODEL_LINEAR, MODEL_TREES, MODEL_BLEND};
    double *mean = NEW(&l->scratch, double, d->rows.n + 1);
    const double *margin[] = {c->linear, c->trees, mean};

    if (!mean)
        return STATUS_EXHAUSTED;
    blend(mean, c->linear, c->trees, d->rows.n);
    for (size_t k = 0; k < 3; k++) {
        out->candidate[k].kind = KIND[k];
        TRY(calibrate(&out->candidate[k].calibration, &l->scratch, d, margin[k]));
    }
    return STATUS_OK;
}

static enum status judge_one(struct learn_candidate *c, struct lesson *l, struct model *m)
{
    size_t n = l->validation.n;
    double *p = NEW(&l->scratch, double, n + 1);
    uint8_t *label = NEW(&l->scratch, uint8_t, n + 1);
    struct measure_data data = {p, label, n};
    struct model_view v;

    m->kind = c->kind;
    m->calibration = c->calibration;
    if (!p || !label)
        return STATUS_EXHAUSTED;
    TRY(model_view(&v, &l->scratch, m, l->f));
    for (size_t i = 0; i < n; i++) {
        p[i] = model_probability(model_total_micro(&v, l->validation.at[i]));
        label[i] = l->f->row[l->validation.at[i]].label;
    }
    TRY(measure(&c->validation, &l->scratch, &data));
    return measure_auc_interval(&c->validation, &l->scratch, &data, l->o.seed, BOOTSTRAP_ROUNDS);
}

static void take_bins(struct model *m, const struct measures *from)
{
    m->n_bins = from->n_bins;
    for (uint32_t k = 0; k < from->n_bins; k++)
        m->bin[k] = (struct model_bin){from->bin[k].upto, from->bin[k].n, from->bin[k].n_positive};
}

/* The least log loss wins; of equals the simpler. */
static enum status judge_all(struct learned *out, struct lesson *l, struct model *judged)
{
    const struct learn_candidate *best = &out->candidate[0];

    for (size_t k = 0; k < 3; k++) {
        TRY(judge_one(&out->candidate[k], l, judged));
        if (out->candidate[k].validation.log_loss < best->validation.log_loss)
            best = &out->candidate[k];
    }
    out->chosen = (size_t)(best - out->candidate);
    judged->kind = best->kind;
    judged->calibration = best->calibration;
    take_bins(judged, &best->validation);
    return STATUS_OK;
}

/* Fits on the training rows, calibrated on what the folds left out. */
static enum status fit_training(struct learned *out, struct lesson *l, struct model *judged)
{
    struct design d;
    struct chosen c = {0};
    struct progress p = {&l->o, 600, 750};

    TRY(design_build(&d, &l->scratch, l->f, l->training, &judged->encoder));
    design_cut_folds(&d, l->o.seed, l->o.n_folds);
    TRY(learn_choose(&c, &l->scratch, &d, &l->o));
    out->lambda = c.lambda;
    out->n_trees = c.n_trees;
    TRY(calibrate_all(out, l, &d, &c));
    TRY(learn_linear(&judged->linear, &l->scratch, &d, c.lambda));
    return learn_trees(&judged->trees, &l->scratch, &d, c.n_trees, &p);
}

/* Steps 2 and 3. *judged is the winner, fitted on the training rows only. */
static enum status compete(struct learned *out, struct lesson *l, struct model *judged)
{
    *judged = (struct model){0};
    TRY(encoder_fit(&judged->encoder, &l->scratch, l->f, l->training, min_count(l->training)));
    if (judged->encoder.n_sources == 0) {
        out->verdict = LEARN_NO_SIGNAL;
        return STATUS_OK;
    }
    TRY(fit_training(out, l, judged));
    return judge_all(out, l, judged);
}

/* Step 4: on all rows. */
static enum status publish(struct learned *out, struct lesson *l, const struct model *judged)
{
    struct model m = *judged;
    struct design d;
    struct progress p = {&l->o, 750, 950};

    TRY(encoder_fit(&m.encoder, &l->scratch, l->f, l->all, min_count(l->all)));
    TRY(design_build(&d, &l->scratch, l->f, l->all, &m.encoder));
    for (size_t i = 0; i < d.rows.n; i++)
        d.fold[i] = 0;
    if (m.kind != MODEL_TREES)
        TRY(learn_linear(&m.linear, &l->scratch, &d, out->lambda));
    if (m.kind != MODEL_LINEAR)
        TRY(learn_trees(&m.trees, &l->scratch, &d, out->n_trees, &p));
    TRY(model_bytes_write(&m, l->a, &out->bytes));
    return model_bytes_parse(&out->model, l->a, out->bytes);
}

static void take_window(const struct frame *f, struct row_set rows, int64_t *from, int64_t *to)
{
    *from = INT64_MAX;
    *to = INT64_MIN;
    for (size_t i = 0; i < rows.n; i++) {
        int64_t t = f->row[rows.at[i]].time_us;

        *from = t < *from ? t : *from;
        *to = t > *to ? t : *to;
    }
}

/* What the judged model says of the rows that it has not seen: for comparisons with others. */
static enum status take_validation(struct learned *out, struct lesson *l,
                                   const struct model *judged)
{
    size_t n = l->validation.n;
    uint32_t *row = NEW(l->a, uint32_t, n + 1);
    double *p = NEW(l->a, double, n + 1);
    struct model_view v;

    if (!row || !p)
        return STATUS_EXHAUSTED;
    TRY(model_view(&v, &l->scratch, judged, l->f));
    for (size_t i = 0; i < n; i++) {
        row[i] = l->validation.at[i];
        p[i] = model_probability(model_total_micro(&v, row[i]));
    }
    out->validation_row = row;
    out->validation_p = p;
    return STATUS_OK;
}

static enum status teach(struct learned *out, struct lesson *l)
{
    struct model judged;

    TRY(split(l));
    out->split = l->o.split;
    out->n_training = l->training.n;
    out->n_validation = l->validation.n;
    take_window(l->f, l->training, &out->training_from_us, &out->training_to_us);
    take_window(l->f, l->validation, &out->validation_from_us, &out->validation_to_us);
    TRY(compete(out, l, &judged));
    if (out->verdict != LEARN_LEARNED)
        return STATUS_OK;
    TRY(publish(out, l, &judged));
    TRY(take_validation(out, l, &judged));
    return learn_describe(out, l->a, &judged, &(struct learn_view){l->f, l->validation, l->asked});
}

static enum learn_verdict verdict_of(uint64_t n, uint64_t n_positive)
{
    if (n < LEARN_ROWS_LEAST)
        return LEARN_TOO_FEW_ROWS;
    if (n_positive < LEARN_OUTCOMES_LEAST || n - n_positive < LEARN_OUTCOMES_LEAST)
        return LEARN_TOO_FEW_OUTCOMES;
    return LEARN_LEARNED;
}

enum status model_learn(struct learned *out, struct arena *a, const struct frame *f,
                        const struct learn_options *options)
{
    struct lesson l = {.f = f, .o = *options, .a = a, .asked = options};
    enum status s;

    assert(options->n_folds <= FOLDS_MAX && options->n_folds != 1);
    assert(options->validation_share >= 0 && options->validation_share < 1);
    *out = (struct learned){.n_rows = f->n_rows};
    l.o.n_folds = options->n_folds    ? options->n_folds
                  : f->n_rows < LARGE ? FOLDS_SMALL
                                      : FOLDS_LARGE;
    l.o.validation_share = options->validation_share > 0 ? options->validation_share : SHARE;
    for (size_t i = 0; i < f->n_rows; i++)
        out->n_positive += f->row[i].label;
    out->verdict = verdict_of(out->n_rows, out->n_positive);
    if (out->verdict != LEARN_LEARNED)
        return STATUS_OK;
    arena_init(&l.scratch, (size_t)SCRATCH_MB << 20);
    s = teach(out, &l);
    arena_release(&l.scratch);
    if (s != STATUS_OK)
        *out = (struct learned){0};
    return s;
}
