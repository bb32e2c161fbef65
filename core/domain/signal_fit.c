/* Signals of the company and the person: what the lead says about itself. */
#include "domain/moment.h"
#include "domain/money.h"
#include "domain/signal_eval.h"
#include "domain/text.h"

enum { COMPANY_YEARS_MAX = 1500 }; /* the oldest at work are of the 6th century */

static struct signal_value text_at(const void *message, int offset)
{
    const char *text = *(char *const *)((const char *)message + offset);

    return *text ? say(1000, text) : SIGNAL_MISSING;
}

struct signal_value eval_lead_text(const struct scene *s, const struct signal *row)
{
    return text_at(s->lead, row->a);
}

struct signal_value eval_company_text(const struct scene *s, const struct signal *row)
{
    return text_at(s->company, row->a);
}

struct signal_value eval_employees(const struct scene *s, const struct signal *row)
{
    static const struct band bands[] = {{9, 0},       {49, 300},    {249, 700},
                                        {4999, 1000}, {49999, 800}, {INT64_MAX, 500}};
    int64_t least = s->policy->ideal_employees_min, most = s->policy->ideal_employees_max;
    int32_t n = s->company->employees;

    (void)row;
    if (n == 0)
        return SIGNAL_MISSING;
    if (!least && !most)
        return measured(band_of(bands, n), n);
    if (n >= least && (!most || n <= most))
        return measured(1000, n);
    if (n >= least / 2 && (!most || n <= most * 2))
        return measured(400, n);
    return measured(-500, n);
}

struct signal_value eval_revenue(const struct scene *s, const struct signal *row)
{
    static const struct band bands[] = {
        {999999, 0}, {9999999, 400}, {49999999, 700}, {INT64_MAX, 1000}};
    const Money *m = s->company->annual_revenue;
    const struct enrich_fact *f;
    unsigned digits;
    int64_t major;
    double told;

    (void)row;
    if (m && currency_find(str_of(m->currency_code), &digits)) {
        for (major = m->amount_minor; digits > 0; digits--)
            major /= 10;
        return major <= (int64_t)SIGNAL_NUMBER_MAX ? measured(band_of(bands, major), (double)major)
                                                   : SIGNAL_MISSING;
    }
    f = signal_fact(s, STR("company.annual_revenue"));
    if (!f || !enrich_fact_number(f, &told) || !(told >= 0 && told <= SIGNAL_NUMBER_MAX))
        return SIGNAL_MISSING;
    return measured(band_of(bands, (int64_t)told), told);
}

struct signal_value eval_industry(const struct scene *s, const struct signal *row)
{
    const char *name = s->company->industry;

    (void)row;
    if (!*name)
        return SIGNAL_MISSING;
    for (size_t i = 0; i < s->policy->n_ideal_industries; i++)
        if (str_eq_nocase(str_of(name), str_of(s->policy->ideal_industries[i])))
            return say(1000, name);
    return say(s->policy->n_ideal_industries ? -300 : 300, name);
}

struct signal_value eval_country_served(const struct scene *s, const struct signal *row)
{
    (void)row;
    return *s->country ? say(1000, s->country)
                       : SIGNAL_MISSING; /* out of territory is a hard rule */
}

struct signal_value eval_company_age(const struct scene *s, const struct signal *row)
{
    static const struct band bands[] = {{0, -500}, {2, 300}, {INT64_MAX, 1000}};
    char today[DATE_TEXT_BYTES + 1];
    long long year = 0;

    (void)row;
    date_of(s->in->as_of_us, today);
    if (!s->company->founded_year || !str_to_int64(str_sub(str_of(today), 0, 4), &year))
        return SIGNAL_MISSING;
    year -= s->company->founded_year;
    return year >= 0 && year <= COMPANY_YEARS_MAX ? measured(band_of(bands, year), (double)year)
                                                  : SIGNAL_MISSING;
}

