/* Choosing by folds: each learner is fitted once per fold, and the rows left out judge all settings
 * at once - penalties along a warm-started path, tree counts along the sequence of trees. */
#include <assert.h>
#include <math.h>

#include "model/boost.h"
#include "model/learn_parts.h"
#include "model/numeric.h"

/* From strong to weak. */
static const double LAMBDA[LEARN_LAMBDAS] = {200, 50, 12, 3};
static const double TOLERANCE_PATH = 1e-3, TOLERANCE_FINAL = 1e-5;
enum { ROUNDS_PATH = 60, ROUNDS_FINAL = 300, FIT_BYTES = 1 << 30 };

/* Small steps, small trees, random parts: what is stable without early stopping. */
static const struct boost_options BOOST = {
    .depth = 4, .rate = 0.1, .row_share = 0.7, .column_share = 0.4, .child_weight = 5, .ridge = 5};

bool progress_step(void *progress, int permille)
{
    const struct progress *p = progress;
    const struct learn_options *o = p->options;

    return !o->go_on || o->go_on(o->arg, p->from + (p->to - p->from) * permille / 1000);
}

static enum status fill(struct design *d, struct arena *a)
{
    size_t n = d->rows.n, n_linear = d->encoder->n_linear, n_tree = d->encoder->n_tree;
    float *x = NEW(a, float, n_linear + 1);
    struct encoder_binding b;
    double positive = 0, total = 0;

    if (!x)
        return STATUS_EXHAUSTED;
    TRY(encoder_bind(&b, a, d->encoder, d->frame));
    for (size_t i = 0; i < n; i++) {
        const struct frame_row *row = &d->frame->row[d->rows.at[i]];

        encoder_row(&b, d->rows.at[i], x, d->tree + i * n_tree);
        for (size_t k = 0; k < n_linear; k++)
            d->linear[k * n + i] = x[k];
        d->label[i] = row->label;
        d->weight[i] = row->weight;
        positive += row->label * row->weight;
        total += row->weight;
    }
    d->base_rate = fmin(fmax(positive / total, 0.001), 0.999);
    return STATUS_OK;
}

enum status design_build(struct design *out, struct arena *a, const struct frame *f,
                         struct row_set rows, const struct encoder *e)
{
    *out = (struct design){.frame = f, .rows = rows, .encoder = e};
    out->linear = arena_take(a, rows.n * e->n_linear * sizeof(float) + 1);
    out->tree = arena_take(a, rows.n * e->n_tree * sizeof(float) + 1);
    out->label = NEW(a, uint8_t, rows.n + 1);
    out->weight = NEW(a, double, rows.n + 1);
    out->fold = NEW(a, uint8_t, rows.n + 1);
    if (!out->linear || !out->tree || !out->label || !out->weight || !out->fold)
        return STATUS_EXHAUSTED;
    return fill(out, a);
}

void design_cut_folds(struct design *d, uint64_t seed, uint32_t n_folds)
{
    for (size_t i = 0; i < d->rows.n; i++) {
        uint64_t h = numeric_hash(seed, d->frame->row[d->rows.at[i]].key);

        d->fold[i] = (uint8_t)((h >> 11) % n_folds);
    }
}

static double loss_of(const struct design *d, const double *margin)
{
    double sum = 0;

    for (size_t i = 0; i < d->rows.n; i++)
        sum += d->weight[i] * numeric_log1p_exp(d->label[i] ? -margin[i] : margin[i]);
    return sum;
}

/* One fold of one penalty: fits on the others from where m stands, writes margins of its rows. */
static enum status fit_fold(struct logistic *m, const struct design *d, uint32_t fold,
                            double lambda, double *out)
{
    size_t n = d->rows.n;
    struct arena a;
    enum status s = STATUS_EXHAUSTED;

    arena_init(&a, FIT_BYTES);
    double *weight = NEW(&a, double, n + 1), *margin = NEW(&a, double, n + 1);
    struct logistic_data data = {.x = d->linear,
                                 .n_rows = n,
                                 .n_columns = d->encoder->n_linear,
                                 .label = d->label,
                                 .weight = weight};

    if (!weight || !margin)
        goto out;
    for (size_t i = 0; i < n; i++)
        weight[i] = d->fold[i] == fold ? 0 : d->weight[i];
    s = logistic_fit(m, &a, &data, (struct logistic_options){lambda, TOLERANCE_PATH, ROUNDS_PATH});
    if (s != STATUS_OK)
        goto out;
    logistic_margins(m, &data, margin);
    for (size_t i = 0; i < n; i++)
        if (d->fold[i] == fold)
            out[i] = margin[i];
out:
    arena_release(&a);
    return s;
}

