/* One function per part of the policy; each reports all that it finds. */
#include "agent/policy_check.h"

#include <stdarg.h>
#include <stdio.h>

#include "domain/compliance.h"
#include "domain/country.h"
#include "domain/hostname.h"
#include "domain/moment.h"
#include "domain/money.h"
#include "domain/pipeline.h"
#include "domain/time_zone.h"

enum { QUALIFY_DEFAULT = 50, PREMIUM_DEFAULT = 80 };

struct check {
    struct call *call;
    const char *prefix;
    size_t n; /* violations found */
};

static void PRINTF_LIKE(4, 5)
    wrong(struct check *k, const char *rule, const char *text, const char *path, ...)
{
    char rest[160], where[256];
    va_list ap;

    va_start(ap, path);
    vsnprintf(rest, sizeof rest, path, ap);
    va_end(ap);
    snprintf(where, sizeof where, "%s.%s", k->prefix, rest);
    call_detail(k->call, FAULT_FIELD, rule, str_of(where), "%s", text);
    k->n++;
}

static const char country_text[] = "an ISO 3166-1 alpha-2 code that exists";
static const char currency_text[] = "an ISO 4217 code that exists";

static bool is_currency(const char *code)
{
    unsigned digits;

    return currency_find(str_of(code), &digits);
}

static void check_countries(struct check *k, const char *field, char *const *codes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!country_find(str_of(codes[i])))
            wrong(k, "country.known", country_text, "qualification.%s[%zu]", field, i);
}

static bool holds(char *const *list, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], text) == 0)
            return true;
    return false;
}

static void check_qualification(struct check *k, const QualificationPolicy *q)
{
    int32_t qualify = q->qualify_min_score ? q->qualify_min_score : QUALIFY_DEFAULT;
    int32_t premium = q->premium_min_score ? q->premium_min_score : PREMIUM_DEFAULT;

    check_countries(k, "blocked_country_codes", q->blocked_country_codes,
                    q->n_blocked_country_codes);
    check_countries(k, "territory_country_codes", q->territory_country_codes,
                    q->n_territory_country_codes);
    for (size_t i = 0; i < q->n_territory_country_codes; i++)
        if (holds(q->blocked_country_codes, q->n_blocked_country_codes,
                  q->territory_country_codes[i]))
            wrong(k, "policy.contradiction", "a country that is not blocked",
                  "qualification.territory_country_codes[%zu]", i);
    for (size_t i = 0; i < q->n_competitor_domains; i++) {
        struct hostname host;
        struct refusal why;

        if (hostname_parse(&k->call->arena, str_of(q->competitor_domains[i]), &host, &why) !=
            STATUS_OK)
            wrong(k, why.rule, why.text, "qualification.competitor_domains[%zu]", i);
    }
    if (qualify > premium)
        wrong(k, "policy.contradiction", "at least qualify_min_score",
              "qualification.premium_min_score");
    if (q->ideal_employees_max && q->ideal_employees_min > q->ideal_employees_max)
        wrong(k, "policy.contradiction", "at least ideal_employees_min",
              "qualification.ideal_employees_max");
}

static void check_tools(struct check *k, ToolPolicy *const *tools, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++)
            if (tools[j]->tool == tools[i]->tool)
                wrong(k, "policy.twice", "one entry per tool", "tools[%zu].tool", i);
        for (size_t j = 0; j < tools[i]->n_propose_roles; j++)
            if (tools[i]->propose_roles[j] == ROLE_VIEWER ||
                tools[i]->propose_roles[j] == ROLE_AUDITOR)
                wrong(k, "tool.propose", "a role that may change something",
                      "tools[%zu].propose_roles[%zu]", i, j);
        if (tools[i]->approve_role == ROLE_AGENT || tools[i]->approve_role == ROLE_VIEWER ||
            tools[i]->approve_role == ROLE_AUDITOR)
            wrong(k, "tool.approve", "rep, manager or admin: an agent never approves",
                  "tools[%zu].approve_role", i);
    }
}

static void check_retention(struct check *k, RetentionRule *const *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++)
            if (rules[j]->data_class == rules[i]->data_class)
                wrong(k, "policy.twice", "one entry per class", "retention[%zu].data_class", i);
    }
}

static void check_quiet_hours(struct check *k, QuietHours *const *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (*rows[i]->country_code && !country_find(str_of(rows[i]->country_code)))
            wrong(k, "country.known", country_text, "quiet_hours[%zu].country_code", i);
        for (size_t j = 0; j < i; j++)
            if (rows[j]->channel == rows[i]->channel &&
                strcmp(rows[j]->country_code, rows[i]->country_code) == 0)
                wrong(k, "policy.twice", "one entry per channel and country", "quiet_hours[%zu]",
                      i);
        for (size_t j = 0; j < rows[i]->n_hours; j++)
            if (rows[i]->hours[j]->start_minute == rows[i]->hours[j]->end_minute)
                wrong(k, "hours.empty", "an end that differs from the start; all day: 0 to 1440",
                      "quiet_hours[%zu].hours[%zu].end_minute", i, j);
    }
}

static void check_sending(struct check *k, const SendingPolicy *s)
{
    if (s->max_per_day && s->max_per_mailbox_day > s->max_per_day)
        wrong(k, "policy.contradiction", "at most max_per_day", "sending.max_per_mailbox_day");
    if (s->max_per_day && s->max_per_domain_day > s->max_per_day)
        wrong(k, "policy.contradiction", "at most max_per_day", "sending.max_per_domain_day");
}

