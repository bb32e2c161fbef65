/* XGBoost's C API: dense matrix in, trees out. */
#include "model/boost.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <xgboost/c_api.h>

#include "model/numeric.h"
#include "model/ubj.h"

/* The library shares state between boosters (log, error text, random engine of a thread), and two
 * trainings at once would only take each other's core. Guards calls into the library. */
static pthread_mutex_t library = PTHREAD_MUTEX_INITIALIZER;

static _Thread_local char last_error[256];

const char *boost_last_error(void)
{
    return last_error;
}

static enum status library_failed(void)
{
    (void)snprintf(last_error, sizeof last_error, "%.255s", XGBGetLastError());
    return STATUS_INTERNAL;
}

static void drop_line(const char *line)
{
    (void)line;
}

static bool set(BoosterHandle h, const char *name, const char *value)
{
    return XGBoosterSetParam(h, name, value) == 0;
}

static bool set_number(BoosterHandle h, const char *name, double value)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%.9g", value);
    return set(h, name, text);
}

static bool set_options(BoosterHandle h, const struct boost_options *o)
{
    char seed[24];

    (void)snprintf(seed, sizeof seed, "%u", (unsigned)(o->seed & 0x7FFFFFFF));
    return set(h, "verbosity", "0") && set(h, "nthread", "1") && set(h, "booster", "gbtree") &&
           set(h, "objective", "binary:logistic") && set(h, "tree_method", "hist") &&
           set(h, "max_bin", "32") && set(h, "seed", seed) &&
           set_number(h, "base_score", o->base_rate) && set_number(h, "max_depth", o->depth) &&
           set_number(h, "eta", o->rate) && set_number(h, "subsample", o->row_share) &&
           set_number(h, "colsample_bytree", o->column_share) &&
           set_number(h, "min_child_weight", o->child_weight) && set_number(h, "lambda", o->ridge);
}

static enum status run_rounds(BoosterHandle h, DMatrixHandle m, const struct boost_options *o)
{
    for (int i = 0; i < o->rounds; i++) {
        if (o->go_on && !o->go_on(o->arg, 1000 * i / o->rounds))
            return STATUS_CANCELLED;
        if (XGBoosterUpdateOneIter(h, i, m) != 0)
            return library_failed();
    }
    return STATUS_OK;
}

static enum status take_trees(struct trees *out, struct arena *a, BoosterHandle h)
{
    const char *bytes;
    bst_ulong n;
    enum status s;

    if (XGBoosterSaveModelToBuffer(h, "{\"format\":\"ubj\"}", &n, &bytes) != 0)
        return library_failed();
    s = ubj_read_trees(out, a, (str){bytes, n});
    if (s == STATUS_OK)
        s = trees_link(out, a);
    if (s != STATUS_INVALID)
        return s;
    (void)snprintf(last_error, sizeof last_error, "the model written by XGBoost is not understood");
    return STATUS_INTERNAL;
}

static enum status train_locked(struct trees *out, struct arena *a, const struct boost_data *d,
                                const struct boost_options *o)
{
    DMatrixHandle m = NULL;
    BoosterHandle h = NULL;
    enum status s;

    if (XGBRegisterLogCallback(drop_line) != 0 ||
        XGDMatrixCreateFromMat_omp(d->x, d->n_rows, d->n_columns, NAN, &m, 1) != 0 ||
        XGDMatrixSetFloatInfo(m, "label", d->label, d->n_rows) != 0 ||
        XGDMatrixSetFloatInfo(m, "weight", d->weight, d->n_rows) != 0 ||
        XGBoosterCreate(&m, 1, &h) != 0 || !set_options(h, o)) {
        s = library_failed();
        goto out;
    }
    s = run_rounds(h, m, o);
    if (s == STATUS_OK)
        s = take_trees(out, a, h);
out:
    if (h)
        (void)XGBoosterFree(h);
    if (m)
        (void)XGDMatrixFree(m);
    return s;
}

enum status boost_train(struct trees *out, struct arena *a, const struct boost_data *d,
                        const struct boost_options *options)
{
    enum status s;

    assert(options->rounds > 0 && options->rounds <= TREES_MAX);
    assert(options->depth > 0 && options->depth <= TREE_DEPTH_MAX);
    *out = (struct trees){.n_columns = d->n_columns, .base = numeric_logit(options->base_rate)};
    if (d->n_columns == 0)
        return trees_link(out, a);
    (void)pthread_mutex_lock(&library);
    s = train_locked(out, a, d, options);
    (void)pthread_mutex_unlock(&library);
    if (s != STATUS_OK)
        *out = (struct trees){0};
    return s;
}

enum status boost_warm_up(void)
{
    enum { ROWS = 4 };
    static const float X[ROWS] = {0, 1, 2, 3}, LABEL[ROWS] = {0, 0, 1, 1},
                       WEIGHT[ROWS] = {1, 1, 1, 1};
    struct boost_data d = {
        .x = X, .n_rows = ROWS, .n_columns = 1, .label = LABEL, .weight = WEIGHT};
    struct boost_options o = {.rounds = 1,
                              .depth = 1,
                              .rate = 1,
                              .row_share = 1,
                              .column_share = 1,
                              .child_weight = 0,
                              .ridge = 1,
                              .base_rate = 0.5};
    struct arena a;
    struct trees t;
    enum status s;

    arena_init(&a, 1 << 20);
    s = boost_train(&t, &a, &d, &o);
    arena_release(&a);
    return s == STATUS_OK ? STATUS_OK : STATUS_UNAVAILABLE;
}
