/* Trees against the library that trained them, and what trees_link refuses. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <xgboost/c_api.h>

#include "model/boost.h"
#include "model/numeric.h"
#include "model/ubj.h"
#include "support/table.h"

enum { ROWS = 3000, COLUMNS = 12 };

static float x[ROWS * COLUMNS], label[ROWS], weight[ROWS];
static struct arena arena;

static double uniform(uint64_t i)
{
    return (double)(numeric_hash(3, i) >> 11) * 0x1p-53;
}

static void make_rows(void)
{
    arena_init(&arena, (size_t)64 << 20);
    for (size_t i = 0; i < ROWS; i++) {
        double margin = -0.5;

        for (size_t k = 0; k < COLUMNS; k++) {
            double u = uniform(i * COLUMNS + k);
            float *cell = &x[i * COLUMNS + k];

            *cell = k % 3 == 0 ? (float)(u < 0.5) : (float)(10 * u); /* splits meet equal values */
            if (uniform(1000000 + i * COLUMNS + k) < 0.2)
                *cell = NAN;
            else
                margin += (k % 2 ? 1.5 : -1) * (u - 0.5) * (x[i * COLUMNS] > 0 ? 2 : 1);
        }
        label[i] = uniform(2000000 + i) < numeric_sigmoid(margin);
        weight[i] = (float)(1 + i % 3);
    }
}

static void free_rows(void)
{
    arena_release(&arena);
}

TestSuite(trees, .init = make_rows, .fini = free_rows, .timeout = 120);

#define NEED(call) cr_assert_eq((call), 0, "%s", XGBGetLastError())

/* The library's own model on the same data, for its own predictions. */
static BoosterHandle train_there(DMatrixHandle *m, int depth)
{
    static const char *const PARAM[][2] = {
        {"nthread", "1"},        {"verbosity", "0"}, {"objective", "binary:logistic"},
        {"tree_method", "hist"}, {"eta", "0.3"},     {"min_child_weight", "1"},
        {"base_score", "0.3"}};
    BoosterHandle h;
    char text[8];

    NEED(XGDMatrixCreateFromMat_omp(x, ROWS, COLUMNS, NAN, m, 1));
    NEED(XGDMatrixSetFloatInfo(*m, "label", label, ROWS));
    NEED(XGDMatrixSetFloatInfo(*m, "weight", weight, ROWS));
    NEED(XGBoosterCreate(m, 1, &h));
    for (size_t i = 0; i < sizeof PARAM / sizeof *PARAM; i++)
        NEED(XGBoosterSetParam(h, PARAM[i][0], PARAM[i][1]));
    (void)snprintf(text, sizeof text, "%d", depth);
    NEED(XGBoosterSetParam(h, "max_depth", text));
    for (int i = 0; i < 60; i++)
        NEED(XGBoosterUpdateOneIter(h, i, *m));
    return h;
}

static struct trees read_back(BoosterHandle h)
{
    struct trees t = {.n_columns = COLUMNS, .base = numeric_logit(0.3)};
    const char *bytes;
    bst_ulong n;

    NEED(XGBoosterSaveModelToBuffer(h, "{\"format\":\"ubj\"}", &n, &bytes));
    cr_assert_eq(ubj_read_trees(&t, &arena, (str){bytes, n}), STATUS_OK);
    cr_assert_eq(trees_link(&t, &arena), STATUS_OK);
    cr_assert_eq(t.n_trees, 60);
    return t;
}

static const int DEPTH[] = {1, 2, 4, 6, 7};

TABLE_TEST(trees, margins_and_contributions_are_those_of_the_library, int, DEPTH)
{
    DMatrixHandle m;
    BoosterHandle h = train_there(&m, *row);
    struct trees t = read_back(h);
    const float *margin, *theirs;
    bst_ulong n;

    NEED(XGBoosterPredict(h, m, 1, 0, 0, &n, &margin));
    for (size_t i = 0; i < ROWS; i++)
        cr_assert_float_eq(trees_margin(&t, x + i * COLUMNS, t.n_trees), margin[i], 1e-5);
    NEED(XGBoosterPredict(h, m, 4, 0, 0, &n, &theirs)); /* pred_contribs */
    cr_assert_eq(n, ROWS * (COLUMNS + 1));
    for (size_t i = 0; i < ROWS; i++) {
        double ours[COLUMNS] = {0}, sum = t.expected;

        trees_explain(&t, x + i * COLUMNS, ours);
        for (size_t k = 0; k < COLUMNS; k++) {
            cr_assert_float_eq(ours[k], theirs[i * (COLUMNS + 1) + k], 1e-5, "row %zu, column %zu",
                               i, k);
            sum += ours[k];
        }
        cr_assert_float_eq(t.expected, theirs[i * (COLUMNS + 1) + COLUMNS], 1e-5);
        cr_assert_float_eq(sum, trees_margin(&t, x + i * COLUMNS, t.n_trees), 1e-9);
    }
    NEED(XGBoosterFree(h));
    NEED(XGDMatrixFree(m));
}

