#include "workflow/lead_past.h"

#include "domain/account_rollup.h"
#include "store/reach.h"
#include "store/records.h"

static enum status read_activities(struct tx *tx, const Lead *lead, struct activity_rollup *out)
{
    struct list_where where = {ACTIVITY_BY_lead_id, str_of(lead->id), 0};
    struct list_query q = {.page_size = PAGE_SIZE_MAX, .where = &where, .n_where = 1};
    struct list_page page;

    for (size_t n = 0; n < LEAD_PAST_ACTIVITIES_MAX; n += page.n_items) {
        TRY(tx_list(tx, RECORD_ACTIVITY, &q, &page));
        for (size_t i = 0; i < page.n_items; i++)
            activity_rollup_add(out, (const Activity *)page.items[i]);
        if (!*page.next_page_token)
            break;
        q.page_token = str_of(page.next_page_token);
    }
    return STATUS_OK;
}

/* Without a domain of its own the company is not known. */
static enum status read_account(struct tx *tx, const Lead *lead, struct account_rollup *rollup)
{
    struct list_where where = {.column = LEAD_BY_domain};
    struct list_query q = {.page_size = LEAD_PAST_ACCOUNT_MAX, .where = &where, .n_where = 1};
    struct list_page page;

    if (!lead->company || !*lead->company->domain)
        return STATUS_OK;
    where.text = str_of(lead->company->domain);
    tx_widen(tx); /* a score does not depend on who asks for it */
    TRY(tx_list(tx, RECORD_LEAD, &q, &page));
    tx_narrow(tx);
    for (size_t i = 0; i < page.n_items; i++)
        account_rollup_add(rollup, (const Lead *)page.items[i]);
    rollup->account.known = true;
    return STATUS_OK;
}

enum status lead_past_read(struct tx *tx, const Lead *lead, int64_t as_of_us,
                           struct score_input *out)
{
    struct call *c = tx_call(tx);
    struct activity_rollup *activity = NEW(&c->arena, struct activity_rollup, 1);
    struct account_rollup *account = NEW(&c->arena, struct account_rollup, 1);

    *out = (struct score_input){.lead = lead, .as_of_us = as_of_us, .now_us = call_now_us(c)};
    if (!activity || !account)
        return call_nomem(c);
    activity_rollup_init(activity, as_of_us);
    account_rollup_init(account, lead->id, as_of_us, out->now_us);
    TRY(read_activities(tx, lead, activity));
    TRY(read_account(tx, lead, account));
    out->activity = activity;
    out->account = account->account.known ? &account->account : NULL;
    return STATUS_OK;
}
