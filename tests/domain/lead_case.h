/* lead_case: leads for tests of scoring, out of an arena. */
#ifndef TESTS_DOMAIN_LEAD_CASE_H
#define TESTS_DOMAIN_LEAD_CASE_H

#include "domain/moment.h"
#include "domain/score.h"

#define NOW (INT64_C(1750000000) * MOMENT_SECOND_US)

static inline Lead *lead_new(struct arena *a, int days_old)
{
    Lead *l = NEW(a, Lead, 1);

    *l = (Lead)LEAD_INIT;
    l->created_at = moment_new(a, NOW - days_old * MOMENT_DAY_US);
    return l;
}

/* Room for n attributes that lead_put_attribute fills. */
static inline void lead_open_attributes(struct arena *a, Lead *l, size_t n)
{
    l->attributes = NEW(a, Lead_AttributesEntry *, n);
    l->n_attributes = 0;
}

static inline AttributeValue *lead_put_attribute(struct arena *a, Lead *l, const char *key)
{
    Lead_AttributesEntry *e = NEW(a, Lead_AttributesEntry, 1);
    AttributeValue *v = NEW(a, AttributeValue, 1);

    *e = (Lead_AttributesEntry)LEAD_ATTRIBUTES_ENTRY_INIT;
    *v = (AttributeValue)ATTRIBUTE_VALUE_INIT;
    e->key = arena_cstr(a, str_of(key));
    e->value = v;
    l->attributes[l->n_attributes++] = e;
    return v;
}

static inline void lead_put_number(struct arena *a, Lead *l, const char *key, double number)
{
    AttributeValue *v = lead_put_attribute(a, l, key);

    v->kind_case = SALES__V1__ATTRIBUTE_VALUE__KIND_NUMBER_VALUE;
    v->number_value = number;
}

static inline void lead_put_text(struct arena *a, Lead *l, const char *key, const char *text)
{
    AttributeValue *v = lead_put_attribute(a, l, key);

    v->kind_case = SALES__V1__ATTRIBUTE_VALUE__KIND_STRING_VALUE;
    v->string_value = arena_cstr(a, str_of(text));
}

static inline void lead_put_time(struct arena *a, Lead *l, const char *key, int64_t us)
{
    AttributeValue *v = lead_put_attribute(a, l, key);

    v->kind_case = SALES__V1__ATTRIBUTE_VALUE__KIND_TIME_VALUE;
    v->time_value = moment_new(a, us);
}

static inline Activity *activity_new(struct arena *a, ActivityEvent event, ActivityKind kind,
                                     int64_t us)
{
    Activity *out = NEW(a, Activity, 1);

    *out = (Activity)ACTIVITY_INIT;
    out->event = event;
    out->kind = kind;
    out->occurred_at = moment_new(a, us);
    return out;
}

#endif
