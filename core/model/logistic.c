/* L-BFGS over columns: a product with X or its transpose is one pass per column, which compilers
 * vectorise without reordering a sum. */
#include "model/logistic.h"

#include <assert.h>
#include <math.h>

#include "model/numeric.h"

enum { MEMORY = 8, HALVINGS_MAX = 30 };

/* One run of the optimiser; vectors of n = columns + 1 have the intercept last. */
struct run {
    const struct logistic_data *d;
    double lambda, total_weight;
    size_t n;
    double *theta, *gradient, *direction, *theta_old, *gradient_old; /* [n] */
    double *margin, *slope, *residual;                               /* [n_rows] */
    double *s[MEMORY], *y[MEMORY], rho[MEMORY];                      /* newest first */
    int n_kept;
};

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* out = X v + v[n - 1] */
static void multiply(const struct logistic_data *d, const double *v, double *out)
{
    for (size_t i = 0; i < d->n_rows; i++)
        out[i] = v[d->n_columns];
    for (size_t k = 0; k < d->n_columns; k++) {
        const float *x = d->x + k * d->n_rows;
        double c = v[k];

        if (c == 0)
            continue;
        for (size_t i = 0; i < d->n_rows; i++)
            out[i] += c * x[i];
    }
}

static double loss_of(const struct run *r, const double *margin, const double *theta)
{
    const struct logistic_data *d = r->d;
    double sum = 0;

    for (size_t i = 0; i < d->n_rows; i++)
        if (d->weight[i] > 0)
            sum += d->weight[i] * numeric_log1p_exp(d->label[i] ? -margin[i] : margin[i]);
    return sum + r->lambda / 2 * dot(theta, theta, d->n_columns);
}

static void take_gradient(struct run *r)
{
    const struct logistic_data *d = r->d;
    double sum = 0;

    for (size_t i = 0; i < d->n_rows; i++) {
        r->residual[i] =
            d->weight[i] > 0 ? d->weight[i] * (numeric_sigmoid(r->margin[i]) - d->label[i]) : 0;
        sum += r->residual[i];
    }
    for (size_t k = 0; k < d->n_columns; k++)
        r->gradient[k] =
            numeric_dot(d->x + k * d->n_rows, r->residual, d->n_rows) + r->lambda * r->theta[k];
    r->gradient[d->n_columns] = sum;
}

/* direction = -H gradient by the two loops over what is kept. */
static void take_direction(struct run *r)
{
    double alpha[MEMORY] = {0}, *q = r->direction;

    for (size_t i = 0; i < r->n; i++)
        q[i] = -r->gradient[i];
    for (int k = 0; k < r->n_kept; k++) {
        alpha[k] = r->rho[k] * dot(r->s[k], q, r->n);
        for (size_t i = 0; i < r->n; i++)
            q[i] -= alpha[k] * r->y[k][i];
    }
    if (r->n_kept > 0) {
        double scale = 1 / (r->rho[0] * dot(r->y[0], r->y[0], r->n));

        for (size_t i = 0; i < r->n; i++)
            q[i] *= scale;
    } else { /* of the order of a curvature of w / 4 per unit */
        for (size_t i = 0; i < r->n; i++)
            q[i] *= 4 / (r->total_weight + r->lambda);
    }
    for (int k = r->n_kept - 1; k >= 0; k--) {
        double beta = r->rho[k] * dot(r->y[k], q, r->n);

        for (size_t i = 0; i < r->n; i++)
            q[i] += (alpha[k] - beta) * r->s[k][i];
    }
}

/* Keeps the last step for later directions; drops it where the curvature is not positive. */
static void keep_step(struct run *r)
{
    double *s = r->s[MEMORY - 1], *y = r->y[MEMORY - 1], curvature;

    for (size_t i = 0; i < r->n; i++) {
        s[i] = r->theta[i] - r->theta_old[i];
        y[i] = r->gradient[i] - r->gradient_old[i];
    }
    curvature = dot(s, y, r->n);
    if (!(curvature > 1e-12 * dot(y, y, r->n)))
        return;
    for (int k = MEMORY - 1; k > 0; k--) {
        r->s[k] = r->s[k - 1];
        r->y[k] = r->y[k - 1];
        r->rho[k] = r->rho[k - 1];
    }
    r->s[0] = s;
    r->y[0] = y;
    r->rho[0] = 1 / curvature;
    r->n_kept += r->n_kept < MEMORY;
}

