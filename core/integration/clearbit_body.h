/*
 * clearbit_body: what an answer of a provider of Clearbit's shape says, as facts. Bytes of
 * strangers: everything is optional, and what has another type or is out of bounds is no fact.
 *
 *   company.name .domain .website .industry .industry_code .country .region .city .ownership   0.9
 *   company.employees                   metrics.employees 0.9; else the middle of employeesRange
 * 0.6 company.annual_revenue              metrics.annualRevenue 0.9; else the middle of
 *                                       estimatedAnnualRevenue ("$10M-$50M") 0.5
 *   company.founded_year .fiscal_year_end_month                                               0.9
 *   person.name .title .linkedin .role .seniority                                             0.8
 *   geo.country .region .time_zone      of the person                                         0.7
 *
 * Of a person that the provider calls fuzzy (it is a guess of theirs) half of that. The middle of a
 * range is the geometric one.
 */
#ifndef INTEGRATION_CLEARBIT_BODY_H
#define INTEGRATION_CLEARBIT_BODY_H

#include "integration/enrich.h"

enum {
    CLEARBIT_BODY_BYTES = 256 << 10, /* a whole record has 8 KiB */
    CLEARBIT_TEXT_BYTES = 200,       /* of a fact; longer ones are none */
    CLEARBIT_DEPTH_MAX = 12,         /* containers in containers; a record has 4 */
};

/* What the body is. */
enum clearbit_form {
    CLEARBIT_COMBINED, /* {"person": {...} or null, "company": {...} or null} */
    CLEARBIT_COMPANY,  /* the company itself */
};

struct clearbit_read {
    enum clearbit_form form;
    const char *source; /* of the facts */
    int64_t at_us;
};

/* Appends facts to *out, strings in the arena; sets nothing else. False: no JSON object, too deep,
 * a key twice, a record that is neither object nor null; or the arena is full. out->n_facts is then
 * 0. */
MUST_CHECK bool clearbit_body_read(struct arena *a, str body, const struct clearbit_read *how,
                                   struct enrich_result *out);

#endif
