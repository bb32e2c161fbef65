/* Hard rules: a table of predicates. They look at the record alone: what enrichment believes
 * disqualifies nobody. */
#include "domain/disqualify.h"

#include "domain/hostname.h"

/* Countries under comprehensive embargo; a policy adds its own. Sorted. */
static const char *const sanctioned_countries[] = {"CU", "IR", "KP", "SY"};

static bool is_one_of(const char *code, char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(code, list[i]) == 0)
            return true;
    return false;
}

static bool do_not_contact(const struct scene *s)
{
    return s->record->do_not_contact;
}

static bool legal_hold(const struct scene *s)
{
    return s->record->legal_hold;
}

static bool is_sanctioned(const char *code)
{
    return is_one_of(code, (char *const *)sanctioned_countries,
                     sizeof sanctioned_countries / sizeof sanctioned_countries[0]);
}

/* Either country counts: of the person or of the company. */
static bool sanctioned(const struct scene *s)
{
    return is_sanctioned(s->record->country_code) || is_sanctioned(s->record_company->country_code);
}

static bool blocked(const struct scene *s)
{
    char *const *list = s->policy->blocked_country_codes;
    size_t n = s->policy->n_blocked_country_codes;

    return is_one_of(s->record->country_code, list, n) ||
           is_one_of(s->record_company->country_code, list, n);
}

/* An unknown country is no reason: only a known one outside is. */
static bool outside(const struct scene *s)
{
    const QualificationPolicy *p = s->policy;

    return p->n_territory_country_codes && *s->record_country &&
           !is_one_of(s->record_country, p->territory_country_codes, p->n_territory_country_codes);
}

static bool competitor(const struct scene *s)
{
    for (size_t i = 0; i < s->policy->n_competitor_domains; i++) {
        str domain = str_of(s->policy->competitor_domains[i]);

        if ((s->email_ok && hostname_is_under(s->email.host.ascii, domain)) ||
            hostname_is_under(str_of(s->record_company->domain), domain))
            return true;
    }
    return false;
}

static bool too_small(const struct scene *s)
{
    return s->record_company->employees > 0 &&
           s->record_company->employees < s->policy->min_employees;
}

/* A link or markup for a name, or a name that no one has at a throw-away address. */
static bool spam(const struct scene *s)
{
    const char *name = s->record->full_name;

    if (strstr(name, "http://") || strstr(name, "https://") || strstr(name, "www.") ||
        strstr(name, "<a ") || strstr(name, "[url"))
        return true;
    return s->email_ok && s->email.kind == EMAIL_DISPOSABLE && *name &&
           s->name_flaw != NAME_FLAW_NONE;
}

static const struct {
    const char *name, *field;
    bool (*fires)(const struct scene *s);
    const char *reason;
} hard_rules[] = {
#define X(name, field, eval, reason) {#name, field, eval, reason},
#include "domain/disqualify.def"
#undef X
};

enum { N_RULES = sizeof hard_rules / sizeof *hard_rules };

str disqualify_row(size_t i)
{
    return i < N_RULES ? str_of(hard_rules[i].name) : (str){0};
}

enum status disqualify(struct arena *a, const struct scene *s,
                       Disqualification *out[DISQUALIFICATIONS_MAX], size_t *n_out)
{
    *n_out = 0;
    for (size_t i = 0; i < N_RULES; i++) {
        Disqualification *d;

        if (!hard_rules[i].fires(s))
            continue;
        if ((d = NEW(a, Disqualification, 1)) == NULL)
            return STATUS_EXHAUSTED;
        *d = (Disqualification)DISQUALIFICATION_INIT;
        d->rule = (char *)hard_rules[i].name;
        d->reason = (char *)hard_rules[i].reason;
        d->field = (char *)hard_rules[i].field;
        out[(*n_out)++] = d;
    }
    return STATUS_OK;
}
