/* scene: reads a lead once, so that ninety rules need not. */
#include "domain/moment.h"
#include "domain/signal.h"
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
        status = phone_parse(s->arena, str_of(l->phone), country_find(str_of(s->country)),
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

enum status scene_set(struct scene *s, struct arena *a, const struct score_input *in)
{
    const Lead *l = in->lead;

    *s = (struct scene){.arena = a,
                        .in = in,
                        .lead = l,
                        .company = l->company ? l->company : &no_company,
                        .policy = in->policy ? in->policy : &default_policy,
                        .r = in->activity,
                        .account = in->account && in->account->known ? in->account : NULL};
    s->country = *l->country_code ? l->country_code : s->company->country_code;
    TRY(read_contacts(s));
    TRY(read_texts(s));
    read_completeness(s);
    return STATUS_OK;
}
