/* One sort by probability; every figure is a pass over runs of equal probabilities. */
#include "model/measure.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "model/numeric.h"

static const double CLIP = 1e-6;

struct ranked {
    double p;
    uint32_t weight; /* times drawn; 1 but in a bootstrap */
    uint32_t label;
};

static int by_p(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->p != y->p)
        return x->p < y->p ? -1 : 1;
    return (x->label > y->label) - (x->label < y->label);
}

static struct ranked *rank(struct arena *a, const struct measure_data *d)
{
    struct ranked *r = NEW(a, struct ranked, d->n + 1);

    for (size_t i = 0; r && i < d->n; i++)
        r[i] = (struct ranked){d->p[i], 1, d->label[i]};
    if (r)
        qsort(r, d->n, sizeof *r, by_p);
    return r;
}

/* Rows [from, end) share a probability; returns end. */
static size_t run_end(const struct ranked *r, size_t n, size_t from)
{
    size_t end = from;

    while (end < n && r[end].p == r[from].p)
        end++;
    return end;
}

/* Counts of a run. */
static void tally(const struct ranked *r, size_t from, size_t end, double *n, double *positive)
{
    *n = *positive = 0;
    for (size_t i = from; i < end; i++) {
        *n += r[i].weight;
        *positive += (double)r[i].weight * r[i].label;
    }
}

static double auc_of(const struct ranked *r, size_t n)
{
    double below = 0, pairs = 0, positives = 0;

    for (size_t i = 0, end; i < n; i = end) {
        double all, positive;

        end = run_end(r, n, i);
        tally(r, i, end, &all, &positive);
        pairs += positive * (below + (all - positive) / 2);
        below += all - positive;
        positives += positive;
    }
    return positives > 0 && below > 0 ? pairs / (positives * below) : 0.5;
}

static size_t run_start(const struct ranked *r, size_t end)
{
    size_t from = end;

    while (from > 0 && r[from - 1].p == r[end - 1].p)
        from--;
    return from;
}

/* From the best down. */
static void take_top(struct measures *m, const struct ranked *r, size_t n)
{
    double seen = 0, hit = 0, precision = 0, top = 0.2 * (double)n, top_hit = 0;
    double positives = (double)m->n_positive;

    for (size_t end = n; end > 0;) {
        size_t from = run_start(r, end);
        double all, positive;

        tally(r, from, end, &all, &positive);
        if (seen < top)
            top_hit += positive * fmin(1, (top - seen) / all);
        seen += all;
        hit += positive;
        precision += positive * hit / seen;
        end = from;
    }
    m->pr_auc = positives > 0 ? precision / positives : 0;
    m->lift20 = positives > 0 ? top_hit / top / m->base_rate : 0;
}

static void close_bin(struct measures *m, struct measure_bin *b)
{
    double n = (double)b->n;

    b->predicted /= n;
    b->observed = (double)b->n_positive / n;
    m->ece += n / (double)m->n * fabs(b->predicted - b->observed);
    m->bin[m->n_bins++] = *b;
    *b = (struct measure_bin){0};
}

static void take_bins(struct measures *m, const struct ranked *r, size_t n)
{
    struct measure_bin b = {0};
    size_t edge = 1; /* of MODEL_BINS; a run over several edges fills one bin */

    for (size_t i = 0, end; i < n; i = end) {
        end = run_end(r, n, i);
        for (size_t k = i; k < end; k++) {
            b.predicted += r[k].p;
            b.n_positive += r[k].label;
            b.n++;
        }
        b.upto = r[i].p;
        if (end < n && end * MODEL_BINS < edge * n)
            continue;
        close_bin(m, &b);
        edge = end * MODEL_BINS / n + 1;
    }
}

enum status measure(struct measures *out, struct arena *scratch, const struct measure_data *d)
{
    struct ranked *r = rank(scratch, d);
    double brier = 0, loss = 0, n = (double)d->n;

    *out = (struct measures){.n = d->n, .auc = 0.5, .auc_low = 0.5, .auc_high = 0.5};
    if (!r)
        return STATUS_EXHAUSTED;
    if (d->n == 0)
        return STATUS_OK;
    for (size_t i = 0; i < d->n; i++) {
        double p = d->p[i], held = fmin(fmax(p, CLIP), 1 - CLIP);

        brier += (p - d->label[i]) * (p - d->label[i]);
        loss -= numeric_log(d->label[i] ? held : 1 - held);
        out->n_positive += d->label[i];
    }
    out->base_rate = (double)out->n_positive / n;
    out->brier = brier / n;
    out->log_loss = loss / n;
    out->auc = out->auc_low = out->auc_high = auc_of(r, d->n);
    take_top(out, r, d->n);
    take_bins(out, r, d->n);
    return STATUS_OK;
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

enum status measure_auc_interval(struct measures *m, struct arena *scratch,
                                 const struct measure_data *d, uint64_t seed, int rounds)
{
    struct ranked *r = rank(scratch, d);
    double *auc = NEW(scratch, double, (size_t)rounds + 1);
    uint64_t counter = 0;

    assert(rounds > 0);
    if (!r || !auc)
        return STATUS_EXHAUSTED;
    if (d->n == 0)
        return STATUS_OK;
    for (int k = 0; k < rounds; k++) {
        for (size_t i = 0; i < d->n; i++)
            r[i].weight = 0;
        for (size_t i = 0; i < d->n; i++)
            r[numeric_hash(seed, counter++) % d->n].weight++;
        auc[k] = auc_of(r, d->n);
    }
    qsort(auc, (size_t)rounds, sizeof *auc, by_number);
    m->auc_low = auc[(size_t)(0.025 * (rounds - 1) + 0.5)];
    m->auc_high = auc[(size_t)(0.975 * (rounds - 1) + 0.5)];
    return STATUS_OK;
}

void measure_wilson(uint64_t k, uint64_t n, double z, double *low, double *high)
{
    double m = (double)n, p = n ? (double)k / m : 0, z2 = z * z;
    double middle = (p + z2 / (2 * m)) / (1 + z2 / m);
    double half = z * sqrt(p * (1 - p) / m + z2 / (4 * m * m)) / (1 + z2 / m);

    *low = n ? fmax(0, middle - half) : 0;
    *high = n ? fmin(1, middle + half) : 1;
}
