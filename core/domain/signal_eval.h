/* signal_eval: the evaluators that signal.def names, by what they look at: signal_fit.c the company
 * and the person, signal_past.c what happened, signal_record.c the record itself, signal_told.c
 * custom attributes and enrichment. */
#ifndef DOMAIN_SIGNAL_EVAL_H
#define DOMAIN_SIGNAL_EVAL_H

#include "domain/signal.h"

/* clang-format off */
#define SIGNAL_EVALUATORS(X) \
    X(lead_text) X(company_text) X(employees) X(revenue) X(industry) X(country_served)             \
    X(company_age) X(technologies) X(technology_of) X(attribute_yes) X(attribute_text)             \
    X(attribute_at_least) X(attribute_recent) X(timeline) X(seniority) X(job_function)             \
    X(buying_role) X(title_match) X(title_has) X(tag) X(source_rank) X(medium_rank)                \
    X(source_has) X(events) X(kinds) X(active_days) X(channels) X(hand_raise) X(reply)             \
    X(reply_is) X(account_count) X(account_flag) X(age) X(since) X(velocity) X(response)           \
    X(untouched) X(inactive) X(email_ok) X(email_is) X(email_role) X(phone_ok) X(phone_country)    \
    X(domain_match) X(name_ok) X(completeness) X(consent) X(academic)                              \
    X(territory) X(cross_border) X(revenue_currency) X(competitor_product) X(attribute_category)   \
    X(attribute_number) X(touches) X(talk) X(session_depth) X(visit_gap) X(reply_hours) X(bots)    \
    X(email_state) X(facts_age) X(contact_points) X(n_attributes) X(consent_of) X(born)            \
    X(fiscal_year_end)
/* clang-format on */

#define X(name) struct signal_value eval_##name(const struct scene *s, const struct signal *row);
SIGNAL_EVALUATORS(X)
#undef X

#define SIGNAL_MISSING ((struct signal_value){.known = false})

static inline struct signal_value say(int share, const char *text)
{
    return (struct signal_value){.known = true, .share = share, .text = text};
}

static inline struct signal_value measured(int share, double number)
{
    return (struct signal_value){.known = true, .share = share, .number = number};
}

static inline struct signal_value yes_no(bool yes)
{
    return say(yes ? 1000 : 0, yes ? "yes" : "no");
}

/* Larger numbers are a mistake: no count, amount or age comes near. */
#define SIGNAL_NUMBER_MAX 1e15

/* From 1900 on and before 2201: other dates are typing errors. */
static inline bool signal_is_date(int64_t us)
{
    return us >= INT64_C(-2208988800) * 1000000 && us < INT64_C(7289654400) * 1000000;
}

/* n of `full`, at most all of it. */
static inline int part(int64_t n, int64_t full)
{
    return n >= full ? 1000 : n <= 0 ? 0 : (int)(n * 1000 / full);
}

/* One row per upper bound (included), in order; the last row is for everything above. */
struct band {
    int64_t upto;
    int share;
};

static inline int band_of(const struct band *bands, int64_t n)
{
    while (n > bands->upto)
        bands++;
    return bands->share;
}

/* One of the blank-separated words stands in text as a whole word. */
bool signal_has_word(str text, const char *words);

/* A custom attribute of the lead; NULL: it has none of this key. */
const AttributeValue *signal_attribute(const struct scene *s, str key);

/* Its value; false: of another type, NaN, infinite, absurdly large or of an absurd year. */
MUST_CHECK bool signal_attribute_number(const AttributeValue *v, double *out);
MUST_CHECK bool signal_attribute_time(const AttributeValue *v, int64_t *us_out);

/* The fact of a key that was known at the instant; NULL: none. */
const struct enrich_fact *signal_fact(const struct scene *s, str key);

#endif
