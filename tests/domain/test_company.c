/* company: names of one company that compare equal. */
#include "domain/company.h"
#include "support/table.h"

struct key_case {
    const char *in, *key;
};

static const struct key_case keys[] = {
    {"Acme Robotics GmbH & Co. KG", "acme robotics"},
    {"ACME ROBOTICS", "acme robotics"},
    {"Acme Robotics, Inc.", "acme robotics"},
    {"The Acme Company", "acme"},
    {"Fiat S.p.A.", "fiat"},
    {"Nestl\xC3\xA9 S.A.", "nestle"},
    {"GmbH", "gmbh"},
    {"AG", "ag"},
    {"3M Co.", "3m"},
    {"L'Or\xC3\xA9"
     "al SA",
     "loreal"},
    {"  ", ""},
    {"", ""},
    {"A/S Norsk", "a s norsk"},
    {"\xE6\xA0\xAA\xE5\xBC\x8F", "\xE6\xA0\xAA\xE5\xBC\x8F"},
    {"Procter & Gamble", "procter gamble"},
};

TABLE_TEST(company, keys_ignore_case_punctuation_and_legal_form, struct key_case, keys)
{
    struct arena a;

    arena_init(&a, 1 << 20);
    str key = company_key(&a, str_of(row->in));

    cr_assert(key.p != NULL);
    cr_assert(str_eq(key, str_of(row->key)), "[%s] gave [" STR_FMT "]", row->in, STR_ARG(key));
    arena_release(&a);
}
