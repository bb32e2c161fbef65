/* Elementary functions from + - * / alone: argument reduction, then a series long enough that its
 * next term is below half an ulp. */
#include "model/numeric.h"

#include <assert.h>
#include <math.h>

/* ln 2 in two parts: the first has 21 trailing zero bits, so that k * LN2_HIGH is exact. */
static const double LN2_HIGH = 6.93147180369123816490e-01;
static const double LN2_LOW = 1.90821492927058770002e-10;
static const double LN2_INVERSE = 1.44269504088896338700;

double numeric_exp(double x)
{
    double r, term = 1;
    int k;

    if (isnan(x))
        return x;
    if (x > 709.7)
        return HUGE_VAL;
    if (x < -745)
        return 0;
    k = (int)(x * LN2_INVERSE + (x < 0 ? -0.5 : 0.5));
    r = (x - k * LN2_HIGH) - k * LN2_LOW;
    for (int i = 14; i > 0; i--) /* |r| <= 0.347: r^15 / 15! < 2^-63 */
        term = 1 + r * term / i;
    return ldexp(term, k);
}

double numeric_log(double x)
{
    int k;
    double m, s, s2, sum = 0;

    assert(isnormal(x));
    m = frexp(x, &k); /* [0.5, 1) */
    if (m < 0.70710678118654752440) {
        m *= 2;
        k--;
    }
    s = (m - 1) / (m + 1); /* |s| <= 0.1716 */
    s2 = s * s;
    for (int i = 21; i >= 3; i -= 2)
        sum = s2 * (1.0 / i + sum);
    return k * LN2_HIGH + (2 * s + (2 * s * sum + k * LN2_LOW));
}

double numeric_sigmoid(double x)
{
    double e = numeric_exp(x < 0 ? x : -x);

    return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

double numeric_logit(double p)
{
    assert(p > 0 && p < 1);
    return numeric_log(p) - numeric_log(1 - p);
}

double numeric_log1p_exp(double x)
{
    double e;

    if (x > 36)
        return x;
    if (x < -36)
        return numeric_exp(x);
    e = numeric_exp(x);
    return numeric_log(1 + e);
}

double numeric_dot(const float *x, const double *y, size_t n)
{
    enum { LANES = 8 };
    double lane[LANES] = {0}, sum = 0;
    size_t i = 0;

    for (; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            lane[k] += x[i + k] * y[i + k];
    for (size_t k = 0; i < n; i++, k++)
        lane[k] += x[i] * y[i];
    for (size_t k = 0; k < LANES; k++)
        sum += lane[k];
    return sum;
}

uint64_t numeric_hash(uint64_t seed, uint64_t value)
{
    uint64_t z = seed * UINT64_C(0xD1342543DE82EF95) + value + UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint64_t numeric_hash_bytes(const void *p, size_t n)
{
    const unsigned char *at = p;
    uint64_t h = UINT64_C(0xCBF29CE484222325);

    for (size_t i = 0; i < n; i++)
        h = (h ^ at[i]) * UINT64_C(0x100000001B3);
    return h;
}
