/* Texts by table, then amount, dates and contacts. */
#include "agent/deal_clean.h"

#include <stdio.h>

#include "domain/country.h"
#include "domain/email.h"
#include "domain/moment.h"
#include "domain/money.h"
#include "domain/text.h"

static const char fallback_currency[] = "USD"; /* as TenantPolicy.default_currency_code says */

/* One clean-up in progress. */
struct clean {
    struct call *call;
    bool refused;
};

/* A text field: where it is and what people call it. */
struct text_field {
    const char *path;
    size_t offset;
};

/* clang-format off */
#define DEAL_TEXT(field)    {"deal." #field, offsetof(Deal, field)}
#define COMPANY_TEXT(field) {"deal.company." #field, offsetof(Company, field)}
static const struct text_field deal_texts[] = {
    DEAL_TEXT(external_id), DEAL_TEXT(name),    DEAL_TEXT(owner_id),
    DEAL_TEXT(team_id),     DEAL_TEXT(segment), DEAL_TEXT(next_step),
};
static const struct text_field company_texts[] = {
    COMPANY_TEXT(name),   COMPANY_TEXT(industry), COMPANY_TEXT(industry_code),
    COMPANY_TEXT(region), COMPANY_TEXT(city),
};
/* clang-format on */

static void refuse_field(struct clean *k, const char *path, const char *rule, const char *text)
{
    k->refused = true;
    call_detail(k->call, FAULT_FIELD, rule, str_of(path), "%s", text);
}

/* What a parser made of a field: `clean` when s is OK, else why it made nothing. */
struct parsed {
    enum status s;
    str clean;
    struct refusal why;
};

/* Puts it into the field, or reports why not. */
static enum status settle(struct clean *k, const char *path, const struct parsed *p, char **field)
{
    if (p->s == STATUS_EXHAUSTED)
        return call_nomem(k->call);
    if (p->s != STATUS_OK) {
        refuse_field(k, path, p->why.rule, p->why.text);
        return STATUS_OK;
    }
    *field = arena_cstr(&k->call->arena, p->clean);
    return *field ? STATUS_OK : call_nomem(k->call);
}

static enum status clean_text(struct clean *k, const char *path, char **field)
{
    struct parsed p = {0};

    if (!**field)
        return STATUS_OK;
    p.s = text_line(&k->call->arena, str_of(*field), &p.clean, &p.why);
    return settle(k, path, &p, field);
}

static enum status clean_texts(struct clean *k, void *message, const struct text_field *fields,
                               size_t n)
{
    for (size_t i = 0; i < n; i++)
        TRY(clean_text(k, fields[i].path, (char **)((char *)message + fields[i].offset)));
    return STATUS_OK;
}

static enum status clean_domain(struct clean *k, char **field)
{
    struct hostname host = {0};
    struct parsed p = {0};

    if (!**field)
        return STATUS_OK;
    p.s = hostname_parse_site(&k->call->arena, str_of(*field), &host, &p.why);
    p.clean = host.registrable.n ? host.registrable : host.ascii;
    return settle(k, "deal.company.domain", &p, field);
}

/* The code where the text names a country; else cleaned text stays. */
static enum status clean_country(struct clean *k, char **field)
{
    const struct country *country = NULL;
    struct parsed p = {0};

    if (!**field)
        return STATUS_OK;
    p.s = country_parse(&k->call->arena, str_of(*field), &country, &p.why);
    if (p.s == STATUS_INVALID)
        return clean_text(k, "deal.company.country_code", field);
    p.clean = country ? str_of(country->alpha2) : (str){0};
    return settle(k, "deal.company.country_code", &p, field);
}

static enum status clean_company(struct clean *k, Deal *deal)
{
    Company *own;

    if (!deal->company)
        return STATUS_OK;
    if ((own = NEW(&k->call->arena, Company, 1)) == NULL)
        return call_nomem(k->call);
    *own = *deal->company;
    deal->company = own;
    TRY(clean_texts(k, own, company_texts, sizeof company_texts / sizeof *company_texts));
    TRY(clean_country(k, &own->country_code));
    return clean_domain(k, &own->domain);
}

static enum status clean_contact(struct clean *k, size_t i, DealContact *contact)
{
    struct email email = {0};
    struct parsed p = {0};
    char path[48];

    snprintf(path, sizeof path, "deal.contacts[%zu].name", i);
    TRY(clean_text(k, path, &contact->name));
    if (!*contact->email)
        return STATUS_OK;
    snprintf(path, sizeof path, "deal.contacts[%zu].email", i);
    p.s = email_parse(&k->call->arena, str_of(contact->email), &email, &p.why);
    p.clean = email.address;
    return settle(k, path, &p, &contact->email);
}

static enum status clean_contacts(struct clean *k, Deal *deal)
{
    DealContact **own = NEW(&k->call->arena, DealContact *, deal->n_contacts + 1);
    DealContact *contacts = NEW(&k->call->arena, DealContact, deal->n_contacts + 1);

    if (!own || !contacts)
        return call_nomem(k->call);
    for (size_t i = 0; i < deal->n_contacts; i++) {
        contacts[i] = *deal->contacts[i];
        own[i] = &contacts[i];
        TRY(clean_contact(k, i, own[i]));
    }
    deal->contacts = own;
    return STATUS_OK;
}

static enum status clean_amount(struct clean *k, const TenantPolicy *policy, Deal *deal)
{
    unsigned digits;
    Money *own;

    if (!deal->amount)
        return STATUS_OK;
    if ((own = NEW(&k->call->arena, Money, 1)) == NULL)
        return call_nomem(k->call);
    *own = *deal->amount;
    deal->amount = own;
    if (!*own->currency_code)
        own->currency_code = *policy->default_currency_code ? policy->default_currency_code
                                                            : (char *)fallback_currency;
    if (!currency_find(str_of(own->currency_code), &digits))
        refuse_field(k, "deal.amount.currency_code", "currency", "must be an ISO 4217 code");
    if (own->amount_minor < 0)
        refuse_field(k, "deal.amount.amount_minor", "int64.gte", "must not be negative");
    return STATUS_OK;
}

static void check_date(struct clean *k, const char *path, const char *date)
{
    int64_t day;

    if (*date && !date_parse(str_of(date), &day))
        refuse_field(k, path, "date", "must be a day of the calendar, YYYY-MM-DD");
}

enum status deal_clean(struct call *c, const TenantPolicy *policy, Deal *deal)
{
    struct clean k = {.call = c};

    TRY(clean_texts(&k, deal, deal_texts, sizeof deal_texts / sizeof *deal_texts));
    TRY(clean_company(&k, deal));
    TRY(clean_contacts(&k, deal));
    TRY(clean_amount(&k, policy, deal));
    check_date(&k, "deal.expected_close_date", deal->expected_close_date);
    check_date(&k, "deal.next_step_date", deal->next_step_date);
    if (k.refused)
        return call_fail_as(c, STATUS_INVALID, "VALIDATION", "fields of the deal cannot be read");
    return STATUS_OK;
}
