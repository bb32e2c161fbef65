/* Texts by table, then the few fields that need more than their own text. */
#include "agent/lead_clean.h"

#include <stdio.h>

#include "domain/email.h"
#include "domain/name.h"
#include "domain/phone.h"
#include "domain/text.h"
#include "domain/time_zone.h"

/* One clean-up in progress. */
struct clean {
    struct call *call;
    struct lead_changed *changed;
    bool refused;
};

/* A text field: where it is and which kind of text. */
struct text_field {
    const char *path;
    size_t offset;
};

/* clang-format off */
#define LEAD_TEXT(field)    {#field, offsetof(Lead, field)}
#define COMPANY_TEXT(field) {"company." #field, offsetof(Company, field)}
static const struct text_field lead_texts[] = {
    LEAD_TEXT(external_id), LEAD_TEXT(given_name), LEAD_TEXT(family_name), LEAD_TEXT(full_name),
    LEAD_TEXT(job_title),   LEAD_TEXT(source),     LEAD_TEXT(medium),      LEAD_TEXT(campaign),
    LEAD_TEXT(region),      LEAD_TEXT(city),       LEAD_TEXT(language),    LEAD_TEXT(time_zone),
    LEAD_TEXT(owner_id),    LEAD_TEXT(team_id),
};
static const struct text_field company_texts[] = {
    COMPANY_TEXT(name),   COMPANY_TEXT(industry), COMPANY_TEXT(industry_code),
    COMPANY_TEXT(region), COMPANY_TEXT(city),
};
/* clang-format on */

static void report(struct clean *k, const char *path, const struct refusal *why)
{
    char field[96];

    k->refused = true;
    snprintf(field, sizeof field, "lead.%s", path);
    call_detail(k->call, FAULT_FIELD, why->rule, str_of(field), "%s", why->text);
}

/* Puts `clean` in the field and notes that it changed. */
static enum status set(struct clean *k, const char *path, char **field, str clean)
{
    char *text;

    if (str_eq(str_of(*field), clean))
        return STATUS_OK;
    if ((text = arena_cstr(&k->call->arena, clean)) == NULL)
        return call_nomem(k->call);
    *field = text;
    for (size_t i = 0; i < k->changed->n_paths; i++)
        if (str_eq(str_of(k->changed->paths[i]), str_of(path)))
            return STATUS_OK;
    if (k->changed->n_paths < LEAD_CHANGED_MAX)
        k->changed->paths[k->changed->n_paths++] = (char *)path;
    return STATUS_OK;
}

static enum status settle(struct clean *k, enum status s, const char *path,
                          const struct refusal *why)
{
    if (s == STATUS_EXHAUSTED)
        return call_nomem(k->call);
    if (s != STATUS_OK)
        report(k, path, why);
    return STATUS_OK;
}

static enum status clean_texts(struct clean *k, void *message, const struct text_field *fields,
                               size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char **field = (char **)((char *)message + fields[i].offset);
        struct refusal why = {0};
        str clean;
        enum status s;

        if (!**field)
            continue;
        s = text_line(&k->call->arena, str_of(*field), &clean, &why);
        if (s == STATUS_OK)
            TRY(set(k, fields[i].path, field, clean));
        TRY(settle(k, s, fields[i].path, &why));
    }
    return STATUS_OK;
}

static enum status clean_email(struct clean *k, const char *path, char **field, struct email *out)
{
    struct refusal why = {0};
    enum status s;

    *out = (struct email){0};
    if (!**field)
        return STATUS_OK;
    s = email_parse(&k->call->arena, str_of(*field), out, &why);
    if (s == STATUS_OK)
        TRY(set(k, path, field, out->address));
    return settle(k, s, path, &why);
}

static enum status clean_phone(struct clean *k, const char *path, char **field,
                               const struct country *home)
{
    struct refusal why = {0};
    struct phone phone;
    enum status s;

    if (!**field)
        return STATUS_OK;
    s = phone_parse(&k->call->arena, str_of(*field), home, &phone, &why);
    if (s == STATUS_OK && phone.extension.n) {
        char *text = arena_printf(&k->call->arena, STR_FMT ";ext=" STR_FMT, STR_ARG(phone.e164),
                                  STR_ARG(phone.extension));
        if (!text)
            return call_nomem(k->call);
        return set(k, path, field, str_of(text));
    }
    if (s == STATUS_OK)
        return set(k, path, field, phone.e164);
    return settle(k, s, path, &why);
}

/* Where a number without country code belongs: the person's country, the company's, the tenant's.
 */
static const struct country *home_of(const TenantPolicy *policy, const Lead *lead)
{
    const char *codes[] = {lead->country_code, lead->company ? lead->company->country_code : "",
                           policy->default_country_code};

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (*codes[i])
            return country_find(str_of(codes[i]));
    return NULL;
}

static enum status clean_site(struct clean *k, const char *path, char **field)
{
    struct refusal why = {0};
    struct hostname host;
    enum status s;

