/* A table of paths: where a value is, what it must be, which fact it is. */
#include "integration/clearbit_body.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "domain/country.h"
#include "domain/time_zone.h"

#define NUMBER_MAX 1e15

enum kind {
    TEXT,
    WEBSITE,  /* a domain, as an address */
    LINKEDIN, /* "in/ada" */
    COUNTRY,  /* alpha-2 */
    ZONE,
    NUMBER, /* 0 and more, at most NUMBER_MAX */
    YEAR,   /* 1000 to 2999 */
    MONTH,
    RANGE, /* "51-250", "10K+", "$1M-$10M": its middle */
};

struct row {
    const char *key;
    const char *outer, *inner; /* outer NULL: of the record itself */
    enum kind kind;
    double confidence;
};

/* A key that is there is not overwritten: the better source stands first. */
/* clang-format off */
static const struct row company[] = {
    /* key                              outer      inner                      kind     confidence */
    {"company.name",                  NULL,       "name",                    TEXT,    0.9},
    {"company.domain",                NULL,       "domain",                  TEXT,    0.9},
    {"company.website",               NULL,       "domain",                  WEBSITE, 0.9},
    {"company.industry",              "category", "industry",                TEXT,    0.9},
    {"company.industry_code",         "category", "naicsCode",               TEXT,    0.9},
    {"company.industry_code",         "category", "sicCode",                 TEXT,    0.9},
    {"company.country",               "geo",      "countryCode",             COUNTRY, 0.9},
    {"company.region",                "geo",      "state",                   TEXT,    0.9},
    {"company.city",                  "geo",      "city",                    TEXT,    0.9},
    {"company.ownership",             NULL,       "type",                    TEXT,    0.9},
    {"company.employees",             "metrics",  "employees",               NUMBER,  0.9},
    {"company.employees",             "metrics",  "employeesRange",          RANGE,   0.6},
    {"company.annual_revenue",        "metrics",  "annualRevenue",           NUMBER,  0.9},
    {"company.annual_revenue",        "metrics",  "estimatedAnnualRevenue",  RANGE,   0.5},
    {"company.founded_year",          NULL,       "foundedYear",             YEAR,    0.9},
    {"company.fiscal_year_end_month", "metrics",  "fiscalYearEnd",           MONTH,   0.9},
};

static const struct row person[] = {
    /* key                 outer         inner         kind      confidence */
    {"person.name",       "name",       "fullName",    TEXT,     0.8},
    {"person.title",      "employment", "title",       TEXT,     0.8},
    {"person.role",       "employment", "role",        TEXT,     0.8},
    {"person.seniority",  "employment", "seniority",   TEXT,     0.8},
    {"person.linkedin",   "linkedin",   "handle",      LINKEDIN, 0.8},
    {"geo.country",       "geo",        "countryCode", COUNTRY,  0.7},
    {"geo.region",        "geo",        "state",       TEXT,     0.7},
    {"geo.time_zone",     NULL,         "timeZone",    ZONE,     0.7},
};
/* clang-format on */

_Static_assert(sizeof company / sizeof *company + sizeof person / sizeof *person <=
                   ENRICH_PROVIDER_FACTS_MAX,
               "an answer holds all of it");

struct reader {
    struct arena *arena;
    const struct clearbit_read *how;
    struct enrich_result *out;
    double trust; /* of what this record says, 0 to 1 */
    bool is_full;
};

static bool has(const struct enrich_result *r, const char *key)
{
    for (size_t i = 0; i < r->n_facts; i++)
        if (strcmp(r->facts[i].key, key) == 0)
            return true;
    return false;
}

static void put(struct reader *r, const struct row *row, enum enrich_type type, const char *value)
{
    if (!value) {
        r->is_full = true;
        return;
    }
    r->out->facts[r->out->n_facts++] =
        (struct enrich_fact){.key = row->key,
                             .value = value,
                             .type = type,
                             .confidence = row->confidence * r->trust,
                             .source = r->how->source,
                             .observed_at_us = r->how->at_us};
}

/* Printable, not empty, not long; {0} for anything else. */
static str text_of(const json_t *v)
{
    str s =
        json_is_string(v) ? str_trim((str){json_string_value(v), json_string_length(v)}) : (str){0};

    if (s.n > CLEARBIT_TEXT_BYTES || !str_is_text(s))
        return (str){0};
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return (str){0};
    return s;
}

static void put_text(struct reader *r, const struct row *row, str s)
{
    if (s.n)
        put(r, row, ENRICH_TEXT, arena_cstr(r->arena, s));
}

static void put_number(struct reader *r, const struct row *row, double x)
{
    if (isfinite(x) && x >= 0 && x <= NUMBER_MAX)
        put(r, row, ENRICH_NUMBER, arena_printf(r->arena, "%.15g", x));
}

/* Letters, digits and -_./ as a profile's address has them; nothing that leads elsewhere. */
static void put_linkedin(struct reader *r, const struct row *row, str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];

        if (!(ch >= 'a' && ch <= 'z') && !(ch >= 'A' && ch <= 'Z') && !(ch >= '0' && ch <= '9') &&
            !(ch && strchr("-_./%", ch)))
            return;
    }
    if (s.n)
        put(r, row, ENRICH_TEXT,
            arena_printf(r->arena, "https://www.linkedin.com/" STR_FMT, STR_ARG(s)));
}

