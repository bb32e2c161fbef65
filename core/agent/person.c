/* From the leaves to the root: activities, deals, then the lead that they name. */
#include "agent/person.h"

#include "agent/event.h"
#include "base/kill_point.h"
#include "domain/email.h"
#include "store/key.h"
#include "store/once.h"
#include "store/outbox.h"
#include "store/records.h"

enum { PAGES_MAX = 40 }; /* 20,000 records of a kind in one transaction; no lead has more */

/* A page of the records that name this lead or deal in `column`. */
static enum status list_of(struct tx *tx, enum record_column column, const char *id,
                           const char *token, struct list_page *out)
{
    const struct list_where where = {.column = column, .text = str_of(id)};
    const struct list_query q = {.page_size = PAGE_SIZE_MAX,
                                 .where = &where,
                                 .n_where = 1,
                                 .order_by = STR("create_time"),
                                 .page_token = str_of(token)};

    return tx_list(tx, column == DEAL_BY_lead_id ? RECORD_DEAL : RECORD_ACTIVITY, &q, out);
}

static enum status too_many(struct tx *tx)
{
    return call_fail_as(tx_call(tx), STATUS_EXHAUSTED, "TOO_MANY_RECORDS",
                        "the lead has too many records to be erased at once");
}

/* Of a deal only what names no lead: the rest is of that lead. */
static enum status erase_page(struct tx *tx, const struct list_page *page, bool of_deal,
                              uint64_t *n)
{
    for (size_t i = 0; i < page->n_items; i++) {
        const Activity *a = (const Activity *)page->items[i];

        if (of_deal && *a->lead_id)
            continue;
        TRY(tx_event_erase(tx, RECORD_ACTIVITY, str_of(a->id)));
        TRY(tx_delete_activity(tx, str_of(a->id), STR("")));
        ++*n;
    }
    return STATUS_OK;
}

static enum status erase_activities(struct tx *tx, enum record_column column, const char *id,
                                    uint64_t *n)
{
    struct list_page page = {.next_page_token = ""};

    for (int i = 0; i == 0 || *page.next_page_token; i++) {
        if (i == PAGES_MAX)
            return too_many(tx);
        TRY(list_of(tx, column, id, page.next_page_token, &page));
        TRY(erase_page(tx, &page, column == ACTIVITY_BY_deal_id, n));
    }
    return STATUS_OK;
}

enum status person_erase_notes(struct tx *tx, const Deal *deal, uint64_t *n)
{
    return erase_activities(tx, ACTIVITY_BY_deal_id, deal->id, n);
}

static bool same_mailbox(struct arena *a, const char *x, const char *y)
{
    struct refusal why;
    struct email ex, ey;

    return *x && *y && email_parse(a, str_of(x), &ex, &why) == STATUS_OK &&
           email_parse(a, str_of(y), &ey, &why) == STATUS_OK && str_eq(ex.key, ey.key);
}

/* Does the text name the person? ASCII case does not count. */
static bool mentions(const char *text, const char *name)
{
    return *name && strcasestr(text, name) != NULL;
}

/* Takes the person out of the deal: the contact, and free text, which nobody reads for a name. */
static void scrub_deal(struct arena *a, const Lead *lead, Deal *d)
{
    static char none[] = "", erased[] = "(erased)";
    size_t n = 0;

    for (size_t i = 0; i < d->n_contacts; i++)
        if (strcmp(d->contacts[i]->lead_id, lead->id) != 0 &&
            !same_mailbox(a, d->contacts[i]->email, lead->email))
            d->contacts[n++] = d->contacts[i];
    d->n_contacts = n;
    if (mentions(d->name, lead->full_name) || mentions(d->name, lead->family_name) ||
        mentions(d->name, lead->email))
        d->name = erased;
    d->next_step = none;
    d->n_attributes = 0;
    for (size_t i = 0; i < d->n_history; i++)
        d->history[i]->note = none;
    if (d->close_reason) {
        d->close_reason->note = none;
        d->close_reason->n_evidence = 0;
    }
}