    if (!**field)
        return STATUS_OK;
    s = hostname_parse_site(&k->call->arena, str_of(*field), &host, &why);
    if (s == STATUS_OK)
        TRY(set(k, path, field, host.registrable.n ? host.registrable : host.ascii));
    return settle(k, s, path, &why);
}

/* The company's domain from its site or the person's business address, where it is not given. */
static enum status derive_domain(struct clean *k, Lead *lead, const struct email *email)
{
    str domain = email->address.n ? email_company_domain(email) : (str){0};

    if (lead->company && *lead->company->domain)
        return clean_site(k, "company.domain", &lead->company->domain);
    if (!domain.n)
        return STATUS_OK;
    if (!lead->company) {
        if ((lead->company = NEW(&k->call->arena, Company, 1)) == NULL)
            return call_nomem(k->call);
        *lead->company = (Company)COMPANY_INIT;
    }
    return set(k, "company.domain", &lead->company->domain, domain);
}

static enum status derive_full_name(struct clean *k, Lead *lead)
{
    char *full;

    if (*lead->full_name || (!*lead->given_name && !*lead->family_name))
        return STATUS_OK;
    full = arena_printf(&k->call->arena, "%s%s%s", lead->given_name,
                        *lead->given_name && *lead->family_name ? " " : "", lead->family_name);
    return full ? set(k, "full_name", &lead->full_name, str_of(full)) : call_nomem(k->call);
}

static enum status clean_country(struct clean *k, const char *path, char **field)
{
    const struct country *country;
    struct refusal why = {0};
    enum status s;

    if (!**field)
        return STATUS_OK;
    s = country_parse(&k->call->arena, str_of(*field), &country, &why);
    if (s == STATUS_OK)
        TRY(set(k, path, field, str_of(country->alpha2)));
    return settle(k, s, path, &why);
}

/* Hours of contact are reckoned in it: a name that nobody can look up is worse than none. */
static void check_zone(struct clean *k, const char *zone)
{
    if (*zone && !time_zone_is_known(str_of(zone)))
        report(k, "time_zone",
               &(struct refusal){"time_zone.known",
                                 "a name of the IANA time zone database, such as "
                                 "Europe/Vienna"});
}

/* The repeated fields get arrays of their own: the given ones belong to the request. */
static enum status own_array(struct call *c, size_t n, char ***array)
{
    char **copy;

    if (n == 0)
        return STATUS_OK;
    if ((copy = NEW(&c->arena, char *, n)) == NULL)
        return call_nomem(c);
    for (size_t i = 0; i < n; i++)
        copy[i] = (*array)[i];
    *array = copy;
    return STATUS_OK;
}

static enum status clean_emails(struct clean *k, Lead *lead, struct email *primary)
{
    struct email other;

    TRY(own_array(k->call, lead->n_other_emails, &lead->other_emails));
    for (size_t i = 0; i < lead->n_other_emails; i++)
        TRY(clean_email(k, "other_emails", &lead->other_emails[i], &other));
    return clean_email(k, "email", &lead->email, primary);
}

static enum status clean_phones(struct clean *k, const TenantPolicy *policy, Lead *lead)
{
    const struct country *home = home_of(policy, lead);

    TRY(own_array(k->call, lead->n_other_phones, &lead->other_phones));
    for (size_t i = 0; i < lead->n_other_phones; i++)
        TRY(clean_phone(k, "other_phones", &lead->other_phones[i], home));
    return clean_phone(k, "phone", &lead->phone, home);
}

/* The company gets a struct of its own: the given one belongs to the request. */
static enum status clean_company(struct clean *k, Lead *lead)
{
    Company *own;

    if (!lead->company)
        return STATUS_OK;
    if ((own = NEW(&k->call->arena, Company, 1)) == NULL)
        return call_nomem(k->call);
    *own = *lead->company;
    lead->company = own;
    TRY(clean_texts(k, own, company_texts, sizeof company_texts / sizeof *company_texts));
    return clean_country(k, "company.country_code", &own->country_code);
}

/* In this order: a telephone needs the country, the company's domain needs the e-mail. */
static enum status clean_all(struct clean *k, const TenantPolicy *policy, Lead *lead)
{
    struct email email;

    TRY(clean_texts(k, lead, lead_texts, sizeof lead_texts / sizeof *lead_texts));
    check_zone(k, lead->time_zone);
    TRY(clean_company(k, lead));
    TRY(clean_country(k, "country_code", &lead->country_code));
    TRY(clean_phones(k, policy, lead));
    TRY(clean_emails(k, lead, &email));
    TRY(derive_domain(k, lead, &email));
    return derive_full_name(k, lead);
}

enum status lead_clean(struct call *c, const TenantPolicy *policy, Lead *lead,
                       struct lead_changed *changed)
{
    struct clean k = {.call = c, .changed = changed};

    *changed = (struct lead_changed){.n_paths = 0};
    TRY(clean_all(&k, policy, lead));
    if (k.refused)
        return call_fail_as(c, STATUS_INVALID, "VALIDATION", "fields of the lead cannot be read");
    return STATUS_OK;
}
