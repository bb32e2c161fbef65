/* Lists, filters, search and groups, on both engines. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "storage/fixture.h"
#include "support/table.h"

#define ROWS(table) (sizeof(table) / sizeof *(table))

/* clang-format off */
/* Twelve leads; score -1: never scored. */
static const struct person {
    const char *name, *company, *owner, *country, *tag, *created;
    int status, score, grade;
} people[] = {
    {"Ada Lovelace",    "Engines Ltd",   "u1", "GB", "vip",  "2024-01-05", LEAD_STATUS_QUALIFIED,    91, LEAD_GRADE_A},
    {"Bernd Müller",    "Müller GmbH",   "u1", "DE", NULL,   "2024-02-01", LEAD_STATUS_NEW,          -1, 0},
    {"Chloé Dupont",    "Dupont SA",     "u2", "FR", "cold", "2024-02-01", LEAD_STATUS_NURTURE,      40, LEAD_GRADE_D},
    {"Dana Smith",      "Smith & Sons",  NULL, "US", "vip",  "2023-12-31", LEAD_STATUS_QUALIFIED,    85, LEAD_GRADE_A},
    {"Emil Müller",     "Engines Ltd",   "u2", NULL, NULL,   "2024-03-10", LEAD_STATUS_DISQUALIFIED,  0, LEAD_GRADE_F},
    {"Faye O'Neill",    "",              "u1", "IE", "cold", "2024-03-11", LEAD_STATUS_NEW,          -1, 0},
    {"Gus Gold",        "Gold \"Q\" Inc","u3", "US", NULL,   "2024-03-12", LEAD_STATUS_QUALIFIED,    70, LEAD_GRADE_B},
    {"Hana Kimura",     "Kimura KK",     "u3", "JP", "vip",  "2024-03-13", LEAD_STATUS_CONVERTED,    95, LEAD_GRADE_A},
    {"Iva Novak",       "Novak d.o.o.",  NULL, "HR", NULL,   "2024-03-14", LEAD_STATUS_NEW,          -1, 0},
    {"Jon Smith",       "Engines Ltd",   "u1", "US", "vip",  "2024-03-15", LEAD_STATUS_NURTURE,      55, LEAD_GRADE_C},
    {"Kai Weiß",        "Straße AG",     "u2", "DE", NULL,   "2024-03-16", LEAD_STATUS_QUALIFIED,    85, LEAD_GRADE_A},
    {"Lou Reed",        "Reed Records",  "u9", "US", "vip",  "2024-03-17", LEAD_STATUS_NEW,          -1, 0},
};

/* Which leads a filter gives: their initials, sorted. */
static const struct filter_row {
    const char *filter, *want;
} filters[] = {
    {"",                                              "ABCDEFGHIJKL"},
    {"   ",                                           "ABCDEFGHIJKL"},
    {"status = QUALIFIED",                            "ADGK"},
    {"status = \"qualified\"",                        "ADGK"},
    {"status = LEAD_STATUS_NEW",                      "BFIL"},
    {"status:NEW",                                    "BFIL"},
    {"status != NEW",                                 "ACDEGHJK"},
    {"score >= 85",                                   "ADHK"},
    {"score < 50",                                    "CE"},
    {"NOT score >= 50",                               "BCEFIL"},
    {"-score < 50",                                   "ABDFGHIJKL"},
    {"score != 85",                                   "ABCEFGHIJL"},
    {"score:*",                                       "ACDEGHJK"},
    {"NOT score:*",                                   "BFIL"},
    {"score = 0",                                     "E"},
    {"owner_id = \"u1\"",                             "ABFJ"},
    {"owner_id != u1",                                "CDEGHIKL"},
    {"NOT owner_id = u1",                             "CDEGHIKL"},
    {"NOT owner_id != u1",                            "ABFJ"},
    {"owner_id:*",                                    "ABCEFGHJKL"},
    {"NOT owner_id:*",                                "DI"},
    {"owner_id > u2",                                 "GHL"},
    {"NOT owner_id > u2",                             "ABCDEFIJK"},
    {"country_code = US AND score > 60",              "DG"},
    {"country_code = DE OR country_code = FR",        "BCK"},
    {"status = NEW AND country_code = DE OR country_code = US", "BL"},
    {"(status = NEW AND country_code = DE) OR country_code = US", "BDGJL"},
    {"NOT (status = NEW OR country_code = US)",       "ACEHK"},
    {"tags:vip",                                      "ADHJL"},
    {"tags:\"vip\" AND score >= 90",                  "AH"},
    {"NOT tags:vip",                                  "BCEFGIK"},
    {"tags:vip OR tags:cold",                         "ACDFHJL"},
    {"-tags:cold AND status = NEW",                   "BIL"},
    {"created_at >= \"2024-03-01\"",                  "EFGHIJKL"},
    {"created_at < 2024-01-01T00:00:00Z",             "D"},
    {"created_at = 2024-02-01T01:00:00+01:00",        "BC"},
    {"create_time > 2020-01-01T00:00:00Z",            "ABCDEFGHIJKL"},
    {"create_time < 2020-01-01T00:00:00Z",            ""},
    {"NOT create_time < 2020-01-01T00:00:00Z",        "ABCDEFGHIJKL"},
    {"update_time > \"2020-01-01\" AND grade <= B",   "ADGHK"},
    {"external_id = \"x-Ada\"",                       "A"},
    {"external_id:*",                                 "A"},
    {"source = \"'; DROP TABLE lead; --\"",           ""},
};

