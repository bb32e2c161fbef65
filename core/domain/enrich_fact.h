/*
 * enrich_fact: what somebody other than the lead says about it: one value under one key.
 *
 * Facts, not records, so that several sources merge key by key. A field of the record always wins
 * over a fact (scene.c). Keys that signals read:
 *
 *   company.name, .industry, .industry_code, .country, .region, .city, .website  text
 *   company.employees, .founded_year, .annual_revenue (US dollars)                       number
 *   company.ownership, .funding_stage                                                    text
 *   company.funding_at, .technology_change_at                                            date
 *   company.headcount_growth_6m (percent), .sites, .fiscal_year_end_month (1..12)        number
 *   company.parent_is_customer, .complementary_product                                   bool
 *   person.title, .linkedin                                                              text
 *   geo.country (alpha-2 of the person), geo.region, person.language, geo.time_zone      text
 *   email.has_mx                                                                         bool
 *   intent.topic_surge, product.usage_depth, account.health                              number
 */
#ifndef DOMAIN_ENRICH_FACT_H
#define DOMAIN_ENRICH_FACT_H

#include <stdint.h>

#include "base/str.h"

enum enrich_type {
    ENRICH_TEXT,
    ENRICH_NUMBER, /* decimal, as strtod reads it */
    ENRICH_BOOL,   /* "true" or "false" */
    ENRICH_DATE,   /* "YYYY-MM-DD" */
};

struct enrich_fact {
    const char *key, *value; /* NUL-terminated, borrowed; value is well-formed UTF-8 */
    enum enrich_type type;
    double confidence;      /* 0 to 1 */
    const char *source;     /* who says so, e.g. "offline" */
    int64_t observed_at_us; /* when it was said: unknown before */
};

enum { ENRICH_FACTS_MAX = 64 }; /* of one lead */

/* Confidence from which a fact stands in for an empty field: a guess does not. */
#define ENRICH_CONFIDENCE_MIN 0.5

/* The most certain fact of a key that was known at the instant and is certain enough; of equal
 * ones the latest, then the first by source. NULL: none. */
const struct enrich_fact *enrich_fact_best(const struct enrich_fact *facts, size_t n, str key,
                                           int64_t as_of_us);

/* Keeps of each key the better fact known at the instant (by confidence, then by time, then the
 * first by source), in the order in which the keys come first. Returns how many are left. */
size_t enrich_facts_merge(struct enrich_fact *facts, size_t n, int64_t as_of_us);

/* Readers by type; false: another type, or not of the form. */
MUST_CHECK bool enrich_fact_number(const struct enrich_fact *f, double *out); /* finite */
MUST_CHECK bool enrich_fact_bool(const struct enrich_fact *f, bool *out);
MUST_CHECK bool enrich_fact_date(const struct enrich_fact *f, int64_t *us_out);

#endif
