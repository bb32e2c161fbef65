#include "base/str.h"
#include "support/table.h"

struct cut {
    const char *in, *head, *rest;
};

static const struct cut cuts[] = {
    {"a:b:c", "a", "b:c"}, {"abc", "abc", ""}, {":b", "", "b"}, {"", "", ""}, {"a:", "a", ""},
};

TABLE_TEST(str, cut_splits_at_the_first_separator, struct cut, cuts)
{
    str rest = str_of(row->in), head = str_cut(&rest, ':');

    cr_assert(str_eq(head, str_of(row->head)), "\"%s\": head is " STR_FMT, row->in, STR_ARG(head));
    cr_assert(str_eq(rest, str_of(row->rest)), "\"%s\": rest is " STR_FMT, row->in, STR_ARG(rest));
}

struct text {
    const char *name, *bytes;
    size_t n;
    bool ok;
};

static const struct text texts[] = {
    {"empty", "", 0, true},
    {"ascii", "abc", 3, true},
    {"nul", "a\0b", 3, false},
    {"two bytes", "\xC3\xA9", 2, true},
    {"overlong slash", "\xC0\xAF", 2, false},
    {"overlong three", "\xE0\x80\xAF", 3, false},
    {"surrogate", "\xED\xA0\x80", 3, false},
    {"last before surrogates", "\xED\x9F\xBF", 3, true},
    {"truncated three", "\xE2\x82", 2, false},
    {"four bytes", "\xF0\x9F\x98\x80", 4, true},
    {"overlong four", "\xF0\x80\x80\x80", 4, false},
    {"over U+10FFFF", "\xF4\x90\x80\x80", 4, false},
    {"stray continuation", "a\x80", 2, false},
    {"fe", "\xFE", 1, false},
};

TABLE_TEST(str, is_text_is_wellformed_utf8_without_nul, struct text, texts)
{
    cr_assert_eq(str_is_text((str){row->bytes, row->n}), row->ok, "%s", row->name);
}

struct number {
    const char *in;
    bool ok;
    long long value;
};

static const struct number numbers[] = {
    {"0", true, 0},
    {"-1", true, -1},
    {"9223372036854775807", true, 9223372036854775807LL},
    {"-9223372036854775808", true, -9223372036854775807LL - 1},
    {"9223372036854775808", false, 0},
    {"-9223372036854775809", false, 0},
    {"", false, 0},
    {"-", false, 0},
    {"1x", false, 0},
    {" 1", false, 0},
    {"+1", false, 0},
};

TABLE_TEST(str, to_int64_takes_whole_numbers_only, struct number, numbers)
{
    long long v = 42;

    cr_assert_eq(str_to_int64(str_of(row->in), &v), row->ok, "\"%s\"", row->in);
    cr_assert_eq(v, row->value, "\"%s\" is %lld", row->in, v);
}

Test(str, trims_compares_and_counts)
{
    cr_assert(str_eq(str_trim(STR(" \t a b\r\n")), STR("a b")));
    cr_assert(str_eq(str_trim(STR("  ")), STR("")));
    cr_assert(str_eq_nocase(STR("Ab"), STR("aB")));
    cr_assert_not(str_eq_nocase(STR("Ab"), STR("aBc")));
    cr_assert_lt(str_cmp(STR("ab"), STR("abc")), 0);
    cr_assert_gt(str_cmp(STR("b"), STR("abc")), 0);
    cr_assert_eq(str_n_runes(STR("na\xC3\xAFve")), 5);
    cr_assert(str_eq(str_sub(STR("hello"), 3, 99), STR("lo")));
    cr_assert(str_eq(str_sub(STR("hello"), 9, 1), STR("")));
}
