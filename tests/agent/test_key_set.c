#include <criterion/criterion.h>
#include <stdio.h>

#include "agent/key_set.h"

Test(key_set, remembers_the_first_row_of_each_key_and_space)
{
    struct arena a;
    struct key_set s;
    char keys[1000][16];

    arena_init(&a, 1 << 20);
    cr_assert(key_set_init(&s, &a, 2000));
    for (int i = 0; i < 1000; i++) {
        snprintf(keys[i], sizeof keys[i], "k%d", i);
        cr_assert_eq(key_set_add(&s, 0, str_of(keys[i]), i), KEY_SET_NONE);
        cr_assert_eq(key_set_add(&s, 1, str_of(keys[i]), i + 1), KEY_SET_NONE);
    }
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq(key_set_add(&s, 0, str_of(keys[i]), 7), i, "the first one stays");
        cr_assert_eq(key_set_find(&s, 1, str_of(keys[i])), i + 1);
        cr_assert_eq(key_set_find(&s, 2, str_of(keys[i])), KEY_SET_NONE);
    }
    arena_release(&a);
}
