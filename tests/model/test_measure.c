/* Figures against values worked out by hand or by their definition. */
#include <criterion/criterion.h>
#include <math.h>

#include "model/calibrate.h"
#include "model/explain.h"
#include "model/measure.h"
#include "model/numeric.h"
#include "support/table.h"

static struct arena arena;

static void open_arena(void)
{
    arena_init(&arena, (size_t)64 << 20);
}

static void close_arena(void)
{
    arena_release(&arena);
}

TestSuite(measure, .init = open_arena, .fini = close_arena);

/* clang-format off */
static const struct auc_row {
    const char *name;
    size_t n;
    double p[6];
    uint8_t label[6];
    double auc, pr_auc;
} AUC[] = {
    {"perfect",             4, {.1, .2, .8, .9},         {0, 0, 1, 1},       1,           1},
    {"upside down",         4, {.9, .8, .2, .1},         {0, 0, 1, 1},       0,           (1 / 3.0 + 2 / 4.0) / 2},
    {"all tied",            4, {.5, .5, .5, .5},         {0, 1, 0, 1},       0.5,         0.5},
    {"one pair wrong",      4, {.1, .4, .35, .8},        {0, 0, 1, 1},       0.75,        (1 + 2 / 3.0) / 2},
    {"a tie across",        5, {.1, .5, .5, .5, .9},     {0, 0, 1, 0, 1},    5 / 6.0,     (1 + 2 / 4.0) / 2},
    {"one class only",      3, {.1, .5, .9},             {1, 1, 1},          0.5,         1},
    {"nobody",              0, {0},                      {0},                0.5,         0},
};
/* clang-format on */

TABLE_TEST(measure, areas_by_hand, struct auc_row, AUC)
{
    struct measures m;

    cr_assert_eq(measure(&m, &arena, &(struct measure_data){row->p, row->label, row->n}),
                 STATUS_OK);
    cr_assert_float_eq(m.auc, row->auc, 1e-12, "%s: %g", row->name, m.auc);
    cr_assert_float_eq(m.pr_auc, row->pr_auc, 1e-12, "%s: %g", row->name, m.pr_auc);
}

Test(measure, brier_loss_lift_and_calibration_by_hand)
{
    double p[20];
    uint8_t label[20] = {0};
    struct measures m;

    for (size_t i = 0; i < 20; i++)
        p[i] = 0.05 * (double)(i / 2); /* ten bins of two */
    label[19] = label[18] = label[17] = 1;
    cr_assert_eq(measure(&m, &arena, &(struct measure_data){p, label, 20}), STATUS_OK);
    cr_assert_eq(m.n_bins, 10);
    cr_assert_eq(m.bin[8].n, 2);
    cr_assert_float_eq(m.bin[8].predicted, 0.4, 1e-12);
    cr_assert_float_eq(m.bin[8].observed, 0.5, 1e-12);
    /* gaps: 0, .05 .. .35, then .1 and .55; each a tenth */
    cr_assert_float_eq(m.ece, (0.05 * 28 + 0.1 + 0.55) / 10, 1e-12);
    cr_assert_float_eq(m.lift20, (3 / 4.0) / (3 / 20.0), 1e-12);
    double brier = 0;
    for (size_t i = 0; i < 20; i++)
        brier += (p[i] - label[i]) * (p[i] - label[i]) / 20;
    cr_assert_float_eq(m.brier, brier, 1e-12);
}

Test(measure, one_probability_for_all_is_one_bin)
{
    double p[100];
    uint8_t label[100] = {0};
    struct measures m;

    for (size_t i = 0; i < 100; i++) {
        p[i] = i < 95 ? 0.25 : 0.9;
        label[i] = i % 4 == 0;
    }
    cr_assert_eq(measure(&m, &arena, &(struct measure_data){p, label, 100}), STATUS_OK);
    cr_assert_eq(m.n_bins, 2);
    cr_assert_eq(m.bin[0].n, 95);
}

Test(measure, interval_holds_the_area_and_is_seeded)
{
    double p[500];
    uint8_t label[500];
    struct measures m, again;
    struct measure_data d = {p, label, 500};

    for (size_t i = 0; i < 500; i++) {
        p[i] = (double)(numeric_hash(1, i) >> 11) * 0x1p-53;
        label[i] = (double)(numeric_hash(2, i) >> 11) * 0x1p-53 < p[i];
    }
    cr_assert_eq(measure(&m, &arena, &d), STATUS_OK);
    again = m;
    cr_assert_eq(measure_auc_interval(&m, &arena, &d, 7, 200), STATUS_OK);
    cr_assert_eq(measure_auc_interval(&again, &arena, &d, 7, 200), STATUS_OK);
    cr_assert(m.auc_low < m.auc && m.auc < m.auc_high);
    cr_assert_float_eq(m.auc_high - m.auc_low, 0.075, 0.02); /* Hanley & McNeil: se .019 */
    cr_assert_eq(m.auc_low, again.auc_low);
}

