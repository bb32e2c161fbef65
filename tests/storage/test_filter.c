#include <criterion/criterion.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/limits.h"
#include "store/filter.h"
#include "support/table.h"

/* clang-format off */
static const struct row {
    const char *text, *want; /* as a Lisp expression; NULL: refused */
    size_t column;           /* where, if refused */
} rows[] = {
    {"",                         "",                                      0},
    {" \t\n ",                   "",                                      0},
    {"a = 1",                    "(a = 1)",                               0},
    {"a=1",                      "(a = 1)",                               0},
    {"a=-1",                     "(a = -1)",                              0},
    {"a != \"x y\"",             "(a != x y)",                            0},
    {"a<1 AND b<=2 AND c>3",     "(& (& (a < 1) (b <= 2)) (c > 3))",      0},
    {"a>=1 OR b:2 AND c=3",      "(& (| (a >= 1) (b : 2)) (c = 3))",      0},
    {"a=1 AND b=2 OR c=3",       "(& (a = 1) (| (b = 2) (c = 3)))",       0},
    {"(a=1 AND b=2) OR c=3",     "(| (& (a = 1) (b = 2)) (c = 3))",       0},
    {"NOT a=1 OR -b=2",          "(| (! (a = 1)) (! (b = 2)))",           0},
    {"-(a=1)",                   "(! (a = 1))",                           0},
    {"a.b.c = x",                "(a.b.c = x)",                           0},
    {"a = 'it\\'s \\\\ \\\"'",   "(a = it's \\ \")",                      0},
    {"a = AND",                  "(a = AND)",                             0},
    {"t > 2024-01-01T00:00:00Z", "(t > 2024-01-01T00:00:00Z)",            0},
    {"tags:*",                   "(tags : *)",                            0},
    {"a",                        NULL,                                    2},
    {"a =",                      NULL,                                    4},
    {"a = (1)",                  NULL,                                    5},
    {"a = 1 b = 2",              NULL,                                    7},
    {"a = 1)",                   NULL,                                    6},
    {"(a = 1",                   NULL,                                    7},
    {"()",                       NULL,                                    2},
    {"a = \"x",                  NULL,                                    5},
    {"a = \"\\x\"",              NULL,                                    6},
    {"a ~ 1",                    NULL,                                    3},
    {"a = 1 AND",                NULL,                                   10},
    {"OR",                       NULL,                                    3},
    {"a and b",                  NULL,                                    3},
    {"a = 1;",                   NULL,                                    6},
    {"\xC3\xA4 = 1",             NULL,                                    1},
};
/* clang-format on */

static void put(struct buf *b, const struct filter *f)
{
    static const char *const ops[] = {"=", "!=", "<", "<=", ">", ">=", ":"};

    if (f->kind == FILTER_TERM) {
        buf_printf(b, "(" STR_FMT " %s " STR_FMT ")", STR_ARG(f->name), ops[f->op],
                   STR_ARG(f->value));
        return;
    }
    buf_printf(b, "(%c ", f->kind == FILTER_AND ? '&' : f->kind == FILTER_OR ? '|' : '!');
    put(b, f->left);
    if (f->right) {
        buf_putc(b, ' ');
        put(b, f->right);
    }
    buf_putc(b, ')');
}

TABLE_TEST(filter, text_becomes_a_tree_or_a_place, struct row, rows)
{
    const struct filter *f;
    struct filter_error e;
    struct arena a;
    struct buf b;

    arena_init(&a, 1 << 20);
    if (!row->want) {
        cr_assert_not(filter_parse(&a, str_of(row->text), &f, &e), "%s", row->text);
        cr_assert_eq(e.column, row->column, "%s: %zu %s", row->text, e.column, e.why);
        cr_assert(e.why);
    } else {
        cr_assert(filter_parse(&a, str_of(row->text), &f, &e), "%s: %zu %s", row->text, e.column,
                  e.why);
        buf_init(&b, &a, 4096);
        if (f)
            put(&b, f);
        cr_assert_str_eq(buf_str(&b).p, row->want);
    }
    arena_release(&a);
}

/* n times `unit`, with `head` before and `tail` behind. */
static bool parses(const char *head, const char *unit, int n, const char *tail)
{
    const struct filter *f;
    struct filter_error e;
    struct arena a;
    struct buf b;
    bool ok;

    arena_init(&a, 1 << 20);
    buf_init(&b, &a, 1 << 16);
    buf_put(&b, str_of(head));
    for (int i = 0; i < n; i++)
        buf_put(&b, str_of(unit));
    buf_put(&b, str_of(tail));
    ok = filter_parse(&a, buf_str(&b), &f, &e);
    arena_release(&a);
    return ok;
}

Test(filter, length_terms_and_depth_are_bounded)
{
    cr_assert(parses("a=1", " AND a=1", FILTER_TERMS_MAX - 1, ""));
    cr_assert_not(parses("a=1", " AND a=1", FILTER_TERMS_MAX, ""));
    cr_assert(parses("", "", 0, "((((((((((((((((a=1))))))))))))))))"));
    cr_assert_not(parses("(", "", 0, "((((((((((((((((a=1)))))))))))))))))"));
    cr_assert_not(parses("", "(", 2000, ""));
    cr_assert_not(parses("", "-", 2000, "a=1"));
    cr_assert(parses("a=\"", "x", FILTER_BYTES_MAX - 4, "\""));
    cr_assert_not(parses("a=\"", "x", FILTER_BYTES_MAX - 3, "\""));
}
