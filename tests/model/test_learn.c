/* model_learn as a whole: what it refuses, what it finds, and that it says the same thing twice. */
#include <criterion/criterion.h>
#include <math.h>

#include "model/explain.h"
#include "model/learn.h"
#include "model/made.h"
#include "model/model_bytes.h"

static struct arena arena;

static void open_arena(void)
{
    arena_init(&arena, (size_t)512 << 20);
}

static void close_arena(void)
{
    arena_release(&arena);
}

TestSuite(learn, .init = open_arena, .fini = close_arena, .timeout = 120);

static struct learned learn(size_t n_rows, size_t n_columns, struct learn_options o)
{
    static struct frame f;
    struct learned l;

    made_frame(&f, &arena, (struct made){n_rows, n_columns, 11});
    cr_assert_eq(model_learn(&l, &arena, &f, &o), STATUS_OK);
    return l;
}

Test(learn, finds_what_decides_and_is_calibrated)
{
    struct learned l = learn(4000, 12, (struct learn_options){.seed = 5});
    const struct measures *m = &l.candidate[l.chosen].validation;

    cr_assert_eq(l.verdict, LEARN_LEARNED);
    cr_assert_eq(l.split, LEARN_BY_TIME);
    cr_assert_gt(m->auc, 0.7);
    cr_assert_lt(m->ece, 0.05);
    cr_assert_eq(m->n, 800);
    cr_assert_gt(l.validation_from_us, l.training_to_us);
    for (size_t i = 0; i < 4; i++) /* the four that decide lead the list */
        cr_assert(l.importance[i].source.n == 8, "%.*s", STR_ARG(l.importance[i].source));
    cr_assert_gt(l.importance[3].mean_abs_log_odds, 2 * l.importance[4].mean_abs_log_odds);
    cr_assert_float_eq(l.importance[0].coverage, 0.8, 0.03);
}

Test(learn, same_data_and_seed_give_the_same_bytes)
{
    struct learned one = learn(1500, 8, (struct learn_options){.seed = 5}),
                   two = learn(1500, 8, (struct learn_options){.seed = 5}),
                   other = learn(1500, 8, (struct learn_options){.seed = 6});

    cr_assert(str_eq(one.bytes, two.bytes));
    cr_assert(other.chosen != one.chosen || !str_eq(one.bytes, other.bytes) ||
              one.model->kind == MODEL_LINEAR);
}

Test(learn, parts_and_base_sum_to_the_total_exactly)
{
    static struct frame f;
    struct learned l = learn(1500, 8, (struct learn_options){.seed = 5});
    struct model_view v;
    struct prediction p;

    made_frame(&f, &arena, (struct made){500, 8, 99});
    for (enum model_kind kind = l.model->kind; kind <= l.model->kind; kind++) {
        cr_assert_eq(model_view(&v, &arena, l.model, &f), STATUS_OK);
        for (size_t i = 0; i < f.n_rows; i++) {
            int64_t sum;

            cr_assert_eq(model_predict(&v, &arena, i, &p), STATUS_OK);
            sum = p.base_micro + p.calibration_micro;
            for (size_t k = 0; k < p.n_shares; k++)
                sum += p.share_micro[k];
            cr_assert_eq(sum, p.total_micro, "row %zu", i);
            cr_assert_eq(p.total_micro, model_total_micro(&v, i));
            cr_assert(p.low <= p.probability && p.probability <= p.high);
        }
    }
}

Test(learn, refuses_what_is_too_little)
{
    static struct frame f;
    struct learned l;

    made_frame(&f, &arena, (struct made){99, 8, 1});
    cr_assert_eq(model_learn(&l, &arena, &f, &(struct learn_options){0}), STATUS_OK);
    cr_assert_eq(l.verdict, LEARN_TOO_FEW_ROWS);
    cr_assert_null(l.model);
    made_frame(&f, &arena, (struct made){300, 8, 1});
    for (size_t i = 0; i < f.n_rows; i++)
        f.row[i].label = i < 24;
    cr_assert_eq(model_learn(&l, &arena, &f, &(struct learn_options){0}), STATUS_OK);
    cr_assert_eq(l.verdict, LEARN_TOO_FEW_OUTCOMES);
    made_frame(&f, &arena, (struct made){300, 0, 1});
    for (size_t i = 0; i < f.n_rows; i++)
        f.row[i].label = i % 2 == 0;
    cr_assert_eq(model_learn(&l, &arena, &f, &(struct learn_options){0}), STATUS_OK);
    cr_assert_eq(l.verdict, LEARN_NO_SIGNAL);
}

Test(learn, an_input_that_knows_the_outcome_is_called_a_leak)
{
    static struct frame f;
    struct learned l;
    bool warned = false;

    made_frame(&f, &arena, (struct made){800, 4, 1});
    for (size_t i = 0; i < f.n_rows; i++)
        frame_set(&f, i, 0, f.row[i].label);
    cr_assert_eq(model_learn(&l, &arena, &f, &(struct learn_options){0}), STATUS_OK);
    for (size_t i = 0; i < l.n_caveats; i++)
        warned = warned || strstr(l.caveat[i], "too good to be true");
    cr_assert(warned);
    cr_assert(str_eq(l.importance[0].source, STR("column_0")));
}

static bool stop_halfway(void *arg, int permille)
{
    int *most = arg;

    *most = permille > *most ? permille : *most;
    return permille < 400;
}

Test(learn, stops_when_told)
{
    static struct frame f;
    struct learned l;
    int most = 0;

    made_frame(&f, &arena, (struct made){1000, 8, 1});
    cr_assert_eq(
        model_learn(&l, &arena, &f, &(struct learn_options){.go_on = stop_halfway, .arg = &most}),
        STATUS_CANCELLED);
    cr_assert(most >= 400 && most < 500);
    cr_assert_null(l.model);
}

Test(learn, embargo_keeps_late_training_rows_out_of_the_judgement)
{
    struct learned l =
        learn(1000, 8, (struct learn_options){.seed = 5, .embargo_us = INT64_C(100) * 1000000});

    cr_assert_eq(l.n_validation, 200);
    cr_assert_eq(l.n_training, 701);
}

Test(learn, five_hundred_custom_columns_stay_within_the_limits)
{
    struct learned l = learn(400, 600, (struct learn_options){.seed = 5});

    cr_assert_eq(l.verdict, LEARN_LEARNED);
    cr_assert_leq(l.model->encoder.n_linear, ENCODER_COLUMNS_MAX);
    cr_assert_leq(l.model->encoder.n_tree, ENCODER_COLUMNS_MAX);
    cr_assert_gt(l.model->encoder.n_sources, 200);
}
