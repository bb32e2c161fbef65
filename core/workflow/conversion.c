/* Lead and deal change in one unit; the draft is made in it, because it needs the lead. */
#include "workflow/conversion.h"

#include "agent/deal.h"
#include "agent/deal_move.h"
#include "agent/event.h"
#include "agent/instant.h"
#include "agent/mutation.h"
#include "domain/lifecycle.h"
#include "store/records.h"

static DealContact *contact_of(struct arena *a, const Lead *lead)
{
    DealContact *contact = NEW(a, DealContact, 1);

    if (!contact)
        return NULL;
    *contact = (DealContact)DEAL_CONTACT_INIT;
    contact->lead_id = lead->id;
    contact->name = lead->full_name;
    contact->email = lead->email;
    contact->role = lead->buying_role;
    return contact;
}

/* What people would call the deal: its company, else its person. */
static char *name_of(const Lead *lead)
{
    return lead->company && *lead->company->name ? lead->company->name : lead->full_name;
}

bool conversion_fill(struct arena *a, const Lead *lead, Deal *deal)
{
    deal->lead_id = lead->id;
    if (!*deal->name)
        deal->name = name_of(lead);
    if (!*deal->owner_id)
        deal->owner_id = lead->owner_id;
    if (!*deal->team_id)
        deal->team_id = lead->team_id;
    if (!deal->company)
        deal->company = lead->company;
    if (!deal->n_tags) {
        deal->n_tags = lead->n_tags;
        deal->tags = lead->tags;
    }
    if (deal->n_contacts)
        return true;
    if ((deal->contacts = NEW(a, DealContact *, 1)) == NULL ||
        (deal->contacts[0] = contact_of(a, lead)) == NULL)
        return false;
    deal->n_contacts = 1;
    return true;
}

struct conversion {
    const ConvertLeadRequest *in;
    const TenantPolicy *policy;
    Lead *lead;
    Deal *deal;
    ConvertLeadResponse *out;
};

static enum status check_lead(struct call *c, const struct conversion *k)
{
    struct precondition why;

    if (lifecycle_check(k->lead->status, LIFECYCLE_CONVERT, LEAD_STATUS_CONVERTED, &why) !=
        STATUS_OK) {
        call_detail(c, FAULT_PRECONDITION, why.type, why.subject, "%s", why.text);
        return call_fail_as(c, STATUS_PRECONDITION, "LEAD_STATUS", "the lead cannot be converted");
    }
    if (k->in->deal && *k->in->deal->lead_id &&
        !str_eq_nocase(str_of(k->in->deal->lead_id), str_of(k->lead->id))) {
        call_detail(c, FAULT_FIELD, "conversion.lead", STR("deal.lead_id"),
                    "must be empty or the lead that is converted");
        return call_fail_as(c, STATUS_INVALID, "VALIDATION", "the deal names another lead");
    }
    return STATUS_OK;
}

static enum status make_draft(struct call *c, const struct conversion *k, struct deal_draft *out)
{
    Deal deal = DEAL_INIT;

    if (k->in->deal)
        deal = *k->in->deal;
    if (!conversion_fill(&c->arena, k->lead, &deal))
        return call_nomem(c);
    return deal_prepare(c, k->policy, &deal, out);
}

static enum status store_lead(struct call *c, struct tx *tx, struct conversion *k)
{
    k->lead->status = LEAD_STATUS_CONVERTED;
    TRY(instant_now(c, &k->lead->status_time));
    k->lead->converted_deal_id = k->deal->id;
    (void)deal_set_outcome(k->deal, k->lead); /* the past of the deal may have ended already */
    TRY(tx_update_lead(tx, k->lead));
    return tx_event(tx, EVENT_LEAD_CONVERTED, RECORD_LEAD, str_of(k->lead->id), &k->lead->base);
}

static enum status convert_unit(struct call *c, struct tx *tx, void *arg)
{
    struct conversion *k = arg;
    struct deal_draft draft;

    TRY(tx_get_lead(tx, str_of(k->in->id), &k->lead));
    TRY(tx_match(tx, &k->lead->base, str_of(k->in->etag)));
    TRY(check_lead(c, k));
    TRY(make_draft(c, k, &draft));
    TRY(deal_begin(tx, &draft, &k->deal));
    TRY(store_lead(c, tx, k));
    k->out->lead = k->lead;
    k->out->deal = k->deal;
    return STATUS_OK;
}

enum status conversion_run(struct call *c, struct agents *a, const ConvertLeadRequest *in,
                           ConvertLeadResponse *out)
{
    struct conversion k = {.in = in, .out = out};

    TRY(policy_get(c, a->policies, &k.policy));
    return mutate(c, a, &(struct mutation){.unit = convert_unit, .arg = &k, .answer = &out->base});
}
