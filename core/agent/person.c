/* From the leaves to the root: what the finds of person_place.h lead to, then the lead. */
#include "agent/person.h"

#include "agent/enrichment.h"
#include "agent/event.h"
#include "agent/person_place.h"
#include "agent/person_scrub.h"
#include "base/kill_point.h"
#include "job/house.h"
#include "store/once.h"
#include "store/outbox.h"
#include "store/pin.h"
#include "store/reach.h"
#include "store/record_info.h"
#include "store/records.h"

enum { PAGES_MAX = 40 }; /* 20,000 records of a find in one transaction; no lead has more */

struct erasing {
    struct tx *tx;
    const Lead *lead;
    struct person_counts *counts;
};

typedef enum status (*erase_fn)(struct erasing *e, ProtobufCMessage *m);

static enum status too_many(struct tx *tx)
{
    return call_fail_as(tx_call(tx), STATUS_EXHAUSTED, "TOO_MANY_RECORDS",
                        "the lead has too many records to be erased at once");
}

/* Each record that is found, once; pages go on behind the last one, so that it may change or go. */
static enum status each(struct erasing *e, const struct person_find *find, erase_fn fn)
{
    const struct list_where where = {.column = find->column, .text = find->value};
    struct list_page page = {.next_page_token = ""};

    for (int i = 0; i == 0 || *page.next_page_token; i++) {
        const struct list_query q = {.page_size = PAGE_SIZE_MAX,
                                     .where = &where,
                                     .n_where = 1,
                                     .order_by = STR("create_time"),
                                     .page_token = str_of(page.next_page_token)};

        if (i == PAGES_MAX)
            return too_many(e->tx);
        TRY(tx_list(e->tx, find->kind, &q, &page));
        for (size_t j = 0; j < page.n_items; j++)
            TRY(fn(e, page.items[j]));
    }
    return STATUS_OK;
}

static enum status delete_activity(struct erasing *e, ProtobufCMessage *m)
{
    str id = str_of(((Activity *)m)->id);

    TRY(tx_event_erase(e->tx, RECORD_ACTIVITY, id));
    TRY(tx_delete_activity(e->tx, id, STR("")));
    e->counts->activities++;
    return STATUS_OK;
}

static enum status delete_decision(struct erasing *e, ProtobufCMessage *m)
{
    e->counts->decisions++;
    return tx_delete(e->tx, RECORD_DECISION, str_of(((DecisionRecord *)m)->decision->id), STR(""));
}

static enum status delete_proposal(struct erasing *e, ProtobufCMessage *m)
{
    str id = str_of(((Proposal *)m)->id);

    TRY(once_erase(e->tx, id));
    TRY(tx_event_erase(e->tx, RECORD_PROPOSAL, id));
    TRY(tx_delete_proposal(e->tx, id, STR("")));
    e->counts->proposals++;
    return STATUS_OK;
}

static enum status delete_email(struct erasing *e, ProtobufCMessage *m)
{
    str id = str_of(((OutreachEmail *)m)->id);

    TRY(tx_event_erase(e->tx, RECORD_EMAIL, id));
    TRY(tx_delete_email(e->tx, id, STR("")));
    e->counts->emails++;
    return STATUS_OK;
}

/* What is asked about by a job that runs meanwhile: it finds nothing to write to. */
static enum status delete_enrichment(struct erasing *e, ProtobufCMessage *m)
{
    str id = str_of(((EnrichmentRecord *)m)->id);

    TRY(tx_job_cancel(e->tx, STR(ENRICHMENT_JOB_REFRESH), id));
    TRY(tx_delete_enrichment(e->tx, id, STR("")));
    e->counts->enrichments++;
    return STATUS_OK;
}

static enum status delete_recommendation(struct erasing *e, ProtobufCMessage *m)
{
    str id = str_of(((RecommendationRecord *)m)->recommendation->id);

    TRY(once_erase(e->tx, id));
    TRY(tx_event_erase(e->tx, RECORD_RECOMMENDATION, id));
    TRY(tx_delete_recommendation(e->tx, id, STR("")));
    e->counts->recommendations++;
    return STATUS_OK;
}

/* Of a deal: what names a lead is that one's. */
static enum status delete_note(struct erasing *e, ProtobufCMessage *m)
{
    return *((Activity *)m)->lead_id ? STATUS_OK : delete_activity(e, m);
}

enum status person_erase_notes(struct tx *tx, const Deal *deal, uint64_t *n)
{
    struct person_counts counts = {0};
    struct erasing e = {.tx = tx, .counts = &counts};

