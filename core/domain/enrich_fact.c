/* Choosing among facts, and reading their values. */
#include "domain/enrich_fact.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "domain/moment.h"

/* Whether a is to be believed rather than b. */
static bool is_better(const struct enrich_fact *a, const struct enrich_fact *b)
{
    if (a->confidence != b->confidence)
        return a->confidence > b->confidence;
    if (a->observed_at_us != b->observed_at_us)
        return a->observed_at_us > b->observed_at_us;
    return strcmp(a->source, b->source) < 0;
}

const struct enrich_fact *enrich_fact_best(const struct enrich_fact *facts, size_t n, str key,
                                           int64_t as_of_us)
{
    const struct enrich_fact *best = NULL;

    assert(n <= ENRICH_FACTS_MAX);
    for (size_t i = 0; i < n; i++) {
        const struct enrich_fact *f = &facts[i];

        if (f->observed_at_us > as_of_us || !(f->confidence >= ENRICH_CONFIDENCE_MIN) ||
            !str_eq(str_of(f->key), key) || !*f->value)
            continue;
        if (!best || is_better(f, best))
            best = f;
    }
    return best;
}

size_t enrich_facts_merge(struct enrich_fact *facts, size_t n, int64_t as_of_us)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        size_t at = 0;

        if (facts[i].observed_at_us > as_of_us)
            continue;
        while (at < kept && strcmp(facts[at].key, facts[i].key) != 0)
            at++;
        if (at == kept)
            facts[kept++] = facts[i];
        else if (is_better(&facts[i], &facts[at]))
            facts[at] = facts[i];
    }
    return kept;
}

bool enrich_fact_number(const struct enrich_fact *f, double *out)
{
    char *end;

    if (f->type != ENRICH_NUMBER)
        return false;
    *out = strtod(f->value, &end);
    return end != f->value && !*end && isfinite(*out);
}

bool enrich_fact_bool(const struct enrich_fact *f, bool *out)
{
    *out = strcmp(f->value, "true") == 0;
    return f->type == ENRICH_BOOL && (*out || strcmp(f->value, "false") == 0);
}

bool enrich_fact_date(const struct enrich_fact *f, int64_t *us_out)
{
    int64_t day;

    if (f->type != ENRICH_DATE || !date_parse(str_of(f->value), &day))
        return false;
    *us_out = day * MOMENT_DAY_US;
    return true;
}
