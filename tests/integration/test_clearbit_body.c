/* What an answer says, and what it does not. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "integration/clearbit_body.h"
#include "support/table.h"

enum { ARENA_BYTES = 1 << 20, AT_US = 77 };

static bool read_body(struct arena *a, enum clearbit_form form, str body, struct enrich_result *out)
{
    *out = (struct enrich_result){.reason = ""};
    return clearbit_body_read(
        a, body, &(struct clearbit_read){.form = form, .source = "them", .at_us = AT_US}, out);
}

static const struct enrich_fact *fact(const struct enrich_result *r, const char *key)
{
    for (size_t i = 0; i < r->n_facts; i++)
        if (strcmp(r->facts[i].key, key) == 0)
            return &r->facts[i];
    return NULL;
}

/* One member of a company -> one fact. */
/* clang-format off */
static const struct { char json[120], key[32], value[48]; enum enrich_type type; int per_mille; } members[] = {
    /* json                                              key                       value             type      confidence */
    {"{\"name\":\" Acme \"}",                            "company.name",           "Acme",           ENRICH_TEXT,   900},
    {"{\"domain\":\"acme.com\"}",                        "company.website",        "https://acme.com", ENRICH_TEXT, 900},
    {"{\"category\":{\"industry\":\"Banking\"}}",        "company.industry",       "Banking",        ENRICH_TEXT,   900},
    {"{\"category\":{\"naicsCode\":\"51\",\"sicCode\":\"73\"}}", "company.industry_code", "51",       ENRICH_TEXT,   900},
    {"{\"category\":{\"naicsCode\":null,\"sicCode\":\"73\"}}", "company.industry_code", "73",         ENRICH_TEXT,   900},
    {"{\"geo\":{\"countryCode\":\"DE\"}}",               "company.country",        "DE",             ENRICH_TEXT,   900},
    {"{\"geo\":{\"countryCode\":\"XX\"}}",               "company.country",        "",               ENRICH_TEXT,   0},
    {"{\"geo\":{\"countryCode\":\"Germany\"}}",          "company.country",        "",               ENRICH_TEXT,   0},
    {"{\"geo\":\"Berlin\"}",                             "company.city",           "",               ENRICH_TEXT,   0},
    {"{\"metrics\":{\"employees\":412}}",                "company.employees",      "412",            ENRICH_NUMBER, 900},
    {"{\"metrics\":{\"employees\":0}}",                  "company.employees",      "0",              ENRICH_NUMBER, 900},
    {"{\"metrics\":{\"employees\":-1}}",                 "company.employees",      "",               ENRICH_NUMBER, 0},
    {"{\"metrics\":{\"employees\":1e300}}",              "company.employees",      "",               ENRICH_NUMBER, 0},
    {"{\"metrics\":{\"employees\":\"412\"}}",            "company.employees",      "",               ENRICH_NUMBER, 0},
    {"{\"metrics\":{\"employees\":3,\"employeesRange\":\"51-250\"}}", "company.employees", "3",       ENRICH_NUMBER, 900},
    {"{\"metrics\":{\"employeesRange\":\"51-250\"}}",    "company.employees",      "113",            ENRICH_NUMBER, 600},
    {"{\"metrics\":{\"employeesRange\":\"251-1K\"}}",    "company.employees",      "501",            ENRICH_NUMBER, 600},
    {"{\"metrics\":{\"employeesRange\":\"10K+\"}}",      "company.employees",      "10000",          ENRICH_NUMBER, 600},
    {"{\"metrics\":{\"employeesRange\":\"250-51\"}}",    "company.employees",      "",               ENRICH_NUMBER, 0},
    {"{\"metrics\":{\"employeesRange\":\"51-250x\"}}",   "company.employees",      "",               ENRICH_NUMBER, 0},
    {"{\"metrics\":{\"employeesRange\":\"many\"}}",      "company.employees",      "",               ENRICH_NUMBER, 0},
    {"{\"metrics\":{\"annualRevenue\":5000000}}",        "company.annual_revenue", "5000000",        ENRICH_NUMBER, 900},
    {"{\"metrics\":{\"estimatedAnnualRevenue\":\"$1M-$100M\"}}", "company.annual_revenue", "10000000", ENRICH_NUMBER, 500},
    {"{\"metrics\":{\"fiscalYearEnd\":12}}",             "company.fiscal_year_end_month", "12",      ENRICH_NUMBER, 900},
    {"{\"metrics\":{\"fiscalYearEnd\":13}}",             "company.fiscal_year_end_month", "",        ENRICH_NUMBER, 0},
    {"{\"foundedYear\":1994}",                           "company.founded_year",   "1994",           ENRICH_NUMBER, 900},
    {"{\"foundedYear\":94}",                             "company.founded_year",   "",               ENRICH_NUMBER, 0},
    {"{\"type\":\"private\"}",                           "company.ownership",      "private",        ENRICH_TEXT,   900},
    {"{\"name\":\"\"}",                                  "company.name",           "",               ENRICH_TEXT,   0},
    {"{\"name\":\"a\\nb\"}",                             "company.name",           "",               ENRICH_TEXT,   0},
    {"{\"name\":[\"Acme\"]}",                            "company.name",           "",               ENRICH_TEXT,   0},
};

