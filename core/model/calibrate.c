/* Two-parameter Newton for the affine map; pooled blocks for the monotone one. */
#include "model/calibrate.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "model/numeric.h"

static const double SLOPE_FORCE = 20, SLOPE_LEAST = 0.05, SLOPE_MOST = 20, SHIFT_MOST = 50;
enum { ROUNDS = 50 };

static double clip(double v, double low, double high)
{
    return v < low ? low : v > high ? high : v;
}

struct calibration calibrate_affine(const struct calibrate_data *d)
{
    struct calibration c = {.slope = 1};

    for (int round = 0; round < ROUNDS; round++) {
        double ga = SLOPE_FORCE * (c.slope - 1), gb = 0, haa = SLOPE_FORCE, hab = 0, hbb = 1e-9;

        for (size_t i = 0; i < d->n; i++) {
            double m = d->margin[i], p = numeric_sigmoid(c.slope * m + c.shift);
            double r = d->weight[i] * (p - d->label[i]), h = d->weight[i] * p * (1 - p);

            ga += r * m;
            gb += r;
            haa += h * m * m;
            hab += h * m;
            hbb += h;
        }
        double det = haa * hbb - hab * hab;
        double da = (hbb * ga - hab * gb) / det, db = (haa * gb - hab * ga) / det;

        if (!(det > 0) || !isfinite(da) || !isfinite(db))
            break;
        c.slope = clip(c.slope - clip(da, -1, 1), SLOPE_LEAST, SLOPE_MOST);
        c.shift = clip(c.shift - clip(db, -2, 2), -SHIFT_MOST, SHIFT_MOST);
        if (fabs(da) < 1e-10 && fabs(db) < 1e-10)
            break;
    }
    return c;
}

enum status calibrate_pav(double *y, const double *weight, size_t n, struct arena *scratch)
{
    double *mean = NEW(scratch, double, n + 1), *mass = NEW(scratch, double, n + 1);
    size_t *size = NEW(scratch, size_t, n + 1), n_blocks = 0, at = 0;

    if (!mean || !mass || !size)
        return STATUS_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        mean[n_blocks] = y[i];
        mass[n_blocks] = weight[i];
        size[n_blocks++] = 1;
        while (n_blocks > 1 && mean[n_blocks - 2] >= mean[n_blocks - 1]) {
            size_t b = n_blocks - 2;
            double sum = mass[b] + mass[b + 1];

            mean[b] = (mean[b] * mass[b] + mean[b + 1] * mass[b + 1]) / sum;
            mass[b] = sum;
            size[b] += size[b + 1];
            n_blocks--;
        }
    }
    for (size_t b = 0; b < n_blocks; b++)
        for (size_t k = 0; k < size[b]; k++)
            y[at++] = mean[b];
    return STATUS_OK;
}

struct point {
    double x, y, weight;
};

static int by_x(const void *a, const void *b)
{
    const struct point *p = a, *q = b;

    if (p->x != q->x)
        return p->x < q->x ? -1 : 1;
    return (p->y > q->y) - (p->y < q->y);
}

/* Consecutive points with one fitted value are one block; small blocks join the next. */
static void take_knots(struct calibration *c, const struct point *p, const double *fitted, size_t n,
                       size_t min_block)
{
    double x = 0, y = 0, w = 0;
    size_t count = 0;

    c->n_knots = 0;
    for (size_t i = 0; i < n && c->n_knots < KNOTS_MAX; i++) {
        x += p[i].weight * p[i].x;
        y += p[i].weight * p[i].y;
        w += p[i].weight;
        count++;
        if (count < min_block || (i + 1 < n && fitted[i + 1] == fitted[i]))
            continue;
        double rate = (y + 0.5) / (w + 1), at = x / w, to = numeric_logit(rate);
        uint32_t k = c->n_knots;

        if (k == 0 || (at > c->x[k - 1] && to > c->y[k - 1])) {
            c->x[k] = at;
            c->y[k] = to;
            c->n_knots++;
        }
        x = y = w = 0;
        count = 0;
    }
    if (c->n_knots < 2)
        c->n_knots = 0;
}

enum status calibrate_monotone(struct calibration *c, struct arena *scratch,
                               const struct calibrate_data *d, size_t min_block)
{
    struct point *p = NEW(scratch, struct point, d->n + 1);
    double *y = NEW(scratch, double, 2 * d->n + 2), *weight = y ? y + d->n : NULL;
    size_t n = 0;

    if (!p || !y)
        return STATUS_EXHAUSTED;
    for (size_t i = 0; i < d->n; i++)
        if (d->weight[i] > 0)
            p[n++] = (struct point){calibrate_scale(c, d->margin[i]), d->label[i], d->weight[i]};
    qsort(p, n, sizeof *p, by_x);
    for (size_t i = 0; i < n; i++) {
        y[i] = p[i].y;
        weight[i] = p[i].weight;
    }
    TRY(calibrate_pav(y, weight, n, scratch));
    if (min_block < n / KNOTS_MAX + 1)
        min_block = n / KNOTS_MAX + 1;
    take_knots(c, p, y, n, min_block);
    return STATUS_OK;
}

double calibrate_scale(const struct calibration *c, double margin)
{
    return c->slope * margin + c->shift;
}

double calibrate_apply(const struct calibration *c, double margin)
{
    double v = calibrate_scale(c, margin);
    uint32_t n = c->n_knots, k = 1;

    if (n == 0)
        return v;
    if (v <= c->x[0])
        return c->y[0] + (v - c->x[0]);
    if (v >= c->x[n - 1])
        return c->y[n - 1] + (v - c->x[n - 1]);
    while (c->x[k] < v)
        k++;
    return c->y[k - 1] + (c->y[k] - c->y[k - 1]) * (v - c->x[k - 1]) / (c->x[k] - c->x[k - 1]);
}

bool calibrate_valid(const struct calibration *c)
{
    if (!(c->slope >= SLOPE_LEAST && c->slope <= SLOPE_MOST) || !(fabs(c->shift) <= SHIFT_MOST) ||
        c->n_knots > KNOTS_MAX || c->n_knots == 1)
        return false;
    for (uint32_t k = 0; k < c->n_knots; k++)
        if (!(fabs(c->x[k]) <= 1e6) || !(fabs(c->y[k]) <= 1e6) ||
            (k > 0 && !(c->x[k] > c->x[k - 1] && c->y[k] >= c->y[k - 1])))
            return false;
    return true;
}
