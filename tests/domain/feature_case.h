/* feature_case: a lead, its past and what to expect of its vector. One arena for a test. */
#ifndef TESTS_DOMAIN_FEATURE_CASE_H
#define TESTS_DOMAIN_FEATURE_CASE_H

#include <math.h>

#include "domain/feature.h"
#include "lead_case.h"
#include "support/table.h"

static struct arena arena;

static inline void feature_setup(void)
{
    arena_init(&arena, 1 << 26);
}

static inline void feature_teardown(void)
{
    arena_release(&arena);
}

static inline struct feature_vector vector_of(const struct score_input *in)
{
    struct feature_vector v;
    struct refusal why;

    cr_assert_eq(feature_vector_make(&arena, in, &v, &why), STATUS_OK, "%s", why.text);
    return v;
}

static inline struct feature_vector vector(const Lead *l, const struct activity_rollup *r)
{
    return vector_of(&(struct score_input){.lead = l, .activity = r, .as_of_us = NOW});
}

static inline const struct feature *find(const struct feature_vector *v, const char *name)
{
    for (size_t i = 0; i < v->n; i++)
        if (strcmp(v->items[i].name, name) == 0)
            return &v->items[i];
    return NULL;
}

static inline void check_number(const struct feature_vector *v, const char *name, double number)
{
    const struct feature *f = find(v, name);

    cr_assert(f && f->known, "%s is not known", name);
    cr_assert_float_eq(f->number, number, 1e-9, "%s: %g, not %g", name, f->number, number);
}

static inline void check_text(const struct feature_vector *v, const char *name, const char *text)
{
    const struct feature *f = find(v, name);

    cr_assert(f && f->known, "%s is not known", name);
    cr_assert(str_eq(f->text, str_of(text)), "%s: " STR_FMT, name, STR_ARG(f->text));
}

static inline void check_missing(const struct feature_vector *v, const char *name)
{
    const struct feature *f = find(v, name);

    cr_assert_not_null(f, "%s", name);
    cr_assert_not(f->known, "%s is %g", name, f->number);
}

static inline void check_equal(const struct feature_vector *v, const struct feature_vector *w)
{
    cr_assert_eq(v->n, w->n);
    for (size_t i = 0; i < v->n; i++) {
        const struct feature *x = &v->items[i], *y = &w->items[i];

        cr_assert_str_eq(x->name, y->name);
        cr_assert(x->type == y->type && x->known == y->known && x->number == y->number &&
                      str_eq(x->text, y->text),
                  "%s differs", x->name);
    }
}

/* Bounds that hold for every vector. */
static inline void check_sound(const struct feature_vector *v)
{
    cr_assert_eq(v->n_signals, score_n_signals());
    cr_assert_leq(v->n, v->n_signals + FEATURE_ATTRIBUTES_MAX);
    cr_assert_leq(v->n_caveats, FEATURE_CAVEATS_MAX);
    for (size_t i = 0; i < v->n; i++) {
        const struct feature *f = &v->items[i];

        cr_assert(fabs(f->number) <= 1e15, "%s: %g", f->name, f->number);
        cr_assert_leq(f->text.n, FEATURE_TEXT_BYTES);
        cr_assert(str_is_text(f->text), "%s", f->name);
        cr_assert(f->known || (f->number == 0 && f->text.n == 0), "%s", f->name);
        cr_assert_eq(f->known && f->type == FEATURE_CATEGORY, f->text.n > 0, "%s", f->name);
        if (f->type == FEATURE_BOOL)
            cr_assert(f->number == 0 || f->number == 1, "%s: %g", f->name, f->number);
        if (f->type == FEATURE_TIME)
            cr_assert_geq(f->number, 0, "%s", f->name);
        if (i > v->n_signals)
            cr_assert_lt(strcmp(f[-1].name, f->name), 0, "%s, %s", f[-1].name, f->name);
    }
}

static inline Lead *full_lead(void)
{
    Lead *l = lead_new(&arena, 3);
    Company *c = NEW(&arena, Company, 1);

    *c = (Company)COMPANY_INIT;
    l->company = c;
    l->full_name = (char *)"Ada Lovelace";
    l->email = (char *)"ada@acme.de";
    l->phone = (char *)"+4915112345678";
    l->country_code = (char *)"DE";
    l->job_title = (char *)"Head of Sales";
    l->seniority = SENIORITY_DIRECTOR;
    l->source = (char *)"Webinar";
    c->name = (char *)"Acme GmbH";
    c->domain = (char *)"acme.de";
    c->employees = 412;
    c->industry = (char *)"Software";
    c->founded_year = 2001;
    return l;
}

static inline struct activity_rollup *rollup_new(void)
{
    struct activity_rollup *r = NEW(&arena, struct activity_rollup, 1);

    activity_rollup_init(r, NOW);
    return r;
}

static inline void add(struct activity_rollup *r, ActivityEvent event, ActivityKind kind,
                       double days_ago)
{
    activity_rollup_add(
        r, activity_new(&arena, event, kind, NOW - (int64_t)(days_ago * (double)MOMENT_DAY_US)));
}

#endif