static void put_country(struct reader *r, const struct row *row, str s)
{
    const struct country *country = s.n == 2 ? country_find(s) : NULL;

    if (country)
        put(r, row, ENRICH_TEXT, country->alpha2);
}

/* "10K" -> 10000; what is behind it stays in *s. Negative: no number. */
static double amount(str *s)
{
    static const struct {
        char letter;
        double times;
    } units[] = {{'K', 1e3}, {'M', 1e6}, {'B', 1e9}, {'T', 1e12}};
    double x = 0;
    size_t n = 0;

    if (s->n && s->p[0] == '$')
        *s = str_sub(*s, 1, s->n);
    for (; n < s->n && n < 15 && s->p[n] >= '0' && s->p[n] <= '9'; n++)
        x = 10 * x + (s->p[n] - '0');
    if (!n)
        return -1;
    *s = str_sub(*s, n, s->n);
    for (size_t i = 0; s->n && i < sizeof units / sizeof *units; i++)
        if (s->p[0] == units[i].letter) {
            *s = str_sub(*s, 1, s->n);
            return x * units[i].times;
        }
    return x;
}

static void put_range(struct reader *r, const struct row *row, str s)
{
    double low = amount(&s), high;

    if (low < 0)
        return;
    if (s.n == 1 && s.p[0] == '+') {
        put_number(r, row, low);
        return;
    }
    if (!s.n || s.p[0] != '-')
        return;
    s = str_sub(s, 1, s.n);
    high = amount(&s);
    if (high >= low && !s.n)
        put_number(r, row, round(sqrt((low > 1 ? low : 1) * high)));
}

static void put_within(struct reader *r, const struct row *row, const json_t *v,
                       const double bounds[2])
{
    double x = json_is_integer(v) ? json_number_value(v) : -1;

    if (x >= bounds[0] && x <= bounds[1])
        put_number(r, row, x);
}

static void read_row(struct reader *r, const struct row *row, const json_t *v)
{
    switch (row->kind) {
    case TEXT: put_text(r, row, text_of(v)); break;
    case WEBSITE:
        if (text_of(v).n)
            put(r, row, ENRICH_TEXT,
                arena_printf(r->arena, "https://" STR_FMT, STR_ARG(text_of(v))));
        break;
    case LINKEDIN: put_linkedin(r, row, text_of(v)); break;
    case COUNTRY: put_country(r, row, text_of(v)); break;
    case ZONE: put_text(r, row, time_zone_is_known(text_of(v)) ? text_of(v) : (str){0}); break;
    case NUMBER: put_number(r, row, json_is_number(v) ? json_number_value(v) : -1); break;
    case YEAR: put_within(r, row, v, (const double[]){1000, 2999}); break;
    case MONTH: put_within(r, row, v, (const double[]){1, 12}); break;
    case RANGE: put_range(r, row, text_of(v)); break;
    }
}

static void read_record(struct reader *r, const json_t *o, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const json_t *outer = rows[i].outer ? json_object_get(o, rows[i].outer) : o;

        if (!has(r->out, rows[i].key))
            read_row(r, &rows[i], json_object_get(outer, rows[i].inner));
    }
}

static bool is_record(const json_t *v)
{
    return !v || json_is_null(v) || json_is_object(v);
}

static bool read_answer(struct reader *r, const json_t *root)
{
    bool is_combined = r->how->form == CLEARBIT_COMBINED;
    const json_t *p = is_combined ? json_object_get(root, "person") : NULL;
    const json_t *c = is_combined ? json_object_get(root, "company") : root;

    if (!json_is_object(root) || !is_record(p) || !is_record(c))
        return false;
    r->trust = 1;
    read_record(r, c, company, sizeof company / sizeof *company);
    r->trust = json_is_true(json_object_get(p, "fuzzy")) ? 0.5 : 1;
    read_record(r, p, person, sizeof person / sizeof *person);
    return !r->is_full;
}

/* The depth is looked at before the parser recurses into it. */
static bool is_shallow(str text)
{
    int depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.n; i++) {
        char ch = text.p[i];

        if (quoted && ch == '\\')
            i++;
        else if (ch == '"')
            quoted = !quoted;
        else if (!quoted && (ch == '{' || ch == '['))
            depth++;
        else if (!quoted && (ch == '}' || ch == ']'))
            depth--;
        if (depth > CLEARBIT_DEPTH_MAX)
            return false;
    }
    return true;
}

bool clearbit_body_read(struct arena *a, str body, const struct clearbit_read *how,
                        struct enrich_result *out)
{
    struct reader r = {.arena = a, .how = how, .out = out};
    json_t *root = NULL;
    bool is_read;

    out->n_facts = 0;
    if (body.n && body.n <= CLEARBIT_BODY_BYTES && is_shallow(body))
        root = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
    is_read = root && read_answer(&r, root);
    json_decref(root);
    if (!is_read)
        out->n_facts = 0;
    return is_read;
}
