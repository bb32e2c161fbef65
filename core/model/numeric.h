/*
 * numeric: the few functions whose last bit must not depend on the compiler, the C library or the
 * processor, because a decision is replayed byte for byte on another machine.
 *
 * glibc chooses its exp and log by processor (with or without fused multiply-add), so their last
 * bit may differ between hosts. These use + - * / only, which IEEE 754 fixes; the folder is
 * compiled with -ffp-contract=off. Within 2 ulp of the true value (tests/model/test_numeric.c).
 */
#ifndef MODEL_NUMERIC_H
#define MODEL_NUMERIC_H

#include <stddef.h>
#include <stdint.h>

/* e^x; 0 below -745, infinity above 709.7. */
double numeric_exp(double x);

/* Natural logarithm of a normal number x > 0. */
double numeric_log(double x);

/* 1 / (1 + e^-x), in (0, 1) for |x| <= 36. */
double numeric_sigmoid(double x);

/* ln(p / (1 - p)), p in (0, 1). */
double numeric_logit(double p);

/* ln(1 + e^x) without overflow: the log loss of a margin. */
double numeric_log1p_exp(double x);

/* Sum of x[i] * y[i] over eight lanes, added in a fixed order. */
double numeric_dot(const float *x, const double *y, size_t n);

/* splitmix64 of (seed, value): for hash splits and as a generator over a counter. */
uint64_t numeric_hash(uint64_t seed, uint64_t value);

/* FNV-1a over bytes; a key for splits out of any text. */
uint64_t numeric_hash_bytes(const void *p, size_t n);

#endif
