/* What the card says beside the figures: which sources matter, where calibration differs, what to
 * be careful about. */
#include <math.h>
#include <stdlib.h>

#include "model/explain.h"
#include "model/learn_parts.h"

static const double LEAK_AUC = 0.98, WEAK_AUC = 0.55, ECE_MUCH = 0.05, DRIFT = 1.5;
enum { EXPLAINED_MAX = 300, SEGMENT_LEAST = 30, SMALL = 500 };

static int by_importance(const void *a, const void *b)
{
    const struct learn_importance *x = a, *y = b;

    if (x->mean_abs_log_odds != y->mean_abs_log_odds)
        return x->mean_abs_log_odds < y->mean_abs_log_odds ? 1 : -1;
    return str_cmp(x->source, y->source);
}

static double coverage_of(const struct encoder_source *s)
{
    double n = 0;

    for (uint32_t k = 0; k < s->n_profile; k++)
        n += s->profile[k];
    return n > 0 ? 1 - s->profile[s->n_profile - 1] / n : 0;
}

/* Mean absolute contribution of each source of the published model over some validation rows. */
static enum status take_importance(struct learned *out, struct arena *a, const struct frame *f,
                                   struct row_set rows)
{
    const struct model *m = out->model;
    size_t step = rows.n / EXPLAINED_MAX + 1, n = 0;
    struct arena scratch;
    struct model_view v;
    enum status s;

    out->n_importance = m->encoder.n_sources;
    out->importance = NEW(a, struct learn_importance, out->n_importance + 1);
    if (!out->importance)
        return STATUS_EXHAUSTED;
    arena_init(&scratch, (size_t)64 << 20);
    s = model_view(&v, a, m, f);
    for (size_t i = 0; i < rows.n && s == STATUS_OK; i += step, n++) {
        struct prediction p;

        s = model_predict(&v, &scratch, rows.at[i], &p);
        for (size_t k = 0; k < p.n_shares; k++)
            out->importance[k].mean_abs_log_odds += fabs((double)p.share_micro[k]) / MICRO;
        arena_reset(&scratch);
    }
    arena_release(&scratch);
    for (size_t k = 0; k < out->n_importance; k++) {
        out->importance[k].source = m->encoder.source[k].name;
        out->importance[k].coverage = coverage_of(&m->encoder.source[k]);
        out->importance[k].mean_abs_log_odds /= n > 0 ? (double)n : 1;
    }
    qsort(out->importance, out->n_importance, sizeof *out->importance, by_importance);
    return s;
}

static int by_gap(const void *a, const void *b)
{
    const struct learn_segment *x = a, *y = b;
    int order;

    if (fabs(x->gap) != fabs(y->gap))
        return fabs(x->gap) < fabs(y->gap) ? 1 : -1;
    order = str_cmp(x->source, y->source);
    return order != 0 ? order : str_cmp(x->word, y->word);
}

struct sums {
    double predicted, observed;
    uint64_t n;
};

static void add_segments(struct learned *out, const struct encoder_source *s,
                         const struct sums *sum)
{
    for (uint32_t k = 0; k < s->n_words; k++) {
        if (sum[k].n < SEGMENT_LEAST)
            continue;
        out->segment[out->n_segments++] =
            (struct learn_segment){.source = s->name,
                                   .word = s->word[k],
                                   .n = sum[k].n,
                                   .gap = (sum[k].predicted - sum[k].observed) / (double)sum[k].n};
    }
}

static void add_to(struct sums *s, double predicted, uint8_t observed)
{
    s->predicted += predicted;
    s->observed += observed;
    s->n++;
}

/* The judged model goes, its texts must not. */
static enum status own_texts(struct learned *out, struct arena *a)
{
    for (size_t i = 0; i < out->n_segments; i++) {
        struct learn_segment *s = &out->segment[i];

        s->source = arena_str(a, s->source);
        s->word = arena_str(a, s->word);
        if (!s->source.p || !s->word.p)
            return STATUS_EXHAUSTED;
    }
    return STATUS_OK;
}