/* The same of a person. */
static const struct { char json[120], key[32], value[48]; int per_mille; } people[] = {
    {"{\"name\":{\"fullName\":\"Ada Lovelace\"}}",                 "person.name",      "Ada Lovelace",  800},
    {"{\"employment\":{\"title\":\"CEO\"}}",                       "person.title",     "CEO",           800},
    {"{\"employment\":{\"title\":\"CEO\"},\"fuzzy\":true}",        "person.title",     "CEO",           400},
    {"{\"employment\":{\"seniority\":\"executive\"}}",             "person.seniority", "executive",     800},
    {"{\"linkedin\":{\"handle\":\"in/ada\"}}",                     "person.linkedin",  "https://www.linkedin.com/in/ada", 800},
    {"{\"linkedin\":{\"handle\":\"in/ada?x=<script>\"}}",          "person.linkedin",  "",              0},
    {"{\"geo\":{\"countryCode\":\"GB\"}}",                         "geo.country",      "GB",            700},
    {"{\"timeZone\":\"Europe/London\"}",                           "geo.time_zone",    "Europe/London", 700},
    {"{\"timeZone\":\"Europe/Nowhere\"}",                          "geo.time_zone",    "",              0},
};

/* Whole bodies; what is not read gives no facts at all. */
static const struct { char body[200]; bool is_read; int n_facts; } bodies[] = {
    {"{}",                                                              true,  0},
    {"{\"person\":null,\"company\":null}",                              true,  0},
    {"{\"person\":null,\"company\":{\"name\":\"Acme\"}}",               true,  1},
    {"{\"person\":{\"name\":{\"fullName\":\"Ada\"}},\"company\":{\"name\":\"Acme\"}}", true, 2},
    {"{\"person\":[],\"company\":{\"name\":\"Acme\"}}",                 false, 0},
    {"{\"person\":null,\"company\":\"Acme\"}",                          false, 0},
    {"",                                                                false, 0},
    {"null",                                                            false, 0},
    {"[]",                                                              false, 0},
    {"<html>try later</html>",                                          false, 0},
    {"{\"company\":{\"name\":\"Acme\"",                                 false, 0},
    {"{\"company\":{\"name\":\"Acme\"}}{",                              false, 0},
    {"{\"company\":{\"name\":\"Acme\",\"name\":\"Other\"}}",            false, 0},
    {"{\"company\":{\"name\":\"\\ud800\"}}",                            false, 0},
    {"{\"company\":{\"name\":\"\xff\"}}",                               false, 0},
    {"{\"company\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}",          false, 0},
    {"{\"company\":{\"metrics\":{\"employees\":1e999}}}",               false, 0},
};
/* clang-format on */

typedef __typeof__(members[0]) member_case;
typedef __typeof__(people[0]) person_case;
typedef __typeof__(bodies[0]) body_case;

static void check_fact(const struct enrich_fact *f, const char *value, int per_mille,
                       const char *json)
{
    if (!*value) {
        cr_assert_null(f, "%s: %s", json, f->value);
        return;
    }
    cr_assert_not_null(f, "%s", json);
    cr_assert_str_eq(f->value, value, "%s: %s", json, f->value);
    cr_assert_eq((int)(f->confidence * 1000 + 0.5), per_mille, "%s: %f", json, f->confidence);
    cr_assert_str_eq(f->source, "them");
    cr_assert_eq(f->observed_at_us, AT_US);
}

TABLE_TEST(clearbit_body, a_member_of_a_company_is_a_fact, member_case, members)
{
    struct enrich_result r;
    struct arena a;

    arena_init(&a, ARENA_BYTES);
    cr_assert(read_body(&a, CLEARBIT_COMPANY, str_of(row->json), &r), "%s", row->json);
    check_fact(fact(&r, row->key), row->value, row->per_mille, row->json);
    if (*row->value)
        cr_assert_eq(fact(&r, row->key)->type, row->type, "%s", row->json);
    arena_release(&a);
}

TABLE_TEST(clearbit_body, a_member_of_a_person_is_a_fact, person_case, people)
{
    struct enrich_result r;
    struct arena a;
    char body[200];

    arena_init(&a, ARENA_BYTES);
    snprintf(body, sizeof body, "{\"person\":%s,\"company\":null}", row->json);
    cr_assert(read_body(&a, CLEARBIT_COMBINED, str_of(body), &r), "%s", row->json);
    check_fact(fact(&r, row->key), row->value, row->per_mille, row->json);
    arena_release(&a);
}

TABLE_TEST(clearbit_body, a_body_is_read_as_a_whole_or_not_at_all, body_case, bodies)
{
    struct enrich_result r;
    struct arena a;

    arena_init(&a, ARENA_BYTES);
    cr_assert_eq(read_body(&a, CLEARBIT_COMBINED, str_of(row->body), &r), row->is_read, "%s",
                 row->body);
    cr_assert_eq(r.n_facts, (size_t)row->n_facts, "%s: %zu", row->body, r.n_facts);
    arena_release(&a);
}

Test(clearbit_body, a_text_that_is_too_long_is_no_fact)
{
    struct enrich_result r;
    struct arena a;
    char body[400];

    arena_init(&a, ARENA_BYTES);
    snprintf(body, sizeof body, "{\"name\":\"%0*d\"}", CLEARBIT_TEXT_BYTES, 0);
    cr_assert(read_body(&a, CLEARBIT_COMPANY, str_of(body), &r));
    cr_assert_not_null(fact(&r, "company.name"));
    snprintf(body, sizeof body, "{\"name\":\"%0*d\"}", CLEARBIT_TEXT_BYTES + 1, 0);
    cr_assert(read_body(&a, CLEARBIT_COMPANY, str_of(body), &r));
    cr_assert_null(fact(&r, "company.name"));
    arena_release(&a);
}

Test(clearbit_body, a_full_arena_gives_no_facts)
{
    static const char body[] = "{\"name\":\"Acme\",\"type\":\"private\"}";
    struct enrich_result r;
    struct arena a;

    arena_init(&a, 0);
    cr_assert_not(read_body(&a, CLEARBIT_COMPANY, STR(body), &r));
    cr_assert_eq(r.n_facts, 0);
    arena_release(&a);
}
