/* Model files: what is written reads back to the same predictions; anything else is refused. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "model/learn.h"
#include "model/made.h"
#include "model/model_bytes.h"
#include "model/numeric.h"

static struct arena arena;
static struct frame frame;
static struct learned learned;

static void learn_one(void)
{
    arena_init(&arena, (size_t)512 << 20);
    made_frame(&frame, &arena, (struct made){400, 6, 3});
    cr_assert_eq(model_learn(&learned, &arena, &frame, &(struct learn_options){.seed = 1}),
                 STATUS_OK);
    cr_assert_eq(learned.verdict, LEARN_LEARNED);
}

static void forget(void)
{
    arena_release(&arena);
}

TestSuite(model_bytes, .init = learn_one, .fini = forget, .timeout = 120);

/* A model with both learners, whatever won. */
static struct model both(struct arena *a)
{
    static struct tree_node node[] = {{.value = 0.5F, .cover = 9, .left = 1, .right = 2},
                                      {.value = -0.3F, .cover = 4},
                                      {.value = 0.2F, .cover = 5}};
    static struct tree tree = {3, node};
    struct model m = *learned.model;

    m.kind = MODEL_BLEND;
    cr_assert_eq(logistic_init(&m.linear, a, m.encoder.n_linear), STATUS_OK);
    for (size_t k = 0; k < m.linear.n; k++)
        m.linear.beta[k] = 0.1 * (double)(k % 7) - 0.3;
    m.trees = (struct trees){.n_trees = 1, .n_columns = m.encoder.n_tree, .tree = &tree};
    cr_assert_eq(trees_link(&m.trees, a), STATUS_OK);
    m.calibration.n_knots = 2;
    m.calibration.x[0] = m.calibration.y[0] = -1;
    m.calibration.x[1] = 1;
    m.calibration.y[1] = 1.5;
    return m;
}

static void need_equal(const struct model *one, const struct model *two)
{
    struct model_view v, w;

    cr_assert_eq(model_view(&v, &arena, one, &frame), STATUS_OK);
    cr_assert_eq(model_view(&w, &arena, two, &frame), STATUS_OK);
    for (size_t i = 0; i < frame.n_rows; i++) {
        struct prediction p, q;
        int64_t sum;

        cr_assert_eq(model_predict(&v, &arena, i, &p), STATUS_OK);
        cr_assert_eq(model_predict(&w, &arena, i, &q), STATUS_OK);
        cr_assert_eq(p.total_micro, q.total_micro);
        cr_assert_eq(p.calibration_micro, q.calibration_micro);
        cr_assert_arr_eq(p.share_micro, q.share_micro, p.n_shares * sizeof *p.share_micro);
        cr_assert_arr_eq(&p.probability, &q.probability, sizeof p.probability);
        sum = p.base_micro + p.calibration_micro;
        for (size_t k = 0; k < p.n_shares; k++)
            sum += p.share_micro[k];
        cr_assert_eq(sum, p.total_micro);
    }
}

Test(model_bytes, what_is_written_reads_back_and_predicts_the_same)
{
    struct model m = both(&arena), *back;
    str bytes, again;

    cr_assert_eq(model_bytes_write(&m, &arena, &bytes), STATUS_OK);
    cr_assert_eq(model_bytes_parse(&back, &arena, bytes), STATUS_OK);
    need_equal(&m, back);
    cr_assert_eq(model_bytes_write(back, &arena, &again), STATUS_OK);
    cr_assert(str_eq(bytes, again));
    cr_assert_arr_eq(back->sha256, m.sha256, sizeof m.sha256);
}

static enum status parse_copy(const char *p, size_t n)
{
    char *copy = malloc(n + 1); /* exact size, for ASan */
    struct model *m = NULL;
    struct arena a;
    enum status s;

    memcpy(copy, p, n);
    arena_init(&a, (size_t)64 << 20);
    s = model_bytes_parse(&m, &a, (str){copy, n});
    cr_assert((s == STATUS_OK) == (m != NULL));
    arena_release(&a);
    free(copy);
    return s;
}

Test(model_bytes, cut_at_every_byte_it_is_refused)
{
    struct model m = both(&arena);
    str bytes;

    cr_assert_eq(model_bytes_write(&m, &arena, &bytes), STATUS_OK);
    for (size_t n = 0; n < bytes.n; n++)
        cr_assert_eq(parse_copy(bytes.p, n), STATUS_DATA_LOSS, "%zu bytes", n);
    cr_assert_eq(parse_copy(bytes.p, bytes.n), STATUS_OK);
}

Test(model_bytes, any_flipped_bit_is_refused)
{
    struct model m = both(&arena);
    str bytes;
    char *p;

    cr_assert_eq(model_bytes_write(&m, &arena, &bytes), STATUS_OK);
    p = arena_cstr(&arena, bytes);
    for (size_t i = 0; i < bytes.n; i++) {
        p[i] = (char)(p[i] ^ 1 << numeric_hash(1, i) % 8);
        cr_assert_eq(parse_copy(p, bytes.n), STATUS_DATA_LOSS, "byte %zu", i);
        p[i] = bytes.p[i];
    }
}

Test(model_bytes, a_small_arena_is_exhausted_not_a_damaged_model)
{
    struct model m = both(&arena), *back;
    struct arena a;
    str bytes;

    cr_assert_eq(model_bytes_write(&m, &arena, &bytes), STATUS_OK);
    for (size_t limit = 0; limit < 64 << 10; limit += 8 << 10) {
        arena_init(&a, limit);
        enum status s = model_bytes_parse(&back, &a, bytes);

        cr_assert(s == STATUS_OK || s == STATUS_EXHAUSTED, "%d at %zu", (int)s, limit);
        arena_release(&a);
    }
}

Test(model_bytes, absent_columns_and_other_kinds_count_as_missing)
{
    struct model m = both(&arena);
    struct frame f;
    struct model_view v;
    struct prediction p, q;
    size_t at;

    cr_assert_eq(frame_init(&f, &arena, 2, 3), STATUS_OK);
    cr_assert_eq(frame_add_column(&f, STR("nobody knows it"), COLUMN_NUMBER, &at), STATUS_OK);
    cr_assert_eq(frame_add_column(&f, STR("column_0"), COLUMN_CATEGORY, &at), STATUS_OK);
    cr_assert_eq(frame_add_row(&f, (struct frame_row){0}, &at), STATUS_OK);
    cr_assert_eq(frame_add_row(&f, (struct frame_row){0}, &at), STATUS_OK);
    frame_set(&f, 0, 0, 7);
    cr_assert_eq(frame_set_word(&f, 0, 1, STR("text")), STATUS_OK);
    cr_assert_eq(model_view(&v, &arena, &m, &f), STATUS_OK);
    cr_assert_eq(model_predict(&v, &arena, 0, &p), STATUS_OK);
    cr_assert_eq(model_predict(&v, &arena, 1, &q), STATUS_OK);
    cr_assert_eq(p.total_micro, q.total_micro);
}
