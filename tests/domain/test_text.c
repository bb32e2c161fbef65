/* text: what is stored of what people type, and what compares equal. */
#include "domain/text.h"
#include "support/table.h"

struct clean_case {
    const char *in, *out, *rule; /* rule: refused by it */
};

static const struct clean_case lines[] = {
    {"", "", NULL},
    {"  Ada   Lovelace \t", "Ada Lovelace", NULL},
    {"Cafe\xCC\x81", "Caf\xC3\xA9", NULL},
    {"a\xC2\xA0\xE3\x80\x80"
     "b",
     "a b", NULL},
    {"two\nlines", "", "text.control"},
    {"bell\x07", "", "text.control"},
    {"c1 \xC2\x85", "", "text.control"},
    {"\xE2\x80\xAEgnp.exe", "", "text.direction"},
    {"bad \xFF", "", "text.utf8"},
    {"\xED\xA0\x80", "", "text.utf8"},
    {"\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB", "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB",
     NULL},
};

TABLE_TEST(text, lines_are_cleaned_or_refused_by_rule, struct clean_case, lines)
{
    struct arena a;
    struct refusal why;
    str out;

    arena_init(&a, 1 << 20);
    enum status s = text_line(&a, str_of(row->in), &out, &why);

    cr_assert_eq(s, row->rule ? STATUS_INVALID : STATUS_OK, "[%s]", row->in);
    cr_assert(str_eq(out, str_of(row->out)), "[%s] gave [" STR_FMT "]", row->in, STR_ARG(out));
    if (row->rule)
        cr_assert_str_eq(why.rule, row->rule);
    else
        cr_assert_null(why.rule);
    arena_release(&a);
}

Test(text, blocks_keep_lines_and_tabs)
{
    struct arena a;
    struct refusal why;
    str out;

    arena_init(&a, 1 << 20);
    cr_assert_eq(text_block(&a, STR(" a\r\nb\rc\td  e \n"), &out, &why), STATUS_OK);
    cr_assert(str_eq(out, STR("a\nb\nc\td  e")), "[" STR_FMT "]", STR_ARG(out));
    cr_assert_eq(text_block(&a, STR("a\x01"), &out, &why), STATUS_INVALID);
    arena_release(&a);
}

struct fold_case {
    const char *in, *fold, *marks;
};

static const struct fold_case folds[] = {
    {"ABC 12", "abc 12", "abc 12"},
    {"Stra\xC3\x9F"
     "e",
     "strasse", "strasse"},
    {"M\xC3\x9CLLER", "m\xC3\xBCller", "muller"},
    {"\xEF\xBC\xA1\xEF\xBC\x91", "a1", "a1"},
    {"soft\xC2\xADhyphen", "softhyphen", "softhyphen"},
    {"", "", ""},
};

TABLE_TEST(text, folding_makes_spellings_equal, struct fold_case, folds)
{
    struct arena a;

    arena_init(&a, 1 << 20);
    cr_assert(str_eq(text_fold(&a, str_of(row->in)), str_of(row->fold)), "[%s]", row->in);
    cr_assert(str_eq(text_fold_marks(&a, str_of(row->in)), str_of(row->marks)), "[%s]", row->in);
    arena_release(&a);
}

Test(text, a_full_arena_is_reported_not_crashed_into)
{
    struct arena a;
    struct refusal why;
    str out;

    arena_init(&a, 16);
    cr_assert_eq(text_line(&a, STR("Z\xC3\xBCrich"), &out, &why), STATUS_EXHAUSTED);
    cr_assert_null(out.p);
    cr_assert_str_eq(why.rule, "memory");
    cr_assert_null(text_fold(&a, STR("Z\xC3\xBCrich")).p);
    arena_release(&a);
}
