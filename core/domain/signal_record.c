/* Signals of the record: how good it is. */
#include "domain/hostname.h"
#include "domain/moment.h"
#include "domain/signal_eval.h"

struct signal_value eval_email_ok(const struct scene *s, const struct signal *row)
{
    (void)row;
    if (!s->has_email)
        return SIGNAL_MISSING;
    return s->email_ok ? say(1000, email_kind_name(s->email.kind)) : say(-1000, "not an address");
}

struct signal_value eval_email_state(const struct scene *s, const struct signal *row)
{
    (void)row;
    if (!s->has_email)
        return SIGNAL_MISSING;
    return say(0, s->email_ok ? email_kind_name(s->email.kind) : "not an address");
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
    if (!s->phone_ok || !s->phone.country || !*s->record_country)
        return SIGNAL_MISSING; /* a country that was guessed from the number says nothing here */
    return say(strcmp(s->phone.country->alpha2, s->record_country) == 0 ? 1000 : -500,
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
    int percent = s->completeness_permille / 10;

    (void)row;
    return measured(s->completeness_permille, percent);
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

struct signal_value eval_consent_of(const struct scene *s, const struct signal *row)
{
    const Consent *c = s->lead->consent;
    ConsentState state;

    if (!c)
        return SIGNAL_MISSING;
    state = row->a ? c->sms : c->phone;
    return state == CONSENT_STATE_UNSPECIFIED ? SIGNAL_MISSING
                                              : yes_no(state == CONSENT_STATE_GRANTED);
}

/* Ways to reach the person. */
struct signal_value eval_contact_points(const struct scene *s, const struct signal *row)
{
    size_t n = s->lead->n_other_emails + s->lead->n_other_phones + s->has_email + s->has_phone;

    return measured(part((int64_t)n, row->a), (double)n);
}

struct signal_value eval_n_attributes(const struct scene *s, const struct signal *row)
{
    return measured(part((int64_t)s->lead->n_attributes, row->a), (double)s->lead->n_attributes);
}

/* Days since the latest fact that was known at the instant. */
struct signal_value eval_facts_age(const struct scene *s, const struct signal *row)
{
    int64_t last = INT64_MIN, days;

    for (size_t i = 0; i < s->in->n_facts; i++) {
        const struct enrich_fact *f = &s->in->facts[i];

        /* what is read off the lead itself is no look-up */
        if (strcmp(f->source, "offline") != 0 && f->observed_at_us <= s->in->as_of_us &&
            f->observed_at_us > last)
            last = f->observed_at_us;
    }
    if (!signal_is_date(last))
        return SIGNAL_MISSING;
    days = (s->in->as_of_us - last) / MOMENT_DAY_US;
    return measured(days <= row->a ? 1000 : 0, (double)days);
}
