/* country: the table is sound, and every way to name a country finds its row. */
#include "domain/country.h"
#include "support/table.h"

struct name_case {
    const char *in, *alpha2; /* alpha2 NULL: refused */
};

static const struct name_case names[] = {
    {"DE", "DE"},
    {"de", "DE"},
    {" at ", "AT"},
    {"UK", "GB"},
    {"USA", "US"},
    {"U.S.A.", "US"},
    {"DEU", "DE"},
    {"gbr", "GB"},
    {"Germany", "DE"},
    {"DEUTSCHLAND", "DE"},
    {"\xC3\x96sterreich", "AT"},
    {"the Netherlands", "NL"},
    {"C\xC3\xB4te d'Ivoire", "CI"},
    {"Cote d Ivoire", "CI"},
    {"T\xC3\xBCrkiye", "TR"},
    {"Korea, Republic of", "KR"},
    {"South Korea", "KR"},
    {"de_AT", "AT"},
    {"pt-BR", "BR"},
    {"en_US.UTF-8", "US"},
    {"zh-Hant-TW", "TW"},
    {"\xE6\x97\xA5\xE6\x9C\xAC", "JP"},
    {"\xE2\x80\x8B", NULL},
    {"XX", NULL},
    {"", NULL},
    {"Atlantis", NULL},
    {"12", NULL},
    {"EU", NULL},
    {"de", "DE"},
    {"\xFF", NULL},
};

TABLE_TEST(country, is_found_by_any_of_its_names, struct name_case, names)
{
    struct arena a;
    struct refusal why;
    const struct country *c;

    arena_init(&a, 1 << 20);
    enum status s = country_parse(&a, str_of(row->in), &c, &why);

    cr_assert_eq(s, row->alpha2 ? STATUS_OK : STATUS_INVALID, "[%s]", row->in);
    cr_assert_str_eq(c ? c->alpha2 : "none", row->alpha2 ? row->alpha2 : "none", "[%s]", row->in);
    cr_assert_eq(why.rule == NULL, s == STATUS_OK);
    arena_release(&a);
}

Test(country, every_row_is_sorted_and_found_by_its_own_names)
{
    struct arena a;
    size_t n;
    const struct country *rows = country_rows(&n);

    arena_init(&a, 1 << 20);
    cr_assert_eq(n, 249);
    for (size_t i = 0; i < n; i++) {
        const struct country *c;
        struct refusal why;

        if (i)
            cr_assert_lt(strcmp(rows[i - 1].alpha2, rows[i].alpha2), 0);
        cr_assert_eq(country_find(str_of(rows[i].alpha2)), &rows[i]);
        cr_assert_eq(country_parse(&a, str_of(rows[i].alpha3), &c, &why), STATUS_OK);
        cr_assert_eq(c, &rows[i], "%s", rows[i].alpha3);
        cr_assert_eq(country_parse(&a, str_of(rows[i].name), &c, &why), STATUS_OK, "%s",
                     rows[i].name);
        cr_assert_eq(c, &rows[i], "%s is taken for %s", rows[i].name, c->alpha2);
        cr_assert_eq(rows[i].calling_code != 0, rows[i].n_digits != 0, "%s", rows[i].alpha2);
    }
    arena_release(&a);
}

Test(country, generic_use_of_a_country_domain_tells_nothing)
{
    cr_assert_str_eq(country_of_tld(STR("de"))->alpha2, "DE");
    cr_assert_str_eq(country_of_tld(STR("uk"))->alpha2, "GB");
    cr_assert_null(country_of_tld(STR("io")));
    cr_assert_null(country_of_tld(STR("com")));
    cr_assert_null(country_of_tld(STR("eu")));
}
