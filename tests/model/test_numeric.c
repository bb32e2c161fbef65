/* Elementary functions against libm; logistic regression against closed forms; frames and encoders.
 */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>

#include "model/encoder.h"
#include "model/logistic.h"
#include "model/numeric.h"

static struct arena arena;

static void open_arena(void)
{
    arena_init(&arena, (size_t)64 << 20);
}

static void close_arena(void)
{
    arena_release(&arena);
}

TestSuite(numeric, .init = open_arena, .fini = close_arena);

static double ulps(double a, double b)
{
    return fabs(a - b) / (fmax(fabs(b), DBL_MIN) * DBL_EPSILON);
}

Test(numeric, exp_and_log_are_within_two_ulp)
{
    for (int i = -700000; i <= 700000; i += 37) {
        double v = i / 1000.0;

        cr_assert_leq(ulps(numeric_exp(v), exp(v)), 2, "exp %g", v);
    }
    for (uint64_t i = 0; i < 100000; i++) {
        double v = exp(400 * ((double)(numeric_hash(1, i) >> 11) * 0x1p-53 - 0.5));

        cr_assert_leq(ulps(numeric_log(v), log(v)), 2, "log %g", v);
    }
    cr_assert(numeric_exp(0) == 1 && numeric_log(1) == 0);
    cr_assert(numeric_exp(-800) == 0 && isinf(numeric_exp(800)) && isnan(numeric_exp(NAN)));
    cr_assert_float_eq(numeric_sigmoid(numeric_logit(0.123)), 0.123, 1e-15);
}

Test(numeric, one_column_regression_meets_its_closed_form)
{
    enum { N = 400 };
    static float x[N];
    static uint8_t label[N];
    static double weight[N];
    struct logistic_data d = {x, N, 1, label, weight};
    struct logistic m;

    for (size_t i = 0; i < N; i++) { /* 20 % of 200 against 60 % of 200 */
        x[i] = i >= 200;
        label[i] = i < 200 ? i % 5 == 0 : i % 5 < 3;
        weight[i] = 1;
    }
    cr_assert_eq(logistic_init(&m, &arena, 1), STATUS_OK);
    cr_assert_eq(logistic_fit(&m, &arena, &d, (struct logistic_options){1e-9, 1e-10, 500}),
                 STATUS_OK);
    cr_assert_float_eq(m.intercept, log(0.25), 1e-6);
    cr_assert_float_eq(m.beta[0], log(1.5) - log(0.25), 1e-6);
}

Test(numeric, at_the_ridge_optimum_the_gradient_is_zero)
{
    enum { N = 500, K = 6 };
    static float x[N * K];
    static uint8_t label[N];
    static double weight[N], margin[N];
    struct logistic_data d = {x, N, K, label, weight};
    struct logistic m;
    double lambda = 3, sum = 0;

    for (size_t i = 0; i < N * K; i++)
        x[i] = (float)((double)(numeric_hash(1, i) >> 11) * 0x1p-53);
    for (size_t i = 0; i < N; i++) {
        label[i] = x[i] + x[N + i] > 1.2F;
        weight[i] = 1 + (double)(i % 3);
    }
    cr_assert_eq(logistic_init(&m, &arena, K), STATUS_OK);
    cr_assert_eq(logistic_fit(&m, &arena, &d, (struct logistic_options){lambda, 1e-9, 500}),
                 STATUS_OK);
    logistic_margins(&m, &d, margin);
    for (size_t k = 0; k < K; k++) {
        double g = lambda * m.beta[k];

        for (size_t i = 0; i < N; i++)
            g += weight[i] * (1 / (1 + exp(-margin[i])) - label[i]) * x[k * N + i];
        cr_assert_float_eq(g, 0, 1e-5, "column %zu: %g", k, g);
    }
    for (size_t i = 0; i < N; i++)
        sum += weight[i] * (1 / (1 + exp(-margin[i])) - label[i]);
    cr_assert_float_eq(sum, 0, 1e-5);
}

Test(numeric, odd_numbers_are_missing_and_counted)
{
    static const double ODD[] = {NAN, INFINITY, -INFINITY, 1e300};
    struct frame f;
    size_t at;

    cr_assert_eq(frame_init(&f, &arena, 4, 2), STATUS_OK);
    cr_assert_eq(frame_add_column(&f, STR("n"), COLUMN_NUMBER, &at), STATUS_OK);
    cr_assert_eq(frame_add_column(&f, STR("n"), COLUMN_BOOL, &at), STATUS_EXISTS);
    cr_assert_eq(frame_add_column(&f, STR(""), COLUMN_BOOL, &at), STATUS_INVALID);
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(frame_add_row(&f, (struct frame_row){0}, &at), STATUS_OK);
        frame_set(&f, i, 0, ODD[i]);
        cr_assert(isnan(f.column[0].cell[i]));
    }
    cr_assert_eq(f.column[0].n_odd, 4);
    cr_assert_eq(frame_add_row(&f, (struct frame_row){0}, &at), STATUS_EXHAUSTED);
    cr_assert_eq(frame_init(&f, &arena, FRAME_ROWS_MAX, 1000), STATUS_EXHAUSTED);
}

Test(numeric, encoder_keeps_frequent_texts_and_ranks_numbers)
{
    enum { N = 200 };
    static uint32_t rows[N];
    static const char *const WORD[] = {"b", "a", "rare"};
    struct encoder e;
    struct encoder_binding b;
    struct frame f;
    size_t at;
    float x[16];

    cr_assert_eq(frame_init(&f, &arena, N, 3), STATUS_OK);
    cr_assert_eq(frame_add_column(&f, STR("text"), COLUMN_CATEGORY, &at), STATUS_OK);
    cr_assert_eq(frame_add_column(&f, STR("number"), COLUMN_NUMBER, &at), STATUS_OK);
    cr_assert_eq(frame_add_column(&f, STR("same"), COLUMN_BOOL, &at), STATUS_OK);
    for (uint32_t i = 0; i < N; i++) {
        rows[i] = i;
        cr_assert_eq(frame_add_row(&f, (struct frame_row){0}, &at), STATUS_OK);
        cr_assert_eq(frame_set_word(&f, i, 0, str_of(WORD[i < 5 ? 2 : i % 2])), STATUS_OK);
        frame_set(&f, i, 1, i * i);
        frame_set(&f, i, 2, 1);
    }
    cr_assert_eq(encoder_fit(&e, &arena, &f, (struct row_set){rows, N}, 10), STATUS_OK);
    cr_assert_eq(e.n_sources, 2, "a column that never differs is left out");
    cr_assert_eq(e.source[0].n_words, 2);
    cr_assert(str_eq(e.source[0].word[0], STR("a")));
    cr_assert_eq(encoder_bind(&b, &arena, &e, &f), STATUS_OK);
    encoder_row(&b, 0, NULL, x); /* "rare" is other */
    cr_assert(x[0] == 0 && x[1] == 0 && x[2] == 1 && x[3] == 0);
    cr_assert_eq(encoder_bin(&b, 0, 0), 2);
    cr_assert_eq(encoder_bin(&b, 0, 1), 0);
    cr_assert_eq(encoder_bin(&b, N - 1, 1), 9);
    encoder_row(&b, N / 2, x, NULL);
    cr_assert_float_eq(x[3], 0, 0.05); /* the middle rank is the mean */
    cr_assert_float_eq(encoder_psi(&b, (struct row_set){rows, N}, 1), 0, 1e-9);
    cr_assert_gt(encoder_psi(&b, (struct row_set){rows, N / 2}, 1), 0.2);
}