static const char *const bad_filters[] = {
    "score", "score =", "= 5", "score = abc", "score > 1.5", "status = WRONG", "status == NEW",
    "nosuch = 1", "email = \"a@b.c\"", "body = x", "tenant_id = 2", "score = 1 AND", "AND score = 1",
    "score = 1 score = 2", "(score = 1", "score = 1)", "\"score\" = 1", "score = \"1", "created_at > now",
    "created_at > 2024-02-30", "owner_id = 'a\\n'", "tags = vip", "tags:*", "external_id > a", "score % 2",
    "NOT", "NOT NOT score = 1", "score = 1;", "1 = 1", "owner_id = $1",
};
/* clang-format on */

static Lead *person(struct call *c, const struct person *p)
{
    Lead *lead = make_lead(c, p->name, NULL);
    Company *company = NEW(&c->arena, Company, 1);
    struct tm day = {0};

    *company = (Company)COMPANY_INIT;
    company->name = (char *)p->company;
    lead->company = company;
    lead->owner_id = (char *)(p->owner ? p->owner : "");
    lead->country_code = (char *)(p->country ? p->country : "");
    lead->external_id = strcmp(p->name, "Ada Lovelace") == 0 ? "x-Ada" : "";
    lead->status = (LeadStatus)p->status;
    if (p->score >= 0) {
        lead->score = NEW(&c->arena, LeadScoreSummary, 1);
        *lead->score = (LeadScoreSummary)LEAD_SCORE_SUMMARY_INIT;
        lead->score->score = p->score;
        lead->score->grade = (LeadGrade)p->grade;
    }
    if (p->tag) {
        lead->n_tags = 1;
        lead->tags = NEW(&c->arena, char *, 1);
        lead->tags[0] = (char *)p->tag;
    }
    lead->created_at = NEW(&c->arena, Google__Protobuf__Timestamp, 1);
    google__protobuf__timestamp__init(lead->created_at);
    cr_assert(strptime(p->created, "%Y-%m-%d", &day));
    lead->created_at->seconds = timegm(&day);
    return lead;
}

static enum status people_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < ROWS(people); i++)
        TRY(tx_insert_lead(tx, person(c, &people[i])));
    return STATUS_OK;
}

static void open_people(struct fixture *f, enum engine e)
{
    struct call other;

    fixture_open(f, e);
    RUN(f, STORE_WRITE, people_unit, NULL, STATUS_OK);
    fixture_call(&other, 2); /* the same again for a neighbour: none of it may show */
    cr_assert_eq(store_run(f->store, &other, STORE_WRITE, people_unit, NULL), STATUS_OK);
    call_release(&other);
}

struct list {
    struct list_query query;
    struct list_page page;
};

static enum status list_unit(struct call *c, struct tx *tx, void *arg)
{
    struct list *l = arg;

    (void)c;
    return tx_list(tx, RECORD_LEAD, &l->query, &l->page);
}

static char initial(const struct list_page *p, size_t i)
{
    return ((const Lead *)p->items[i])->full_name[0];
}

static int by_char(const void *a, const void *b)
{
    return *(const char *)a - *(const char *)b;
}

/* All pages, one initial for each row. */
static void list_all(struct fixture *f, struct list_query q, char out[64])
{
    size_t n = 0;

    q.page_token = (str){0};
    do {
        struct list l = {.query = q};

        RUN(f, STORE_READ, list_unit, &l, STATUS_OK);
        for (size_t i = 0; i < l.page.n_items; i++)
            out[n++] = initial(&l.page, i);
        cr_assert_lt(n, 60);
        cr_assert(l.page.n_items > 0 || !l.page.next_page_token[0]);
        q.page_token = str_of(l.page.next_page_token);
    } while (q.page_token.n);
    out[n] = 0;
}

