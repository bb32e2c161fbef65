#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdint.h>

#include "base/arena.h"

struct shape {
    size_t size, align, count;
};

ParameterizedTestParameters(arena, alloc_is_aligned_zeroed_and_disjoint)
{
    static struct shape s[] = {{1, 1, 0},  {1, 1, 1},     {3, 1, 7},    {8, 8, 1},
                               {24, 8, 5}, {16, 16, 600}, {1, 1, 8192}, {1, 1, 9000}};
    return cr_make_param_array(struct shape, s, sizeof s / sizeof *s);
}

ParameterizedTest(struct shape *s, arena, alloc_is_aligned_zeroed_and_disjoint)
{
    struct arena a;
    unsigned char *p[9];

    arena_init(&a, 1 << 20);
    for (int i = 0; i < 9; i++) {
        p[i] = arena_alloc(&a, s->size, s->align, s->count);
        cr_assert_not_null(p[i]);
        cr_assert_eq((uintptr_t)p[i] % s->align, 0);
        for (size_t k = 0; k < s->size * s->count; k++)
            cr_assert_eq(p[i][k], 0);
        memset(p[i], i + 1, s->size * s->count);
    }
    for (int i = 0; i < 9; i++)
        for (size_t k = 0; k < s->size * s->count; k++)
            cr_assert_eq(p[i][k], i + 1);
    arena_release(&a);
}

Test(arena, limit_fails_the_allocation_not_the_process)
{
    struct arena a;

    arena_init(&a, 10000);
    cr_assert_not_null(arena_alloc(&a, 1, 1, 100));
    cr_assert_null(arena_alloc(&a, 1, 1, 9000));
    cr_assert_null(arena_alloc(&a, SIZE_MAX / 2, 1, 3));
    arena_release(&a);
}

Test(arena, reset_forgets_allocations_and_keeps_one_block)
{
    struct arena a;
    char *first;

    arena_init(&a, 1 << 20);
    first = arena_alloc(&a, 1, 1, 64);
    memset(first, 'x', 64);
    for (int i = 0; i < 50; i++)
        cr_assert_not_null(arena_alloc(&a, 1, 1, 4096));
    arena_reset(&a);
    cr_assert_lt(a.total, 20000);
    cr_assert_eq((void *)arena_alloc(&a, 1, 1, 64), (void *)first);
    cr_assert_eq(first[0], 0, "memory is zeroed again after a reset");
    arena_release(&a);
}

Test(arena, printf_and_copies_end_in_nul)
{
    struct arena a;

    arena_init(&a, 1 << 16);
    cr_assert_str_eq(arena_printf(&a, "%d-%s", 7, "x"), "7-x");
    cr_assert_eq(arena_str(&a, STR("abc")).p[3], 0);
    cr_assert_str_eq(arena_cstr(&a, (str){0}), "");
    arena_release(&a);
}
