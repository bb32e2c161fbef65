#include <criterion/criterion.h>
#include <stdio.h>

#include "store/words.h"
#include "support/table.h"

/* clang-format off */
static const struct row {
    const char *text, *want; /* words with a bar behind each */
} rows[] = {
    {"",                          ""},
    {"  ,.;  ",                   ""},
    {"Ada Lovelace",              "ada|lovelace|"},
    {"ada ADA Ada",               "ada|"},
    {"O'Neill-Smith",             "o|neill|smith|"},
    {"Müller",                    "muller|"},
    {"Mu\xCC\x88ller",            "muller|"},          /* u + combining diaeresis */
    {"ＭÜＬＬＥＲ",                "muller|"},          /* full width */
    {"Straße STRASSE",            "strasse|"},
    {"Ærøskøbing",                "ærøskøbing|"},
    {"Ελλάδα ΕΛΛΑΔΑ",             "ελλαδα|"},
    {"ﬁn",                        "fin|"},             /* ligature */
    {"株式会社 木村",              "株式会社|木村|"},
    {"\xFF\xFE" "a\xC3(b",        "a|b|"},             /* not UTF-8 */
    {"a1 2b 3",                   "a1|2b|3|"},
    {"zero\xE2\x80\x8Bwidth",     "zerowidth|"},       /* ignorable */
};
/* clang-format on */

static void join(const struct words *w, char out[512])
{
    size_t n = 0;

    for (size_t i = 0; i < w->n; i++)
        n += (size_t)snprintf(out + n, 512 - n, STR_FMT "|", STR_ARG(w->list[i]));
    out[n] = 0;
}

TABLE_TEST(words, text_becomes_words, struct row, rows)
{
    struct words w = {.n = 0};
    struct arena a;
    char got[512];

    arena_init(&a, 1 << 20);
    cr_assert(words_add(&a, str_of(row->text), &w));
    join(&w, got);
    cr_assert_str_eq(got, row->want, "%s gives %s", row->text, got);
    arena_release(&a);
}

Test(words, there_is_a_limit_to_everything)
{
    struct words w = {.n = 0};
    struct arena a;
    char *text;

    arena_init(&a, 1 << 20);
    for (int i = 0; i < 100; i++)
        cr_assert(words_add(&a, str_of(arena_printf(&a, "w%d", i)), &w));
    cr_assert_eq(w.n, WORDS_MAX);
    cr_assert(w.truncated);
    w = (struct words){.n = 0};
    text = arena_take(&a, 10000);
    memset(text, 'x', 10000);
    cr_assert(words_add(&a, (str){text, 10000}, &w));
    cr_assert_eq(w.n, 1);
    cr_assert_eq(w.list[0].n, WORD_BYTES_MAX);
    arena_release(&a);
    arena_init(&a, 0);
    cr_assert_not(words_add(&a, STR("memory"), &w));
}