static const enum engine engines[] = {ENGINE_SQLITE, ENGINE_POSTGRES};

TABLE_TEST(list, a_filter_gives_exactly_its_rows, enum engine, engines)
{
    struct fixture f;
    char got[64];

    open_people(&f, *row);
    for (size_t i = 0; i < ROWS(filters); i++) {
        list_all(&f, (struct list_query){.filter = str_of(filters[i].filter), .page_size = 5}, got);
        qsort(got, strlen(got), 1, by_char);
        cr_assert_str_eq(got, filters[i].want, "%s: %s gives %s", engine_names[*row],
                         filters[i].filter, got);
    }
    fixture_close(&f);
}

Test(list, a_bad_filter_is_refused_with_its_place)
{
    struct fixture f;

    fixture_open(&f, ENGINE_SQLITE);
    for (size_t i = 0; i < ROWS(bad_filters); i++) {
        struct list l = {.query = {.filter = str_of(bad_filters[i])}};

        cr_assert_eq(store_run(f.store, &f.call, STORE_READ, list_unit, &l), STATUS_INVALID, "%s",
                     bad_filters[i]);
        cr_assert_eq(f.call.fault.n_details, 1, "%s", bad_filters[i]);
        cr_assert(str_eq(f.call.fault.details[0].subject, STR("filter")), "%s", bad_filters[i]);
        cr_assert(strstr(f.call.fault.why, "position"), "%s", f.call.fault.why);
        call_clear(&f.call);
    }
    fixture_close(&f);
}

/* clang-format off */
static const struct order_row {
    const char *order, *want;
} orders[] = {
    {"",                              "LKJIHGFEDCBA"},
    {"create_time",                   "ABCDEFGHIJKL"},
    {"create_time desc",              "LKJIHGFEDCBA"},
    {"score desc",                    "HAKDGJCELIFB"},
    {"score",                         "BFILECJGDKAH"},
    {"score desc, create_time",       "HADKGJCEBFIL"},
    {"score asc, create_time desc",   "LIFBECJGKDAH"},
    {"created_at",                    "DABCEFGHIJKL"},
    {"created_at desc, score",        "LKJIHGFEBCAD"},
    {"created_at, score desc",        "DACBEFGHIJKL"},
    {"update_time desc, create_time", NULL}, /* as stored: only the count is sure */
};
/* clang-format on */

TABLE_TEST(list, pages_follow_the_order_without_gap_or_repetition, struct order_row, orders)
{
    for (enum engine e = ENGINE_SQLITE; e < ENGINES; e++) {
        struct fixture f;
        char got[64];

        open_people(&f, e);
        for (int size = 1; size <= 13; size += 3) {
            list_all(&f, (struct list_query){.order_by = str_of(row->order), .page_size = size},
                     got);
            if (row->want)
                cr_assert_str_eq(got, row->want, "%s: %s by %d: %s", engine_names[e], row->order,
                                 size, got);
            cr_assert_eq(strlen(got), ROWS(people));
        }
        fixture_close(&f);
    }
}

/* clang-format off */
static const struct search_row {
    const char *search, *filter, *want;
} searches[] = {
    {"ada",                "",                 "A"},
    {"LOVELACE Ada",       "",                 "A"},
    {"mueller",            "",                 ""},
    {"muller",             "",                 "BE"},
    {"MÜLLER gmbh",        "",                 "B"},
    {"engines",            "",                 "AEJ"},
    {"engines ltd smith",  "",                 "J"},
    {"chloe",              "",                 "C"},
    {"o'neill",            "",                 "F"},
    {"weiss strasse",      "",                 "K"},
    {"smith",              "country_code = US AND score > 60", "D"},
    {"smith",              "tags:vip",         "DJ"},
    {"nobody",             "",                 ""},
    {" , ",                "",                 NULL},
    {"a b c d e f g h i",  "",                 NULL},
};
/* clang-format on */