static enum status choose_linear(struct chosen *out, struct arena *a, const struct design *d,
                                 uint32_t n_folds)
{
    struct logistic m[FOLDS_MAX];
    double *margin = NEW(a, double, d->rows.n + 1), best = HUGE_VAL;

    if (!margin)
        return STATUS_EXHAUSTED;
    for (uint32_t k = 0; k < n_folds; k++)
        TRY(logistic_init(&m[k], a, d->encoder->n_linear));
    for (size_t i = 0; i < LEARN_LAMBDAS; i++) {
        double loss;

        for (uint32_t k = 0; k < n_folds; k++)
            TRY(fit_fold(&m[k], d, k, LAMBDA[i], margin));
        loss = loss_of(d, margin);
        if (loss >= best)
            break; /* one valley: weaker penalties only overfit more */
        best = loss;
        out->lambda = LAMBDA[i];
        memcpy(out->linear, margin, d->rows.n * sizeof *margin);
    }
    return STATUS_OK;
}

/* Rows of d but those of one fold, copied for the library; fold n_folds and up: all. */
static enum status copy_rows(struct boost_data *out, struct arena *a, const struct design *d,
                             uint32_t fold)
{
    size_t n = d->rows.n, width = d->encoder->n_tree, used = 0;
    float *x = arena_take(a, n * width * sizeof *x + 1), *label = NEW(a, float, n + 1),
          *weight = NEW(a, float, n + 1);

    if (!x || !label || !weight)
        return STATUS_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        if (d->fold[i] == fold)
            continue;
        memcpy(x + used * width, d->tree + i * width, width * sizeof *x);
        label[used] = d->label[i];
        weight[used++] = (float)d->weight[i];
    }
    *out = (struct boost_data){
        .x = x, .n_rows = used, .n_columns = width, .label = label, .weight = weight};
    return STATUS_OK;
}

static enum status train(struct trees *out, struct arena *a, const struct design *d, uint32_t fold,
                         struct boost_options o)
{
    struct boost_data data;
    struct arena copy;
    enum status s;

    arena_init(&copy, FIT_BYTES);
    s = copy_rows(&data, &copy, d, fold);
    if (s == STATUS_OK)
        s = boost_train(out, a, &data, &o);
    arena_release(&copy);
    return s;
}

/* Margins of the rows of a fold after each LEARN_TREES_STEP trees; margin [LEARN_CHECKS][n]. */
static void check_fold(const struct trees *t, const struct design *d, uint32_t fold, double *margin)
{
    size_t n = d->rows.n;

    for (size_t i = 0; i < n; i++) {
        if (d->fold[i] != fold)
            continue;
        trees_sequence(t, d->tree + i * d->encoder->n_tree, LEARN_TREES_STEP, margin + i, n);
    }
}

static enum status choose_trees(struct chosen *out, struct arena *a, const struct design *d,
                                const struct learn_options *o)
{
    size_t n = d->rows.n;
    double *margin = NEW(a, double, LEARN_CHECKS *n + 1), best = HUGE_VAL;

    if (!margin)
        return STATUS_EXHAUSTED;
    for (uint32_t k = 0; k < o->n_folds; k++) {
        int width = 500 / (int)o->n_folds;
        struct progress p = {o, 100 + width * (int)k, 100 + width * (int)(k + 1)};
        struct boost_options b = BOOST;
        struct trees t;

        b.seed = o->seed;
        b.rounds = LEARN_CHECKS * LEARN_TREES_STEP;
        b.base_rate = d->base_rate;
        b.go_on = progress_step;
        b.arg = &p;
        TRY(train(&t, a, d, k, b));
        check_fold(&t, d, k, margin);
    }
    for (int i = 0; i < LEARN_CHECKS; i++) {
        double loss = loss_of(d, margin + (size_t)i * n);

        if (loss >= best)
            continue;
        best = loss;
        out->n_trees = (i + 1) * LEARN_TREES_STEP;
        memcpy(out->trees, margin + (size_t)i * n, n * sizeof *margin);
    }
    return STATUS_OK;
}

enum status learn_choose(struct chosen *out, struct arena *a, const struct design *d,
                         const struct learn_options *o)
{
    out->linear = NEW(a, double, d->rows.n + 1);
    out->trees = NEW(a, double, d->rows.n + 1);
    if (!out->linear || !out->trees)
        return STATUS_EXHAUSTED;
    TRY(choose_linear(out, a, d, o->n_folds));
    return choose_trees(out, a, d, o);
}

enum status learn_linear(struct logistic *out, struct arena *a, const struct design *d,
                         double lambda)
{
    struct logistic_data data = {.x = d->linear,
                                 .n_rows = d->rows.n,
                                 .n_columns = d->encoder->n_linear,
                                 .label = d->label,
                                 .weight = d->weight};
    struct arena scratch;
    enum status s;

    TRY(logistic_init(out, a, d->encoder->n_linear));
    arena_init(&scratch, FIT_BYTES);
    s = logistic_fit(out, &scratch, &data,
                     (struct logistic_options){lambda, TOLERANCE_FINAL, ROUNDS_FINAL});
    arena_release(&scratch);
    return s;
}

enum status learn_trees(struct trees *out, struct arena *a, const struct design *d, int n_trees,
                        const struct progress *p)
{
    struct progress step = *p;
    struct boost_options b = BOOST;

    b.seed = p->options->seed;
    b.rounds = n_trees;
    b.base_rate = d->base_rate;
    b.go_on = progress_step;
    b.arg = &step;
    return train(out, a, d, FOLDS_MAX, b);
}
