#include "workflow/lead_look.h"

#include <assert.h>

#include "domain/account_rollup.h"
#include "store/reach.h"
#include "store/records.h"

enum {
    ACCOUNT_LEADS_MAX = 100, /* of one company: more contacts change no score */
};

static enum status read_activities(struct tx *tx, const struct lead_look *k, const Lead *lead,
                                   struct activity_rollup *out)
{
    struct list_where where = {ACTIVITY_BY_lead_id, str_of(lead->id), 0};
    struct list_query q = {.page_size = PAGE_SIZE_MAX, .where = &where, .n_where = 1};
    struct list_page page;

    for (size_t n = 0; n < LEAD_ACTIVITIES_MAX; n += page.n_items) {
        TRY(tx_list(tx, RECORD_ACTIVITY, &q, &page));
        for (size_t i = 0; i < page.n_items; i++) {
            activity_rollup_add(out, (const Activity *)page.items[i]);
            if (k->texts)
                insight_texts_add(k->texts, (const Activity *)page.items[i]);
        }
        if (!*page.next_page_token)
            break;
        q.page_token = str_of(page.next_page_token);
    }
    return STATUS_OK;
}

/* The other leads of the company. Without a domain of its own the company is not known. */
static enum status read_account(struct tx *tx, const struct lead_look *k, const Lead *lead,
                                struct score_account *out)
{
    struct list_where where = {.column = LEAD_BY_domain};
    struct list_query q = {.page_size = ACCOUNT_LEADS_MAX, .where = &where, .n_where = 1};
    struct list_page page;
    struct account_rollup rollup;

    account_rollup_init(&rollup, lead->id, k->as_of_us, k->now_us);
    *out = rollup.account;
    if (!lead->company || !*lead->company->domain)
        return STATUS_OK;
    where.text = str_of(lead->company->domain);
    tx_widen(tx); /* a score does not depend on who asks for it */
    TRY(tx_list(tx, RECORD_LEAD, &q, &page));
    tx_narrow(tx);
    for (size_t i = 0; i < page.n_items; i++)
        account_rollup_add(&rollup, (const Lead *)page.items[i]);
    *out = rollup.account;
    out->known = true;
    return STATUS_OK;
}

enum status lead_look(struct tx *tx, const struct lead_look *k, const Lead *lead,
                      LeadScoreStart **out)
{
    struct call *c = tx_call(tx);
    struct activity_rollup *rollup = NEW(&c->arena, struct activity_rollup, 1);
    struct enrichment_found facts;
    struct score_account account;

    if (!rollup)
        return call_nomem(c);
    activity_rollup_init(rollup, k->as_of_us);
    TRY(read_activities(tx, k, lead, rollup));
    TRY(read_account(tx, k, lead, &account));
    TRY(enrichment_facts(tx, &k->enrichment, lead, &facts));
    if (lead_start_of(&c->arena,
                      &(struct score_input){.lead = lead,
                                            .activity = rollup,
                                            .account = account.known ? &account : NULL,
                                            .facts = facts.items,
                                            .n_facts = facts.n,
                                            .policy = k->policy,
                                            .as_of_us = k->as_of_us,
                                            .now_us = k->now_us},
                      out) != STATUS_OK)
        return call_nomem(c);
    assert(*out);
    if (k->use)
        (*out)->anchor_micro = lead_score_anchor(k->use);
    return STATUS_OK;
}
