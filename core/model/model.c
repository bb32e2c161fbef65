/* Both learners explain in columns; sources own runs of columns; the calibration scales all alike.
 */
#include "model/model.h"

#include <assert.h>

#include "model/explain.h"
#include "model/measure.h"
#include "model/numeric.h"

static const double BAND_Z = 1.6448536269514722; /* 90 %, two-sided */

/* Part of the linear margin in the whole. */
static double linear_part(const struct model *m)
{
    switch (m->kind) {
    case MODEL_LINEAR: return 1;
    case MODEL_TREES: return 0;
    case MODEL_BLEND: break;
    }
    return 0.5;
}

enum status model_view(struct model_view *out, struct arena *a, const struct model *m,
                       const struct frame *f)
{
    const struct encoder *e = &m->encoder;

    *out = (struct model_view){.model = m};
    out->linear = NEW(a, float, e->n_linear + 1);
    out->tree = NEW(a, float, e->n_tree + 1);
    out->share = NEW(a, double, e->n_tree + 1);
    if (!out->linear || !out->tree || !out->share)
        return STATUS_EXHAUSTED;
    return encoder_bind(&out->binding, a, e, f);
}

/* Encodes the row and gives its margin before calibration. */
static double margin_of(struct model_view *v, size_t row)
{
    const struct model *m = v->model;
    double part = linear_part(m), margin = 0;

    encoder_row(&v->binding, row, part > 0 ? v->linear : NULL, part < 1 ? v->tree : NULL);
    if (part > 0)
        margin += part * logistic_margin(&m->linear, v->linear);
    if (part < 1)
        margin += (1 - part) * trees_margin(&m->trees, v->tree, m->trees.n_trees);
    return margin;
}

int64_t model_total_micro(struct model_view *v, size_t row)
{
    return explain_micro(calibrate_apply(&v->model->calibration, margin_of(v, row)));
}

double model_probability(int64_t total_micro)
{
    return numeric_sigmoid((double)total_micro / MICRO);
}

void model_band(const struct model *m, double probability, double *low, double *high)
{
    uint32_t k = 0;

    *low = 0;
    *high = 1;
    if (m->n_bins == 0)
        return;
    while (k + 1 < m->n_bins && probability > m->bin[k].upto)
        k++;
    measure_wilson(m->bin[k].n_positive, m->bin[k].n, BAND_Z, low, high);
    *low = probability < *low ? probability : *low;
    *high = probability > *high ? probability : *high;
}

/* Adds beta (x - mean) of the linear part; returns the margin of the means. */
static double explain_linear(const struct model_view *v, double part, double *share)
{
    const struct model *m = v->model;
    double base = m->linear.intercept;

    for (size_t i = 0; i < m->encoder.n_sources; i++) {
        const struct encoder_source *s = &m->encoder.source[i];

        for (uint32_t k = s->linear_at; k < s->linear_at + s->n_linear; k++) {
            double mean = m->encoder.linear[k].mean;

            share[i] += part * m->linear.beta[k] * (v->linear[k] - mean);
            base += m->linear.beta[k] * mean;
        }
    }
    return base;
}

static double explain_trees(const struct model_view *v, double part, double *share)
{
    const struct model *m = v->model;

    for (size_t k = 0; k < m->encoder.n_tree; k++)
        v->share[k] = 0;
    trees_explain(&m->trees, v->tree, v->share);
    for (size_t i = 0; i < m->encoder.n_sources; i++) {
        const struct encoder_source *s = &m->encoder.source[i];

        for (uint32_t k = s->tree_at; k < s->tree_at + s->n_tree; k++)
            share[i] += part * v->share[k];
    }
    return m->trees.expected;
}

enum status model_predict(struct model_view *v, struct arena *a, size_t row, struct prediction *out)
{
    const struct model *m = v->model;
    const struct calibration *c = &m->calibration;
    size_t n = m->encoder.n_sources, n_parts = n + (c->n_knots > 0);
    double *share = NEW(a, double, n + 1), part = linear_part(m), base = 0, margin;
    int64_t *micro = NEW(a, int64_t, n + 1);

    *out = (struct prediction){0};
    if (!share || !micro)
        return STATUS_EXHAUSTED;
    margin = margin_of(v, row);
    if (part > 0)
        base += part * explain_linear(v, part, share);
    if (part < 1)
        base += (1 - part) * explain_trees(v, 1 - part, share);
    for (size_t i = 0; i < n; i++)
        share[i] *= c->slope;
    share[n] = calibrate_apply(c, margin) - calibrate_scale(c, margin);
    out->total_micro = explain_micro(calibrate_apply(c, margin));
    out->base_micro = explain_micro(calibrate_scale(c, base));
    if (n_parts == 0) /* a model of nothing but its base */
        out->base_micro = out->total_micro;
    TRY(explain_round(share, n_parts, out->total_micro - out->base_micro, a, micro));
    out->calibration_micro = c->n_knots > 0 ? micro[n] : 0;
    out->n_shares = n;
    out->share_micro = micro;
    out->probability = model_probability(out->total_micro);
    model_band(m, out->probability, &out->low, &out->high);
    return STATUS_OK;
}