    TRY(each(&e, &(struct person_find){RECORD_ACTIVITY, ACTIVITY_BY_deal_id, str_of(deal->id)},
             delete_note));
    *n += counts.activities;
    return STATUS_OK;
}

enum status person_held(struct tx *tx, const char *lead_id, Lead **out)
{
    enum status s;

    *out = NULL;
    if (!*lead_id)
        return STATUS_OK;
    s = tx_get_lead(tx, str_of(lead_id), out);
    if (s == STATUS_NOT_FOUND)
        call_clear(tx_call(tx));
    if (s != STATUS_OK || (*out)->legal_hold)
        return s == STATUS_NOT_FOUND ? STATUS_OK : s;
    *out = NULL;
    return tx_pin(tx, RECORD_LEAD, str_of(lead_id)); /* a hold may be under way */
}

/* Whether the two leads are records of one person, as EraseSubject finds them: such a one counts
 * what it holds itself. */
static bool same_person(struct arena *a, const Lead *x, const Lead *y)
{
    return person_has_mailbox(a, x, y->email) || (*x->phone && strcmp(x->phone, y->phone) == 0);
}

/* Answers about the deal are kept under its lead, or under its own id. */
static enum status forget_deal(struct tx *tx, const Deal *d)
{
    TRY(once_erase(tx, str_of(d->id)));
    TRY(once_erase(tx, str_of(d->lead_id)));
    return tx_event_erase(tx, RECORD_DEAL, str_of(d->id));
}

static enum status erase_from_deal(struct erasing *e, ProtobufCMessage *m)
{
    Deal *d = (Deal *)m;
    struct arena *a = &tx_call(e->tx)->arena;
    Lead *held = NULL;

    if (person_owns(e->lead, d))
        TRY(person_erase_notes(e->tx, d, &e->counts->activities));
    else
        TRY(person_held(e->tx, d->lead_id, &held));
    if (held) {
        e->counts->held += !same_person(a, e->lead, held);
        return STATUS_OK;
    }
    person_scrub_deal(a, e->lead, d);
    TRY(forget_deal(e->tx, d));
    TRY(tx_update_deal(e->tx, d));
    e->counts->deals++;
    return tx_event(e->tx, EVENT_DEAL_UPDATED, RECORD_DEAL, str_of(d->id), &d->base);
}

static const struct {
    enum record_kind kind;
    enum person_way way;
    erase_fn erase;
} ways[] = {
    {RECORD_ACTIVITY, PERSON_DELETED, delete_activity},
    {RECORD_DECISION, PERSON_DELETED, delete_decision},
    {RECORD_PROPOSAL, PERSON_DELETED, delete_proposal},
    {RECORD_EMAIL, PERSON_DELETED, delete_email},
    {RECORD_ENRICHMENT, PERSON_DELETED, delete_enrichment},
    {RECORD_RECOMMENDATION, PERSON_DELETED, delete_recommendation},
    {RECORD_DEAL, PERSON_SCRUBBED, erase_from_deal},
};

/* As the table of places says of the kind; a kind that has no way here is our mistake, and stops
 * the erasure instead of passing it over. */
static enum status erase_find(struct erasing *e, const struct person_find *find)
{
    const struct person_place *place = person_place(str_of(record_info(find->kind)->table));

    for (size_t i = 0; place && i < sizeof ways / sizeof *ways; i++)
        if (ways[i].kind == find->kind && ways[i].way == place->way)
            return each(e, find, ways[i].erase);
    return call_fail(tx_call(e->tx), STATUS_INTERNAL, "a kind of record cannot be erased");
}

static enum status erase_found(struct erasing *e)
{
    struct person_find finds[PERSON_FINDS_MAX];
    size_t n = person_finds(e->lead, finds);

    for (size_t i = 0; i < n; i++)
        TRY(erase_find(e, &finds[i]));
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
    TRY(erase_lead(tx, lead)); /* within the caller's reach; the rest is not bound by it */
    counts->leads++;
    tx_widen(tx);
    TRY(erase_found(&(struct erasing){tx, lead, counts}));
    tx_narrow(tx);
    kill_here(KILL_ERASE_UNIT);
    return house_scrub_later(tx);
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
    TRY(count_of(tx, RECORD_PROPOSAL, PROPOSAL_BY_lead_id, lead, &out->proposals));
    TRY(count_of(tx, RECORD_EMAIL, EMAIL_BY_lead_id, lead, &out->emails));
    TRY(count_of(tx, RECORD_RECOMMENDATION, RECOMMENDATION_BY_lead_id, lead,
                 &out->recommendations));
    return count_of(tx, RECORD_DEAL, DEAL_BY_lead_id, lead, &out->deals);
}