static bool same_rate(const CurrencyRate *a, const CurrencyRate *b)
{
    return strcmp(a->from_currency, b->from_currency) == 0 &&
           strcmp(a->to_currency, b->to_currency) == 0 && strcmp(a->date, b->date) == 0;
}

static void check_rate(struct check *k, const ForecastPolicy *f, size_t i)
{
    const CurrencyRate *r = f->rates[i];
    int64_t day;

    if (!is_currency(r->from_currency))
        wrong(k, "currency.known", currency_text, "forecast.rates[%zu].from_currency", i);
    if (!is_currency(r->to_currency))
        wrong(k, "currency.known", currency_text, "forecast.rates[%zu].to_currency", i);
    if (!date_parse(str_of(r->date), &day))
        wrong(k, "date.known", "a date of the calendar", "forecast.rates[%zu].date", i);
    if (strcmp(r->from_currency, r->to_currency) == 0)
        wrong(k, "policy.contradiction", "another currency than from_currency",
              "forecast.rates[%zu].to_currency", i);
    for (size_t j = 0; j < i; j++) /* at most 2000 rows: two million comparisons of short texts */
        if (same_rate(f->rates[j], r)) {
            wrong(k, "policy.twice", "one rate per day and pair", "forecast.rates[%zu]", i);
            break;
        }
}

static void check_forecast(struct check *k, const ForecastPolicy *f)
{
    if (*f->currency_code && !is_currency(f->currency_code))
        wrong(k, "currency.known", currency_text, "forecast.currency_code");
    for (size_t i = 0; i < f->n_rates; i++)
        check_rate(k, f, i);
}

/* What the mode of the policy forbids, and what one switch says against another. */
static void check_mode(struct check *k, const TenantPolicy *p)
{
    struct compliance_problem problems[COMPLIANCE_PROBLEMS_MAX];
    size_t n = compliance_check(p, problems);
    char path[64];

    for (size_t i = 0; i < n; i++) {
        str rest = str_of(problems[i].field), list = str_cut(&rest, '[');

        if (rest.n) /* an entry of a list: its place goes between the brackets */
            snprintf(path, sizeof path, STR_FMT "[%zu].days", STR_ARG(list), problems[i].index);
        else
            snprintf(path, sizeof path, "%s", problems[i].field);
        wrong(k, problems[i].rule, problems[i].text, "%s", path);
    }
    if (p->ai && p->ai->monthly_budget_micro_usd &&
        p->ai->user_daily_budget_micro_usd > p->ai->monthly_budget_micro_usd)
        wrong(k, "policy.contradiction", "at most the month's budget",
              "ai.user_daily_budget_micro_usd");
}

/* "de", "en-GB", "zh-Hant-TW": letters and digits in parts of 2 to 8, the first of letters. */
static bool is_language(str s)
{
    bool first = true;

    while (s.n) {
        str part = str_cut(&s, '-');

        if (part.n < (first ? 2u : 1u) || part.n > 8)
            return false;
        for (size_t i = 0; i < part.n; i++) {
            bool letter = (part.p[i] | 32) >= 'a' && (part.p[i] | 32) <= 'z';

            if (!letter && (first || part.p[i] < '0' || part.p[i] > '9'))
                return false;
        }
        first = false;
    }
    return !first;
}

static void check_defaults(struct check *k, const TenantPolicy *p)
{
    if (*p->default_time_zone && !time_zone_is_known(str_of(p->default_time_zone)))
        wrong(k, "time_zone.known", "a name of the IANA time zone database", "default_time_zone");
    if (*p->default_country_code && !country_find(str_of(p->default_country_code)))
        wrong(k, "country.known", country_text, "default_country_code");
    if (*p->default_currency_code && !is_currency(p->default_currency_code))
        wrong(k, "currency.known", currency_text, "default_currency_code");
    if (*p->default_language && !is_language(str_of(p->default_language)))
        wrong(k, "language.shape", "a BCP 47 tag, as in en or de-AT", "default_language");
}

static enum status check_pipelines(struct check *k, Pipeline *const *pipelines, size_t n)
{
    struct pipeline_problem *problems =
        NEW(&k->call->arena, struct pipeline_problem, PIPELINE_FAILURES_MAX);

    if (!problems)
        return call_nomem(k->call);
    for (size_t i = 0; i < n; i++) {
        size_t found;

        if (pipeline_validate(&k->call->arena, pipelines[i], problems, &found) == STATUS_EXHAUSTED)
            return call_nomem(k->call);
        for (size_t j = 0; j < found; j++)
            wrong(k, problems[j].why.rule, problems[j].why.text, "pipelines[%zu].%s", i,
                  problems[j].field);
        for (size_t j = 0; j < i; j++)
            if (strcmp(pipelines[j]->id, pipelines[i]->id) == 0)
                wrong(k, "policy.twice", "an id that no other pipeline has", "pipelines[%zu].id",
                      i);
    }
    return STATUS_OK;
}

enum status policy_check(struct call *c, const char *prefix, const TenantPolicy *p)
{
    struct check k = {c, prefix, 0};

    check_defaults(&k, p);
    if (p->qualification)
        check_qualification(&k, p->qualification);
    check_tools(&k, p->tools, p->n_tools);
    check_retention(&k, p->retention, p->n_retention);
    check_quiet_hours(&k, p->quiet_hours, p->n_quiet_hours);
    if (p->sending)
        check_sending(&k, p->sending);
    if (p->forecast)
        check_forecast(&k, p->forecast);
    check_mode(&k, p);
    TRY(check_pipelines(&k, p->pipelines, p->n_pipelines));
    if (!k.n)
        return STATUS_OK;
    return call_fail_as(c, STATUS_INVALID, "POLICY", "the policy has %zu faults", k.n);
}
