/* scene: reads a lead once, without its outcome and with what enrichment knows, so that a hundred
 * rules need not. */
#include "domain/moment.h"
#include "domain/outcome.h"
#include "domain/signal_eval.h"
#include "domain/text.h"

static const Company no_company = COMPANY_INIT;
static const QualificationPolicy default_policy = QUALIFICATION_POLICY_INIT;

static enum status read_contacts(struct scene *s)
{
    const Lead *l = s->lead;
    struct refusal why;
    enum status status = STATUS_OK;

    s->has_email = *l->email != 0;
    if (s->has_email)
        status = email_parse(s->arena, str_of(l->email), &s->email, &why);
    if (status == STATUS_EXHAUSTED)
        return status;
    s->email_ok = s->has_email && status == STATUS_OK;
    s->has_phone = *l->phone != 0;
    if (s->has_phone)
        status = phone_parse(s->arena, str_of(l->phone), country_find(str_of(s->record_country)),
                             &s->phone, &why);
    if (status == STATUS_EXHAUSTED)
        return status;
    s->phone_ok = s->has_phone && status == STATUS_OK;
    return STATUS_OK;
}

static enum status read_texts(struct scene *s)
{
    s->title = text_fold_marks(s->arena, str_of(s->lead->job_title));
    s->source = text_fold_marks(s->arena, str_of(s->lead->source));
    s->medium = text_fold_marks(s->arena, str_of(s->lead->medium));
    if (*s->lead->full_name)
        s->name_flaw = name_check(s->arena, str_of(s->lead->full_name));
    return s->title.p && s->source.p && s->medium.p ? STATUS_OK : STATUS_EXHAUSTED;
}

static void read_completeness(struct scene *s)
{
    size_t n;
    const struct signal *rows = signal_rows(&n);
    int known = 0, all = 0;

    for (size_t i = 0; i < n; i++) {
        if (!rows[i].weight)
            continue;
        all += rows[i].weight;
        if (rows[i].eval(s, &rows[i]).known)
            known += rows[i].weight;
    }
    s->completeness_permille = all ? known * 1000 / all : 0;
}

/* Texts that a fact may stand in for, where the record says nothing. Not the domain: it is mostly
 * guessed from the mail address, and a signal compares the two. */
static const struct {
    const char *key;
    size_t offset;
} company_texts[] =
    {
        {"company.name", offsetof(Company, name)},
        {"company.industry", offsetof(Company, industry)},
        {"company.industry_code", offsetof(Company, industry_code)},
        {"company.country", offsetof(Company, country_code)},
        {"company.region", offsetof(Company, region)},
        {"company.city", offsetof(Company, city)},
        {"company.website", offsetof(Company, website)},
},
  lead_texts[] = {
      {"person.title", offsetof(Lead, job_title)},   {"person.language", offsetof(Lead, language)},
      {"geo.country", offsetof(Lead, country_code)}, {"geo.region", offsetof(Lead, region)},
      {"geo.time_zone", offsetof(Lead, time_zone)},
};

static void fill_text(const struct scene *s, const char *key, char **field)
{
    const struct enrich_fact *f = **field ? NULL : signal_fact(s, str_of(key));

    if (f && f->type == ENRICH_TEXT)
        *field = (char *)f->value;
}

static void fill_number(const struct scene *s, const char *key, int32_t *field)
{
    const struct enrich_fact *f = *field ? NULL : signal_fact(s, str_of(key));
    double number;

    if (f && enrich_fact_number(f, &number) && number >= 0 && number <= INT32_MAX)
        *field = (int32_t)number;
}

/* Fields of the record win; what they leave open is taken from the facts. */
static void fill(struct scene *s)
{
    if (!s->in->n_facts)
        return;
    for (size_t i = 0; i < sizeof company_texts / sizeof *company_texts; i++)
        fill_text(s, company_texts[i].key,
                  (char **)((char *)&s->own_company + company_texts[i].offset));
    for (size_t i = 0; i < sizeof lead_texts / sizeof *lead_texts; i++)
        fill_text(s, lead_texts[i].key, (char **)((char *)&s->own + lead_texts[i].offset));
    fill_number(s, "company.employees", &s->own_company.employees);
    fill_number(s, "company.founded_year", &s->own_company.founded_year);
}

static const char *country_of(const Lead *l, const Company *c)
{
    return *l->country_code ? l->country_code : c->country_code;
}

enum status scene_set(struct scene *s, struct arena *a, const struct score_input *in)
{
    *s = (struct scene){.arena = a,
                        .in = in,
                        .record = in->lead,
                        .record_company = in->lead->company ? in->lead->company : &no_company,
                        .lead = &s->own,
                        .company = &s->own_company,
                        .policy = in->policy ? in->policy : &default_policy,
                        .r = in->activity,
                        .account = in->account && in->account->known ? in->account : NULL};
    outcome_strip(s->record, &s->own);
    s->own_company = *s->record_company;
    fill(s);
    s->record_country = country_of(s->record, s->record_company);
    s->country = country_of(s->lead, s->company);
    TRY(read_contacts(s));
    TRY(read_texts(s));
    read_completeness(s);
    return STATUS_OK;
}