struct signal_value eval_technologies(const struct scene *s, const struct signal *row)
{
    size_t n = s->company->n_technologies;

    return n ? measured(part((int64_t)n, row->a), (double)n) : SIGNAL_MISSING;
}

struct signal_value eval_technology_of(const struct scene *s, const struct signal *row)
{
    for (size_t i = 0; i < s->company->n_technologies; i++) {
        str folded = text_fold(s->arena, str_of(s->company->technologies[i]));

        if (folded.p && signal_has_word(folded, row->text))
            return say(1000, s->company->technologies[i]);
    }
    return s->company->n_technologies ? say(0, "none of them") : SIGNAL_MISSING;
}

/* A competitor's name, the first label of its domain, among the products in use. */
struct signal_value eval_competitor_product(const struct scene *s, const struct signal *row)
{
    (void)row;
    if (!s->company->n_technologies || !s->policy->n_competitor_domains)
        return SIGNAL_MISSING;
    for (size_t i = 0; i < s->company->n_technologies; i++) {
        str product = str_of(s->company->technologies[i]), first = str_cut(&product, ' ');

        for (size_t k = 0; k < s->policy->n_competitor_domains; k++) {
            str domain = str_of(s->policy->competitor_domains[k]);

            if (str_eq_nocase(first, str_cut(&domain, '.')))
                return yes_no(true);
        }
    }
    return yes_no(false);
}

struct signal_value eval_territory(const struct scene *s, const struct signal *row)
{
    const QualificationPolicy *p = s->policy;
    bool inside = false;

    (void)row;
    if (!p->n_territory_country_codes || !*s->country)
        return SIGNAL_MISSING;
    for (size_t i = 0; i < p->n_territory_country_codes; i++)
        inside |= strcmp(p->territory_country_codes[i], s->country) == 0;
    return yes_no(inside);
}

/* The person works in another country than the head office. */
struct signal_value eval_cross_border(const struct scene *s, const struct signal *row)
{
    (void)row;
    if (!*s->lead->country_code || !*s->company->country_code)
        return SIGNAL_MISSING;
    return yes_no(strcmp(s->lead->country_code, s->company->country_code) != 0);
}

struct signal_value eval_revenue_currency(const struct scene *s, const struct signal *row)
{
    const Money *m = s->company->annual_revenue;

    (void)row;
    return m && *m->currency_code ? say(0, m->currency_code) : SIGNAL_MISSING;
}

struct signal_value eval_seniority(const struct scene *s, const struct signal *row)
{
    static const int shares[SENIORITY_N] = {
        [SENIORITY_TRAINEE] = -500, [SENIORITY_STAFF] = 150,    [SENIORITY_SENIOR] = 350,
        [SENIORITY_MANAGER] = 600,  [SENIORITY_DIRECTOR] = 850, [SENIORITY_VP] = 950,
        [SENIORITY_C_LEVEL] = 1000, [SENIORITY_OWNER] = 1000};
    unsigned n = s->lead->seniority;

    (void)row;
    return n > 0 && n < SENIORITY_N ? say(shares[n], seniority_name(s->lead->seniority))
                                    : SIGNAL_MISSING;
}

struct signal_value eval_job_function(const struct scene *s, const struct signal *row)
{
    static const int shares[JOB_FUNCTION_N] = {
        [JOB_FUNCTION_MANAGEMENT] = 1000, [JOB_FUNCTION_SALES] = 900,
        [JOB_FUNCTION_MARKETING] = 700,   [JOB_FUNCTION_FINANCE] = 600,
        [JOB_FUNCTION_IT] = 600,          [JOB_FUNCTION_OPERATIONS] = 500,
        [JOB_FUNCTION_ENGINEERING] = 300, [JOB_FUNCTION_SUPPORT] = 300,
        [JOB_FUNCTION_HR] = 200,          [JOB_FUNCTION_LEGAL] = 200};
    unsigned n = s->lead->job_function;