Test(trees, the_library_s_bytes_cut_anywhere_are_refused)
{
    DMatrixHandle m;
    BoosterHandle h = train_there(&m, 2);
    const char *bytes;
    bst_ulong n;
    size_t last = 0;

    NEED(XGBoosterSaveModelToBuffer(h, "{\"format\":\"ubj\"}", &n, &bytes));
    for (size_t cut = 0; cut < n; cut++) {
        char *copy = malloc(cut + 1); /* exact size, for ASan */
        struct trees t = {.n_columns = COLUMNS};

        memcpy(copy, bytes, cut);
        if (ubj_read_trees(&t, &arena, (str){copy, cut}) != STATUS_OK)
            last = cut;
        free(copy);
        if (cut % 64 == 0)
            arena_reset(&arena);
    }
    cr_assert_gt(last, n / 2); /* what follows the trees is not read */
    NEED(XGBoosterFree(h));
    NEED(XGDMatrixFree(m));
}

/* root splits on column 0 into two leaves, spoilt in one place */
static const struct {
    const char *name;
    struct tree_node node[3];
} BAD[] = {
    {"child before parent",
     {{.value = 1, .cover = 2, .left = 1, .right = 0}, {.cover = 1}, {.cover = 1}}},
    {"child past the end",
     {{.value = 1, .cover = 2, .left = 1, .right = 3}, {.cover = 1}, {.cover = 1}}},
    {"one child twice",
     {{.value = 1, .cover = 2, .left = 1, .right = 1}, {.cover = 1}, {.cover = 1}}},
    {"column past the end",
     {{.value = 1, .cover = 2, .left = 1, .right = 2, .column = 1}, {.cover = 1}, {.cover = 1}}},
    {"threshold NaN",
     {{.value = NAN, .cover = 2, .left = 1, .right = 2}, {.cover = 1}, {.cover = 1}}},
    {"leaf infinite",
     {{.value = 1, .cover = 2, .left = 1, .right = 2},
      {.cover = 1, .value = INFINITY},
      {.cover = 1}}},
    {"no cover", {{.value = 1, .cover = 2, .left = 1, .right = 2}, {.cover = 0}, {.cover = 1}}},
    {"more cover than the parent",
     {{.value = 1, .cover = 2, .left = 1, .right = 2}, {.cover = 3}, {.cover = 1}}},
    {"an orphan", {{.value = 1, .cover = 2}, {.cover = 1}, {.cover = 1}}},
};
typedef __typeof__(BAD[0]) bad_row;

TABLE_TEST(trees, link_refuses_what_is_no_tree, bad_row, BAD)
{
    struct tree_node node[3];
    struct tree one = {3, node};
    struct trees t = {.n_trees = 1, .n_columns = 1, .tree = &one};

    memcpy(node, row->node, sizeof node);
    cr_assert_eq(trees_link(&t, &arena), STATUS_INVALID, "%s", row->name);
    node[0] = (struct tree_node){.value = 1, .cover = 2, .left = 1, .right = 2};
    node[1] = node[2] = (struct tree_node){.value = 0.5F, .cover = 1};
    cr_assert_eq(trees_link(&t, &arena), STATUS_OK);
    cr_assert_float_eq(t.expected, 0.5, 1e-12);
}

Test(trees, training_again_gives_the_same_trees)
{
    struct boost_data d = {x, ROWS, COLUMNS, label, weight};
    struct boost_options o = {.seed = 4,
                              .rounds = 30,
                              .depth = 4,
                              .rate = 0.1,
                              .row_share = 0.7,
                              .column_share = 0.5,
                              .child_weight = 1,
                              .ridge = 1,
                              .base_rate = 0.4};
    struct trees one, two;

    cr_assert_eq(boost_warm_up(), STATUS_OK);
    cr_assert_eq(boost_train(&one, &arena, &d, &o), STATUS_OK);
    cr_assert_eq(boost_train(&two, &arena, &d, &o), STATUS_OK);
    for (size_t i = 0; i < one.n_trees; i++) {
        cr_assert_eq(one.tree[i].n_nodes, two.tree[i].n_nodes);
        cr_assert_arr_eq(one.tree[i].node, two.tree[i].node,
                         one.tree[i].n_nodes * sizeof *one.tree[i].node);
    }
}
