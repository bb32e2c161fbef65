/* Signals of the record: how good it is, and what its custom attributes say. */
#include "domain/hostname.h"
#include "domain/moment.h"
#include "domain/signal_eval.h"

static bool is_number(const AttributeValue *v)
{
    return v && v->kind_case == SALES__V1__ATTRIBUTE_VALUE__KIND_NUMBER_VALUE;
}

struct signal_value eval_attribute_yes(const struct scene *s, const struct signal *row)
{
    const AttributeValue *v = signal_attribute(s, row->text);

    if (!v || v->kind_case != SALES__V1__ATTRIBUTE_VALUE__KIND_BOOL_VALUE)
        return SIGNAL_MISSING;
    return say(v->bool_value ? 1000 : 0, v->bool_value ? "yes" : "no");
}

struct signal_value eval_attribute_text(const struct scene *s, const struct signal *row)
{
    const AttributeValue *v = signal_attribute(s, row->text);

    if (!v || v->kind_case != SALES__V1__ATTRIBUTE_VALUE__KIND_STRING_VALUE || !*v->string_value)
        return SIGNAL_MISSING;
    return say(1000, "present");
}

struct signal_value eval_attribute_at_least(const struct scene *s, const struct signal *row)
{
    const AttributeValue *v = signal_attribute(s, row->text);

    if (!is_number(v))
        return SIGNAL_MISSING;
    return say(v->number_value >= row->a ? 1000 : 0,
               v->number_value >= row->a ? "enough" : "too little");
}

struct signal_value eval_attribute_recent(const struct scene *s, const struct signal *row)
{
    const AttributeValue *v = signal_attribute(s, row->text);
    int64_t us;

    if (!v || v->kind_case != SALES__V1__ATTRIBUTE_VALUE__KIND_TIME_VALUE)
        return SIGNAL_MISSING;
    us = moment_us(v->time_value, INT64_MAX);
    if (us > s->in->as_of_us) /* not known yet at that time */
        return SIGNAL_MISSING;
    return measured(s->in->as_of_us - us <= row->a * MOMENT_DAY_US ? 1000 : 0,
                    (s->in->as_of_us - us) / MOMENT_DAY_US);
}

struct signal_value eval_timeline(const struct scene *s, const struct signal *row)
{
    static const struct band bands[] = {{90, 1000}, {180, 500}, {365, 0}, {INT64_MAX, -400}};
    const AttributeValue *v = signal_attribute(s, row->text);

    if (!is_number(v) || !(v->number_value >= 0 && v->number_value < 1e6))
        return SIGNAL_MISSING;
    return measured(band_of(bands, (int64_t)v->number_value), (int64_t)v->number_value);
}

struct signal_value eval_email_ok(const struct scene *s, const struct signal *row)
{
    (void)row;
    if (!s->has_email)
        return SIGNAL_MISSING;
    return s->email_ok ? say(1000, email_kind_name(s->email.kind)) : say(-1000, "not an address");
}

struct signal_value eval_email_is(const struct scene *s, const struct signal *row)
{
    if (!s->email_ok)
        return SIGNAL_MISSING;
    return say((int)s->email.kind == row->a ? 1000 : 0, email_kind_name(s->email.kind));
}

struct signal_value eval_email_role(const struct scene *s, const struct signal *row)
{
    (void)row;
    if (!s->email_ok)
        return SIGNAL_MISSING;
    return say(s->email.is_role ? 1000 : 0, s->email.is_role ? "a function" : "a person");
}

struct signal_value eval_phone_ok(const struct scene *s, const struct signal *row)
{
    (void)row;
    if (!s->has_phone)
        return SIGNAL_MISSING;
    return s->phone_ok ? say(1000, "can exist") : say(-500, "cannot be read");
}

struct signal_value eval_phone_country(const struct scene *s, const struct signal *row)
{
    (void)row;
    if (!s->phone_ok || !s->phone.country || !*s->country)
        return SIGNAL_MISSING;
    return say(strcmp(s->phone.country->alpha2, s->country) == 0 ? 1000 : -500,
               s->phone.country->alpha2);
}

struct signal_value eval_domain_match(const struct scene *s, const struct signal *row)
{
    str domain = str_of(s->company->domain);

    (void)row;
    if (!domain.n || !s->email_ok || !email_company_domain(&s->email).n)
        return SIGNAL_MISSING;
    return hostname_is_under(s->email.host.ascii, domain) ? say(1000, "the same domain")
                                                          : say(-500, "another domain");
}

struct signal_value eval_name_ok(const struct scene *s, const struct signal *row)
{
    (void)row;
    if (!*s->lead->full_name)
        return SIGNAL_MISSING;
    return say(s->name_flaw == NAME_FLAW_NONE ? 1000 : -1000, name_flaw_text(s->name_flaw));
}

struct signal_value eval_completeness(const struct scene *s, const struct signal *row)
{
    (void)row;
    return measured(s->completeness_permille, s->completeness_permille / 10);
}

struct signal_value eval_consent(const struct scene *s, const struct signal *row)
{
    const Consent *c = s->lead->consent;

    (void)row;
    if (!c || c->email == CONSENT_STATE_UNSPECIFIED)
        return SIGNAL_MISSING;
    return c->email == CONSENT_STATE_GRANTED ? say(1000, "given") : say(-1000, "refused");
}

struct signal_value eval_academic(const struct scene *s, const struct signal *row)
{
    if (s->email_ok && s->email.kind == EMAIL_ACADEMIC)
        return say(1000, "academic mail address");
    return eval_title_has(s, row);
}