static enum status erase_from_page(struct tx *tx, const Lead *lead, const struct list_page *page,
                                   struct person_counts *counts)
{
    for (size_t i = 0; i < page->n_items; i++) {
        Deal *d = (Deal *)page->items[i];

        TRY(person_erase_notes(tx, d, &counts->activities));
        TRY(once_erase(tx, str_of(d->id)));
        scrub_deal(&tx_call(tx)->arena, lead, d);
        TRY(tx_event_erase(tx, RECORD_DEAL, str_of(d->id)));
        TRY(tx_update_deal(tx, d));
        TRY(tx_event(tx, EVENT_DEAL_UPDATED, RECORD_DEAL, str_of(d->id), &d->base));
    }
    return STATUS_OK;
}

static enum status erase_from_deals(struct tx *tx, const Lead *lead, struct person_counts *counts)
{
    struct list_page page = {.next_page_token = ""};

    for (int i = 0; i == 0 || *page.next_page_token; i++) {
        if (i == PAGES_MAX)
            return too_many(tx);
        TRY(list_of(tx, DEAL_BY_lead_id, lead->id, page.next_page_token, &page));
        TRY(erase_from_page(tx, lead, &page, counts));
        counts->deals += page.n_items;
    }
    return STATUS_OK;
}

enum status person_free(struct call *c, const Lead *lead)
{
    if (!lead->legal_hold)
        return STATUS_OK;
    call_detail(c, FAULT_PRECONDITION, "LEGAL_HOLD", STR("lead.legal_hold"),
                "lift the legal hold first");
    return call_fail_as(c, STATUS_PRECONDITION, "LEGAL_HOLD", "the lead is under legal hold");
}

/* An event with nothing but the id. */
static enum status tell_erased(struct tx *tx, const Lead *lead)
{
    Lead husk = LEAD_INIT;

    husk.id = lead->id;
    husk.owner_id = lead->owner_id; /* they say who may be told */
    husk.team_id = lead->team_id;
    return tx_event(tx, EVENT_LEAD_ERASED, RECORD_LEAD, str_of(lead->id), &husk.base);
}

static enum status erase_lead(struct tx *tx, const Lead *lead)
{
    str id = str_of(lead->id);

    TRY(once_erase(tx, id));
    TRY(tx_event_erase(tx, RECORD_LEAD, id));
    TRY(tx_delete_lead(tx, id, str_of(lead->etag)));
    return tell_erased(tx, lead);
}

enum status person_erase(struct tx *tx, const Lead *lead, struct person_counts *counts)
{
    TRY(person_free(tx_call(tx), lead));
    TRY(erase_activities(tx, ACTIVITY_BY_lead_id, lead->id, &counts->activities));
    TRY(erase_from_deals(tx, lead, counts));
    kill_here(KILL_ERASE_UNIT);
    TRY(erase_lead(tx, lead));
    counts->leads++;
    return tx_key_shred(tx);
}

static enum status count_of(struct tx *tx, enum record_kind kind, enum record_column column,
                            const Lead *lead, uint64_t *out)
{
    const struct list_where where = {.column = column, .text = str_of(lead->id)};
    struct group_rows rows;

    TRY(tx_group(tx, kind, &(struct group_query){.where = &where, .n_where = 1}, &rows));
    *out = rows.n_rows ? (uint64_t)rows.rows[0].count : 0;
    return STATUS_OK;
}

enum status person_count(struct tx *tx, const Lead *lead, struct person_counts *out)
{
    *out = (struct person_counts){.leads = 1};
    TRY(count_of(tx, RECORD_ACTIVITY, ACTIVITY_BY_lead_id, lead, &out->activities));
    return count_of(tx, RECORD_DEAL, DEAL_BY_lead_id, lead, &out->deals);
}