/* Of the model that has not seen the validation rows. */
static enum status take_segments(struct learned *out, struct arena *a, const struct model *judged,
                                 const struct frame *f, struct row_set rows)
{
    const struct encoder *e = &judged->encoder;
    double *p = NEW(a, double, rows.n + 1);
    struct model_view v;

    out->segment = NEW(a, struct learn_segment, e->n_tree + 1);
    if (!out->segment || !p)
        return STATUS_EXHAUSTED;
    TRY(model_view(&v, a, judged, f));
    for (size_t i = 0; i < rows.n; i++)
        p[i] = model_probability(model_total_micro(&v, rows.at[i]));
    for (size_t k = 0; k < e->n_sources; k++) {
        struct sums sum[ENCODER_PROFILE] = {{0}};

        if (e->source[k].kind != COLUMN_CATEGORY)
            continue;
        for (size_t i = 0; i < rows.n; i++)
            add_to(&sum[encoder_bin(&v.binding, rows.at[i], k)], p[i], f->row[rows.at[i]].label);
        add_segments(out, &e->source[k], sum);
    }
    qsort(out->segment, out->n_segments, sizeof *out->segment, by_gap);
    if (out->n_segments > SEGMENTS_MAX)
        out->n_segments = SEGMENTS_MAX;
    return own_texts(out, a);
}

static void warn(struct learned *out, const char *text)
{
    if (text && out->n_caveats < CAVEATS_MAX)
        out->caveat[out->n_caveats++] = text;
}

static void warn_figures(struct learned *out, struct arena *a)
{
    const struct measures *m = &out->candidate[out->chosen].validation;
    double rate = ((double)out->n_positive - (double)m->n_positive) /
                  (double)(out->n_rows > m->n ? out->n_rows - m->n : 1);

    if (m->auc > LEAK_AUC)
        warn(out, arena_printf(a,
                               "AUC %.3f is too good to be true: an input probably knows the "
                               "outcome; look at the most important ones first",
                               m->auc));
    if (m->auc_low < WEAK_AUC)
        warn(out, arena_printf(a, "the inputs tell little: AUC %.3f, 95 %% interval %.3f to %.3f",
                               m->auc, m->auc_low, m->auc_high));
    if (m->ece > ECE_MUCH)
        warn(out, arena_printf(a, "probabilities are off by %.3f on average on the validation part",
                               m->ece));
    if (rate > 0 && m->base_rate > 0 &&
        (m->base_rate / rate > DRIFT || rate / m->base_rate > DRIFT))
        warn(out, arena_printf(
                      a, "the outcome drifts: %.1f %% before the validation part, %.1f %% in it",
                      100 * rate, 100 * m->base_rate));
}

static void warn_data(struct learned *out, struct arena *a, const struct learn_options *asked,
                      const struct frame *f)
{
    uint64_t n_odd = 0;

    for (size_t i = 0; i < f->n_columns; i++)
        n_odd += f->column[i].n_odd;
    if (out->n_rows < SMALL)
        warn(out,
             arena_printf(a, "learned from %llu cases only: expect wide swings between versions",
                          (unsigned long long)out->n_rows));
    if (asked->split != out->split)
        warn(out, "the latest part had too few outcomes: judged on a random part instead");
    if (n_odd > 0)
        warn(out, arena_printf(a, "%llu values were no finite numbers and count as missing",
                               (unsigned long long)n_odd));
}

enum status learn_describe(struct learned *out, struct arena *a, const struct model *judged,
                           const struct learn_view *view)
{
    TRY(take_importance(out, a, view->frame, view->validation));
    TRY(take_segments(out, a, judged, view->frame, view->validation));
    warn_figures(out, a);
    warn_data(out, a, view->asked, view->frame);
    return STATUS_OK;
}
