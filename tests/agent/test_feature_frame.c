/* From vectors of features to the frame of models. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "agent/feature_frame.h"

static struct feature_vector vector_of(struct feature *items, size_t n)
{
    return (struct feature_vector){.items = items, .n = n, .n_signals = 2};
}

static float cell(const struct feature_frame *f, const char *name, size_t row)
{
    const struct frame_column *c = frame_find(&f->frame, str_of(name));

    cr_assert_not_null(c, "%s", name);
    return c->cell[row];
}

Test(feature_frame, keeps_signals_by_place_and_attributes_by_name)
{
    struct feature first[] = {
        {"employees", FEATURE_NUMBER, 0, true, 412, {0}},
        {"country", FEATURE_CATEGORY, 0, true, 0, STR("de")},
        {"attr.plan", FEATURE_CATEGORY, 0, true, 0, STR("pro")},
    };
    struct feature second[] = {
        {"employees", FEATURE_NUMBER, 0, false, 0, {0}},
        {"country", FEATURE_CATEGORY, 0, true, 0, STR("fr")},
        {"attr.age", FEATURE_TIME, 0, true, 31, {0}},
        {"attr.plan", FEATURE_NUMBER, 0, true, 3, {0}},
    };
    struct feature_vector v1 = vector_of(first, 3), v2 = vector_of(second, 4);
    struct feature_frame f;
    struct arena a;

    arena_init(&a, 1 << 20);
    cr_assert_eq(feature_frame_init(&f, &a, 2), STATUS_OK);
    cr_assert_eq(feature_frame_add(&f, &v1, (struct frame_row){.label = 1}), STATUS_OK);
    cr_assert_eq(feature_frame_add(&f, &v2, (struct frame_row){.label = 0}), STATUS_OK);
    cr_assert_eq(f.frame.n_rows, 2);
    cr_assert_eq(f.frame.n_columns, 4);
    cr_assert_eq(cell(&f, "employees", 0), 412);
    cr_assert(isnan(cell(&f, "employees", 1)));
    cr_assert_neq(cell(&f, "country", 0), cell(&f, "country", 1));
    cr_assert(isnan(cell(&f, "attr.age", 0)));
    cr_assert_eq(cell(&f, "attr.age", 1), 31);
    cr_assert_eq(frame_find(&f.frame, STR("attr.age"))->kind, COLUMN_AGE);
    cr_assert(isnan(cell(&f, "attr.plan", 1)), "another type than the first has");
    cr_assert_eq(f.n_mixed, 1);
    cr_assert_eq(feature_frame_add(&f, &v2, (struct frame_row){0}), STATUS_EXHAUSTED);
    arena_release(&a);
}

Test(feature_frame, leaves_out_attributes_beyond_its_columns)
{
    enum { ATTRIBUTES = 400, VECTORS = 3 };
    static struct feature items[2 + ATTRIBUTES];
    static char names[VECTORS][ATTRIBUTES][32];
    struct feature_frame f;
    struct arena a;

    arena_init(&a, 64 << 20);
    cr_assert_eq(feature_frame_init(&f, &a, VECTORS), STATUS_OK);
    for (int k = 0; k < VECTORS; k++) {
        struct feature_vector v = vector_of(items, 2 + ATTRIBUTES);

        items[0] = (struct feature){"employees", FEATURE_NUMBER, 0, true, k, {0}};
        items[1] = (struct feature){"won", FEATURE_BOOL, 0, true, 1, {0}};
        for (int i = 0; i < ATTRIBUTES; i++) {
            snprintf(names[k][i], sizeof names[k][i], "attr.k%d_%d", k, i);
            items[2 + i] = (struct feature){names[k][i], FEATURE_NUMBER, 0, true, i, {0}};
        }
        cr_assert_eq(feature_frame_add(&f, &v, (struct frame_row){0}), STATUS_OK);
    }
    cr_assert_eq(f.frame.n_columns, FRAME_COLUMNS_MAX);
    cr_assert_eq(f.n_left_out, 2 + VECTORS * ATTRIBUTES - FRAME_COLUMNS_MAX);
    cr_assert_eq(cell(&f, "attr.k1_7", 1), 7);
    arena_release(&a);
}