    (void)row;
    return n > 0 && n < JOB_FUNCTION_N ? say(shares[n], job_function_name(s->lead->job_function))
                                       : SIGNAL_MISSING;
}

struct signal_value eval_buying_role(const struct scene *s, const struct signal *row)
{
    static const int shares[BUYING_ROLE_N] = {
        [BUYING_ROLE_ECONOMIC_BUYER] = 1000, [BUYING_ROLE_DECISION_MAKER] = 950,
        [BUYING_ROLE_CHAMPION] = 800,        [BUYING_ROLE_INFLUENCER] = 400,
        [BUYING_ROLE_PROCUREMENT] = 300,     [BUYING_ROLE_USER] = 200,
        [BUYING_ROLE_BLOCKER] = -1000};
    unsigned n = s->lead->buying_role;

    (void)row;
    return n > 0 && n < BUYING_ROLE_N ? say(shares[n], buying_role_name(s->lead->buying_role))
                                      : SIGNAL_MISSING;
}

struct signal_value eval_title_match(const struct scene *s, const struct signal *row)
{
    if (!s->title.n)
        return SIGNAL_MISSING;
    return signal_has_word(s->title, row->text) ? say(1000, s->lead->job_title)
                                                : say(200, s->lead->job_title);
}

struct signal_value eval_title_has(const struct scene *s, const struct signal *row)
{
    if (!s->title.n)
        return SIGNAL_MISSING;
    return signal_has_word(s->title, row->text) ? say(1000, s->lead->job_title)
                                                : say(0, s->lead->job_title);
}

struct signal_value eval_tag(const struct scene *s, const struct signal *row)
{
    for (size_t i = 0; i < s->lead->n_tags; i++) {
        str list = str_of(row->text);

        while (list.n)
            if (str_eq_nocase(str_cut(&list, ' '), str_of(s->lead->tags[i])))
                return say(1000, s->lead->tags[i]);
    }
    return SIGNAL_MISSING;
}

struct rank {
    const char *word;
    int share;
};

/* The first row whose word stands in text; one that nobody ranked is worth a little. */
static int rank_of(const struct rank *ranks, size_t n, str text)
{
    for (size_t i = 0; i < n; i++)
        if (signal_has_word(text, ranks[i].word))
            return ranks[i].share;
    return 200;
}

struct signal_value eval_source_rank(const struct scene *s, const struct signal *row)
{
    static const struct rank ranks[] = {
        {"referral", 1000},   {"partner", 800},  {"demo", 900},   {"inbound", 700},
        {"webinar", 600},     {"event", 500},    {"trade", 500},  {"website", 500},
        {"organic", 500},     {"content", 400},  {"social", 200}, {"ads", 200},
        {"telemarketing", 0}, {"outbound", 0},   {"cold", -200},  {"list", -600},
        {"purchased", -800},  {"scraped", -1000}};

    (void)row;
    if (!*s->lead->source)
        return SIGNAL_MISSING;
    return say(rank_of(ranks, sizeof ranks / sizeof *ranks, s->source), s->lead->source);
}

struct signal_value eval_medium_rank(const struct scene *s, const struct signal *row)
{
    static const struct rank ranks[] = {{"referral", 1000}, {"organic", 700}, {"email", 500},
                                        {"cellular", 500},  {"cpc", 400},     {"social", 300},
                                        {"telephone", 100}, {"display", 0}};

    (void)row;
    if (!*s->lead->medium)
        return SIGNAL_MISSING;
    return say(rank_of(ranks, sizeof ranks / sizeof *ranks, s->medium), s->lead->medium);
}

struct signal_value eval_source_has(const struct scene *s, const struct signal *row)
{
    if (!*s->lead->source && !*s->lead->medium)
        return SIGNAL_MISSING;
    return signal_has_word(s->source, row->text) || signal_has_word(s->medium, row->text)
               ? say(1000, s->lead->source)
               : say(0, s->lead->source);
}