TABLE_TEST(list, search_finds_words_however_written, enum engine, engines)
{
    struct fixture f;
    char got[64];

    open_people(&f, *row);
    for (size_t i = 0; i < ROWS(searches); i++) {
        const struct search_row *s = &searches[i];
        struct list_query q = {
            .search = str_of(s->search), .filter = str_of(s->filter), .page_size = 1};
        struct list l = {.query = q};

        if (!s->want) {
            RUN(&f, STORE_READ, list_unit, &l, STATUS_INVALID);
            continue;
        }
        list_all(&f, q, got);
        qsort(got, strlen(got), 1, by_char);
        cr_assert_str_eq(got, s->want, "%s: %s gives %s", engine_names[*row], s->search, got);
        q.order_by = STR("score desc");
        list_all(&f, q, got);
        cr_assert_eq(strlen(got), strlen(s->want));
    }
    fixture_close(&f);
}

static enum status update_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_update_lead(tx, arg);
}

Test(list, words_and_tags_follow_an_update)
{
    for (enum engine e = ENGINE_SQLITE; e < ENGINES; e++) {
        struct fixture f;
        Lead *lead;
        char got[64];

        fixture_open(&f, e);
        lead = make_lead(&f.call, "Old Name", NULL);
        lead->n_tags = 1;
        lead->tags = (char *[]){"cold"};
        cr_assert_eq(put_lead(&f, &f.call, lead), STATUS_OK);
        lead->full_name = "New Name";
        lead->tags = (char *[]){"warm"};
        struct list l = {.query = {.search = STR("old")}};

        RUN(&f, STORE_WRITE, update_unit, lead, STATUS_OK);
        RUN(&f, STORE_READ, list_unit, &l, STATUS_OK);
        cr_assert_eq(l.page.n_items, 0);
        list_all(&f, (struct list_query){.search = STR("new name"), .filter = STR("tags:warm")},
                 got);
        cr_assert_str_eq(got, "N");
        list_all(&f, (struct list_query){.filter = STR("tags:cold")}, got);
        cr_assert_str_eq(got, "");
        cr_assert_eq(fixture_number(&f, "SELECT COUNT(*) FROM word"), 3);
        fixture_close(&f);
    }
}

Test(list, a_page_token_fits_only_its_own_list)
{
    struct list l = {.query = {.page_size = 2, .filter = STR("score:*")}}, wrong[6];
    struct fixture f;
    char *token, *flipped;

    open_people(&f, ENGINE_SQLITE);
    RUN(&f, STORE_READ, list_unit, &l, STATUS_OK);
    token = l.page.next_page_token;
    cr_assert(token[0]);
    cr_assert_lt(strlen(token), 1024);
    l.query.page_token = str_of(token);
    RUN(&f, STORE_READ, list_unit, &l, STATUS_OK);
    for (size_t i = 0; i < 6; i++)
        wrong[i] = (struct list){.query = l.query};
    flipped = arena_cstr(&f.call.arena, str_of(token));
    flipped[20] = flipped[20] == 'A' ? 'B' : 'A';
    wrong[0].query.page_token = str_of(flipped);
    wrong[1].query.page_token = STR("AAAA");
    wrong[2].query.page_token = STR("not base64!");
    wrong[3].query.filter = STR("score > 1");
    wrong[4].query.order_by = STR("score");
    wrong[5].query.search = STR("ada");
    for (size_t i = 0; i < 6; i++) {
        cr_assert_eq(store_run(f.store, &f.call, STORE_READ, list_unit, &wrong[i]), STATUS_INVALID,
                     "%zu", i);
        cr_assert(str_eq(f.call.fault.details[0].subject, STR("page_token")), "%zu", i);
        call_clear(&f.call);
    }
    f.call.principal.tenant_id = 2;
    RUN(&f, STORE_READ, list_unit, &l, STATUS_INVALID);
    l.query.page_token = (str){0};
    l.query.page_size = 501;
    RUN(&f, STORE_READ, list_unit, &l, STATUS_INVALID);
    l.query.page_size = -1;
    RUN(&f, STORE_READ, list_unit, &l, STATUS_INVALID);
    fixture_close(&f);
}

Test(list, a_bad_order_is_refused)
{
    static const char *const bad[] = {"nosuch",
                                      "owner_id",
                                      "score down",
                                      "score, score",
                                      "score desc desc",
                                      ",",
                                      "score;",
                                      "id",
                                      "score, created_at, update_time, create_time, score"};
    struct fixture f;

    fixture_open(&f, ENGINE_SQLITE);
    for (size_t i = 0; i < ROWS(bad); i++) {
        struct list l = {.query = {.order_by = str_of(bad[i])}};

        cr_assert_eq(store_run(f.store, &f.call, STORE_READ, list_unit, &l), STATUS_INVALID, "%s",
                     bad[i]);
        call_clear(&f.call);
    }
    fixture_close(&f);
}

