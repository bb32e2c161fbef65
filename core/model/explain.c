/* Largest remainder. */
#include "model/explain.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static const double MOST = 1e12; /* log-odds: over what any model that parses can say */

struct remainder {
    double size;
    size_t i;
};

static int by_size(const void *a, const void *b)
{
    const struct remainder *x = a, *y = b;

    if (x->size != y->size)
        return x->size < y->size ? 1 : -1;
    return (x->i > y->i) - (x->i < y->i);
}

int64_t explain_micro(double value)
{
    assert(fabs(value) <= MOST);
    return (int64_t)floor(value * MICRO + 0.5);
}

enum status explain_round(const double *share, size_t n, int64_t total, struct arena *scratch,
                          int64_t *out)
{
    struct remainder *r = NEW(scratch, struct remainder, n + 1);
    int64_t left = total;

    if (!r)
        return STATUS_EXHAUSTED;
    if (n == 0)
        return total == 0 ? STATUS_OK : STATUS_INVALID;
    for (size_t i = 0; i < n; i++) {
        double units = share[i] * MICRO, whole = floor(units);

        if (!(fabs(share[i]) <= MOST))
            return STATUS_INVALID;
        out[i] = (int64_t)whole;
        left -= out[i];
        r[i] = (struct remainder){units - whole, i};
    }
    qsort(r, n, sizeof *r, by_size);
    /* All take the whole part of what is left; the first ones the rest. 0 <= left < n is the rule.
     */
    int64_t each = left / (int64_t)n, rest = left % (int64_t)n;

    if (rest < 0) {
        rest += (int64_t)n;
        each--;
    }
    for (size_t k = 0; k < n; k++)
        out[r[k].i] += each + ((int64_t)k < rest);
    return STATUS_OK;
}
