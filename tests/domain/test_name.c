/* name: plausible people, implausible ones, parts and keys. */
#include "domain/name.h"
#include "support/table.h"

struct flaw_case {
    const char *in;
    enum name_flaw flaw;
};

static const struct flaw_case flaws[] = {
    {"Ada Lovelace", NAME_FLAW_NONE},
    {"Jos\xC3\xA9 Mar\xC3\xAD"
     "a",
     NAME_FLAW_NONE},
    {"O'Brien", NAME_FLAW_NONE},
    {"Jean-Luc", NAME_FLAW_NONE},
    {"\xE7\x8E\x8B\xE4\xBC\x9F", NAME_FLAW_NONE},
    {"Ng", NAME_FLAW_NONE},
    {"Wolfgang Schwarzschild", NAME_FLAW_NONE},
    {"", NAME_FLAW_EMPTY},
    {"--", NAME_FLAW_EMPTY},
    {"x", NAME_FLAW_SINGLE},
    {"Bob123", NAME_FLAW_DIGITS},
    {"a@b", NAME_FLAW_SYMBOLS},
    {"<script>", NAME_FLAW_SYMBOLS},
    {"xxxxx", NAME_FLAW_REPEATED},
    {"asdf Miller", NAME_FLAW_KEYBOARD},
    {"qwertz", NAME_FLAW_KEYBOARD},
    {"Test User", NAME_FLAW_PLACEHOLDER},
    {"unknown", NAME_FLAW_PLACEHOLDER},
    {"bcdfghjkl", NAME_FLAW_CONSONANTS},
    {"Acme GmbH", NAME_FLAW_COMPANY},
    {"bad\xFF", NAME_FLAW_SYMBOLS},
};

TABLE_TEST(name, flaws_are_named, struct flaw_case, flaws)
{
    struct arena a;

    arena_init(&a, 1 << 20);
    enum name_flaw f = name_check(&a, str_of(row->in));

    cr_assert_eq(f, row->flaw, "[%s] is judged: %s", row->in, name_flaw_text(f));
    arena_release(&a);
}

struct split_case {
    const char *full, *given, *family;
};

static const struct split_case splits[] = {
    {"Ada Lovelace", "Ada", "Lovelace"},
    {"Lovelace, Ada", "Ada", "Lovelace"},
    {"Ludwig van Beethoven", "Ludwig", "van Beethoven"},
    {"Oscar de la Hoya", "Oscar", "de la Hoya"},
    {"Mary Jane Watson", "Mary Jane", "Watson"},
    {"Cher", "", "Cher"},
    {"", "", ""},
    {" van Dyke ", "van", "Dyke"},
    {"Miller,", "", "Miller"},
};

TABLE_TEST(name, splits_into_given_and_family, struct split_case, splits)
{
    str given, family;

    name_split(str_of(row->full), &given, &family);
    cr_assert(str_eq(given, str_of(row->given)), "[%s] given [" STR_FMT "]", row->full,
              STR_ARG(given));
    cr_assert(str_eq(family, str_of(row->family)), "[%s] family [" STR_FMT "]", row->full,
              STR_ARG(family));
}

Test(name, keys_ignore_order_titles_and_accents)
{
    struct arena a;

    arena_init(&a, 1 << 20);
    cr_assert(str_eq(name_key(&a, STR("Dr. Ada L\xC3\xB6velace")), STR("ada lovelace")));
    cr_assert(str_eq(name_key(&a, STR("LOVELACE, Ada")), STR("ada lovelace")));
    arena_release(&a);
}