static enum status fixed_unit(struct call *c, struct tx *tx, void *arg)
{
    const struct list_where where[] = {{LEAD_BY_owner_id, STR("u1"), 0},
                                       {LEAD_BY_status, {0}, LEAD_STATUS_NEW}};
    struct list *l = arg;

    (void)c;
    l->query.where = where;
    l->query.n_where = 2;
    return tx_list(tx, RECORD_LEAD, &l->query, &l->page);
}

Test(list, fixed_conditions_join_the_filter)
{
    for (enum engine e = ENGINE_SQLITE; e < ENGINES; e++) {
        struct list l = {.query = {.filter = STR("country_code = IE")}};
        struct fixture f;

        open_people(&f, e);
        RUN(&f, STORE_READ, fixed_unit, &l, STATUS_OK);
        cr_assert_eq(l.page.n_items, 1);
        cr_assert_eq(initial(&l.page, 0), 'F');
        fixture_close(&f);
    }
}

struct groups {
    struct group_query query;
    struct group_rows rows;
};

static enum status group_unit(struct call *c, struct tx *tx, void *arg)
{
    struct groups *g = arg;

    (void)c;
    return tx_group(tx, RECORD_LEAD, &g->query, &g->rows);
}

Test(list, groups_count_and_sum_without_the_missing)
{
    for (enum engine e = ENGINE_SQLITE; e < ENGINES; e++) {
        struct groups g = {.query = {.by = {LEAD_BY_status}, .n_by = 1, .sum = LEAD_BY_score}};
        struct fixture f;

        open_people(&f, e);
        RUN(&f, STORE_READ, group_unit, &g, STATUS_OK);
        cr_assert_eq(g.rows.n_rows, 5);
        cr_assert_eq(g.rows.rows[0].key[0].number, LEAD_STATUS_NEW);
        cr_assert_eq(g.rows.rows[0].count, 4);
        cr_assert_eq(g.rows.rows[0].sum, 0);
        cr_assert_eq(g.rows.rows[1].key[0].number, LEAD_STATUS_QUALIFIED);
        cr_assert_eq(g.rows.rows[1].sum, 91 + 85 + 70 + 85);
        g.query = (struct group_query){.by = {LEAD_BY_owner_id, LEAD_BY_country_code},
                                       .n_by = 2,
                                       .filter = STR("NOT owner_id:* OR owner_id = u3")};
        RUN(&f, STORE_READ, group_unit, &g, STATUS_OK);
        cr_assert_eq(g.rows.n_rows, 4);
        g.query = (struct group_query){.filter = STR("score > 50"), .sum = LEAD_BY_score};
        RUN(&f, STORE_READ, group_unit, &g, STATUS_OK);
        cr_assert_eq(g.rows.n_rows, 1);
        cr_assert_eq(g.rows.rows[0].count, 6);
        fixture_close(&f);
    }
}

/* Lists of personal texts are found by any of them, in any spelling, and by no filter. */
Test(list, many_texts_find_their_record)
{
    for (enum engine e = ENGINE_SQLITE; e < ENGINES; e++) {
        const struct list_where mail = {.column = LEAD_BY_other_emails,
                                        .text = STR("Second+x@EXAMPLE.org")},
                                line = {.column = LEAD_BY_other_phones, .text = STR("+4930111")};
        const struct list_where both[] = {mail, line};
        struct fixture f;
        Lead *lead;
        char got[64];

        fixture_open(&f, e);
        lead = make_lead(&f.call, "Jane", "first@example.org");
        lead->n_other_emails = 2;
        lead->other_emails = (char *[]){"second@example.org", "third@example.org"};
        lead->n_other_phones = 1;
        lead->other_phones = (char *[]){"+4930111;ext=7"};
        cr_assert_eq(put_lead(&f, &f.call, lead), STATUS_OK);
        cr_assert_eq(put_lead(&f, &f.call, make_lead(&f.call, "Other", "second@example.org")),
                     STATUS_OK);
        list_all(&f, (struct list_query){.where = &mail, .n_where = 1}, got);
        cr_assert_str_eq(got, "J");
        list_all(&f, (struct list_query){.where = both, .n_where = 2, .search = STR("jane")}, got);
        cr_assert_str_eq(got, "J");
        lead->n_other_emails = 1;
        lead->other_emails = (char *[]){"third@example.org"};
        RUN(&f, STORE_WRITE, update_unit, lead, STATUS_OK);
        list_all(&f, (struct list_query){.where = &mail, .n_where = 1}, got);
        cr_assert_str_eq(got, "");
        fixture_close(&f);
    }
}
