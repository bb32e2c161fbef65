#include <criterion/criterion.h>

#include "base/buf.h"

Test(buf, builds_text_up_to_its_maximum)
{
    struct arena a;
    struct buf b;

    arena_init(&a, 1 << 20);
    buf_init(&b, &a, 300);
    for (int i = 0; i < 30; i++)
        buf_printf(&b, "%09d,", i);
    cr_assert(buf_ok(&b));
    cr_assert_eq(buf_str(&b).n, 300);
    cr_assert_eq(buf_str(&b).p[300], 0);
    buf_putc(&b, 'x');
    cr_assert_not(buf_ok(&b), "one byte over the maximum fails");
    cr_assert_eq(buf_str(&b).n, 0, "and no half text is handed out");
    arena_release(&a);
}

Test(buf, json_strings_are_always_valid)
{
    struct arena a;
    struct buf b;

    arena_init(&a, 1 << 16);
    buf_init(&b, &a, 1000);
    buf_put_json(&b, (str){"q\"\\\n\x01\xC3\xA9", 7});
    buf_put_json(&b, (str){"\xFFz", 2});
    cr_assert_str_eq(buf_str(&b).p, "\"q\\\"\\\\\\n\\u0001\xC3\xA9\"\"\xEF\xBF\xBDz\"");
    arena_release(&a);
}