/* Backtracks until the loss falls enough (Armijo). False: it cannot fall further. */
static bool step(struct run *r, double *loss)
{
    double fall = dot(r->gradient, r->direction, r->n), t = 1, *trial = r->residual;

    if (!(fall < 0))
        return false;
    multiply(r->d, r->direction, r->slope);
    memcpy(r->theta_old, r->theta, r->n * sizeof *r->theta);
    memcpy(r->gradient_old, r->gradient, r->n * sizeof *r->gradient);
    for (int k = 0; k < HALVINGS_MAX; k++) {
        double now;

        for (size_t i = 0; i < r->n; i++)
            r->theta[i] = r->theta_old[i] + t * r->direction[i];
        for (size_t i = 0; i < r->d->n_rows; i++)
            trial[i] = r->margin[i] + t * r->slope[i];
        now = loss_of(r, trial, r->theta);
        if (now <= *loss + 1e-4 * t * fall) {
            *loss = now;
            memcpy(r->margin, trial, r->d->n_rows * sizeof *trial);
            return true;
        }
        t /= 2;
    }
    memcpy(r->theta, r->theta_old, r->n * sizeof *r->theta);
    return false;
}

static double *take(struct arena *a, size_t n, bool *ok)
{
    double *p = NEW(a, double, n + 1);

    *ok = *ok && p;
    return p;
}

static enum status run_init(struct run *r, struct arena *a)
{
    size_t n = r->n, m = r->d->n_rows;
    bool ok = true;

    r->theta = take(a, n, &ok);
    r->gradient = take(a, n, &ok);
    r->direction = take(a, n, &ok);
    r->theta_old = take(a, n, &ok);
    r->gradient_old = take(a, n, &ok);
    r->margin = take(a, m, &ok);
    r->slope = take(a, m, &ok);
    r->residual = take(a, m, &ok);
    for (int k = 0; k < MEMORY; k++) {
        r->s[k] = take(a, n, &ok);
        r->y[k] = take(a, n, &ok);
    }
    for (size_t i = 0; i < m; i++)
        r->total_weight += r->d->weight[i];
    return ok ? STATUS_OK : STATUS_EXHAUSTED;
}

static double steepest(const struct run *r)
{
    double most = 0;

    for (size_t i = 0; i < r->n; i++)
        most = fmax(most, fabs(r->gradient[i]));
    return most;
}

enum status logistic_init(struct logistic *m, struct arena *a, size_t n_columns)
{
    *m = (struct logistic){.n = n_columns, .beta = NEW(a, double, n_columns + 1)};
    return m->beta ? STATUS_OK : STATUS_EXHAUSTED;
}

enum status logistic_fit(struct logistic *m, struct arena *scratch, const struct logistic_data *d,
                         struct logistic_options options)
{
    struct run r = {.d = d, .lambda = options.lambda, .n = d->n_columns + 1};
    double loss;

    assert(m->n == d->n_columns);
    assert(options.lambda > 0);
    TRY(run_init(&r, scratch));
    if (m->n > 0)
        memcpy(r.theta, m->beta, m->n * sizeof *m->beta);
    r.theta[m->n] = m->intercept;
    multiply(d, r.theta, r.margin);
    loss = loss_of(&r, r.margin, r.theta);
    take_gradient(&r);
    for (int k = 0; k < options.rounds_max; k++) {
        if (steepest(&r) <= options.tolerance * r.total_weight)
            break;
        take_direction(&r);
        if (!step(&r, &loss))
            break;
        take_gradient(&r);
        keep_step(&r);
    }
    if (m->n > 0)
        memcpy(m->beta, r.theta, m->n * sizeof *m->beta);
    m->intercept = r.theta[m->n];
    return STATUS_OK;
}

void logistic_margins(const struct logistic *m, const struct logistic_data *d, double *out)
{
    for (size_t i = 0; i < d->n_rows; i++)
        out[i] = m->intercept;
    for (size_t k = 0; k < d->n_columns; k++)
        for (size_t i = 0; i < d->n_rows; i++)
            out[i] += m->beta[k] * d->x[k * d->n_rows + i];
}

double logistic_margin(const struct logistic *m, const float *x)
{
    return m->intercept + numeric_dot(x, m->beta, m->n);
}