Test(measure, wilson_interval_of_a_textbook)
{
    double low, high;

    measure_wilson(1, 10, 1.96, &low, &high); /* Newcombe 1998, table I: .0179 to .4042 */
    cr_assert_float_eq(low, 0.0179, 1e-4);
    cr_assert_float_eq(high, 0.4042, 1e-4);
    measure_wilson(0, 0, 1.96, &low, &high);
    cr_assert(low == 0 && high == 1);
}

/* clang-format off */
static const struct pav_row {
    size_t n;
    double y[6], weight[6], out[6];
} PAV[] = {
    {3, {1, 2, 3},          {1, 1, 1},          {1, 2, 3}},
    {3, {3, 2, 1},          {1, 1, 1},          {2, 2, 2}},
    {5, {1, 3, 2, 4, 3.5},  {1, 1, 1, 1, 1},    {1, 2.5, 2.5, 3.75, 3.75}},
    {3, {1, 4, 1},          {1, 1, 3},          {1, 1.75, 1.75}},
    {6, {0, 1, 0, 0, 1, 1}, {1, 1, 1, 1, 1, 1}, {0, 1 / 3.0, 1 / 3.0, 1 / 3.0, 1, 1}},
};
/* clang-format on */

TABLE_TEST(measure, pooled_adjacent_violators_by_hand, struct pav_row, PAV)
{
    double y[6];

    memcpy(y, row->y, sizeof y);
    cr_assert_eq(calibrate_pav(y, row->weight, row->n, &arena), STATUS_OK);
    for (size_t i = 0; i < row->n; i++)
        cr_assert_float_eq(y[i], row->out[i], 1e-12, "%zu: %g", i, y[i]);
}

enum { CASES = 20000 };

/* Margins that say too much: the truth is 0.5 m - 0.7. */
static struct calibrate_data overconfident(void)
{
    static double margin[CASES], weight[CASES];
    static uint8_t label[CASES];

    for (size_t i = 0; i < CASES; i++) {
        margin[i] = 8 * ((double)(numeric_hash(5, i) >> 11) * 0x1p-53 - 0.5);
        weight[i] = 1;
        label[i] =
            (double)(numeric_hash(6, i) >> 11) * 0x1p-53 < numeric_sigmoid(0.5 * margin[i] - 0.7);
    }
    return (struct calibrate_data){margin, label, weight, CASES};
}

Test(measure, affine_calibration_finds_slope_and_shift)
{
    struct calibrate_data d = overconfident();
    struct calibration c = calibrate_affine(&d);

    cr_assert_float_eq(c.slope, 0.5, 0.03);
    cr_assert_float_eq(c.shift, -0.7, 0.05);
    cr_assert(calibrate_valid(&c));
}

Test(measure, monotone_calibration_rises_and_lands_near_the_truth)
{
    struct calibrate_data d = overconfident();
    struct calibration c = {.slope = 1};

    cr_assert_eq(calibrate_monotone(&c, &arena, &d, 100), STATUS_OK);
    cr_assert_gt(c.n_knots, 4);
    cr_assert(calibrate_valid(&c));
    for (double m = -6; m < 6; m += 0.01)
        cr_assert_geq(calibrate_apply(&c, m + 0.01), calibrate_apply(&c, m));
    for (double m = -3; m <= 3; m += 0.5)
        cr_assert_float_eq(numeric_sigmoid(calibrate_apply(&c, m)), numeric_sigmoid(0.5 * m - 0.7),
                           0.04, "at %g", m);
}

Test(measure, rounded_shares_sum_to_any_total)
{
    for (uint64_t round = 0; round < 2000; round++) {
        double share[40], sum = 0;
        int64_t out[40], total, back = 0;
        size_t n = 1 + numeric_hash(9, round) % 40;

        for (size_t i = 0; i < n; i++) {
            share[i] = 6 * ((double)(numeric_hash(round, i) >> 11) * 0x1p-53 - 0.5);
            sum += share[i];
        }
        total = explain_micro(sum) + (int64_t)(round % 3) - 1;
        cr_assert_eq(explain_round(share, n, total, &arena, out), STATUS_OK);
        for (size_t i = 0; i < n; i++) {
            back += out[i];
            cr_assert_leq(fabs((double)out[i] - share[i] * MICRO), 3);
        }
        cr_assert_eq(back, total);
    }
}

Test(measure, shares_that_are_no_numbers_are_refused)
{
    int64_t out[2];

    cr_assert_eq(explain_round((double[]){1, NAN}, 2, 0, &arena, out), STATUS_INVALID);
    cr_assert_eq(explain_round((double[]){1, INFINITY}, 2, 0, &arena, out), STATUS_INVALID);
    cr_assert_eq(explain_round(NULL, 0, 1, &arena, out), STATUS_INVALID);
    cr_assert_eq(explain_round((double[]){0.5e-6, 0.5e-6}, 2, 1, &arena, out), STATUS_OK);
    cr_assert(out[0] == 1 && out[1] == 0); /* of equals the first */
}
