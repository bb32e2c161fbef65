/* enrich_fact: the best of several, and values that are not what they say. */
#include "domain/enrich_fact.h"
#include "domain/moment.h"
#include "support/table.h"

static const struct enrich_fact facts[] = {
    {"company.employees", "10", ENRICH_NUMBER, 0.6, "b", 100},
    {"company.employees", "20", ENRICH_NUMBER, 0.9, "a", 50},
    {"company.employees", "30", ENRICH_NUMBER, 0.9, "c", 60},
    {"company.employees", "40", ENRICH_NUMBER, 0.9, "a", 60},
    {"company.employees", "50", ENRICH_NUMBER, 1.0, "a", 500},
    {"company.name", "Guess", ENRICH_TEXT, 0.3, "offline", 1},
};

struct best_case {
    const char *key;
    int64_t as_of_us;
    const char *value; /* NULL: none */
};

static const struct best_case best[] = {
    {"company.employees", 40, NULL},  {"company.employees", 55, "20"},
    {"company.employees", 100, "40"}, {"company.employees", 500, "50"},
    {"company.name", 500, NULL},      {"company", 500, NULL},
};

TABLE_TEST(enrich_fact, the_most_certain_that_was_known_wins, struct best_case, best)
{
    const struct enrich_fact *f =
        enrich_fact_best(facts, sizeof facts / sizeof *facts, str_of(row->key), row->as_of_us);

    cr_assert_eq(f != NULL, row->value != NULL, "%s at %d", row->key, (int)row->as_of_us);
    if (f)
        cr_assert_str_eq(f->value, row->value);
}

Test(enrich_fact, of_each_key_the_better_is_kept)
{
    struct enrich_fact all[sizeof facts / sizeof *facts];
    size_t n;

    memcpy(all, facts, sizeof facts);
    n = enrich_facts_merge(all, sizeof facts / sizeof *facts, 100);
    cr_assert_eq(n, 2);
    cr_assert_str_eq(all[0].value, "40", "the latest of the most certain, and of those by source");
    cr_assert_str_eq(all[1].value, "Guess", "a guess stays where nobody is certain");
    memcpy(all, facts, sizeof facts);
    n = enrich_facts_merge(all, sizeof facts / sizeof *facts, 55);
    cr_assert_eq(n, 2);
    cr_assert_str_eq(all[0].value, "20", "what was said later was not known then");
    cr_assert_eq(enrich_facts_merge(all, 0, 100), 0);
}

struct number_case {
    const char *value;
    enum enrich_type type;
    bool ok;
};

static const struct number_case numbers[] = {
    {"12", ENRICH_NUMBER, true},   {"-1.5e3", ENRICH_NUMBER, true}, {"nan", ENRICH_NUMBER, false},
    {"inf", ENRICH_NUMBER, false}, {"1e999", ENRICH_NUMBER, false}, {"12 ", ENRICH_NUMBER, false},
    {"", ENRICH_NUMBER, false},    {"12", ENRICH_TEXT, false},
};

TABLE_TEST(enrich_fact, only_finite_numbers_are_numbers, struct number_case, numbers)
{
    struct enrich_fact f = {"k", row->value, row->type, 1, "t", 0};
    double d;

    cr_assert_eq(enrich_fact_number(&f, &d), row->ok, "\"%s\"", row->value);
}

Test(enrich_fact, dates_and_truths_are_read_strictly)
{
    struct enrich_fact date = {"k", "2024-02-29", ENRICH_DATE, 1, "t", 0},
                       none = {"k", "2023-02-29", ENRICH_DATE, 1, "t", 0},
                       yes = {"k", "true", ENRICH_BOOL, 1, "t", 0},
                       perhaps = {"k", "yes", ENRICH_BOOL, 1, "t", 0};
    int64_t us;
    bool b;

    cr_assert(enrich_fact_date(&date, &us));
    cr_assert_eq(us % MOMENT_DAY_US, 0);
    cr_assert_not(enrich_fact_date(&none, &us));
    cr_assert(enrich_fact_bool(&yes, &b) && b);
    cr_assert_not(enrich_fact_bool(&perhaps, &b));
}
