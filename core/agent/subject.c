/* A person is found by blind index, so that a search for one reads no other. */
#include "agent/subject.h"

#include "agent/event.h"
#include "agent/instant.h"
#include "agent/mutation.h"
#include "agent/person.h"
#include "domain/email.h"
#include "domain/phone.h"
#include "store/audit.h"
#include "store/key.h"
#include "store/records.h"

static enum status bad_subject(struct call *c, const char *field, const struct refusal *why)
{
    call_detail(c, FAULT_FIELD, why->rule, str_of(field), "%s", why->text);
    return call_fail_as(c, STATUS_INVALID, "VALIDATION", "nobody can be found by this %s", field);
}

/* The columns that the person is found by: the first address, the other ones. */
enum { KEYS = 2 };

/* Those, and the value in its stored spelling. */
static enum status key_of(struct call *c, const Subject *who, struct list_where out[KEYS])
{
    struct refusal why;
    struct email email;
    struct phone phone;

    if (who->key_case == SUBJECT_KEY_EMAIL) {
        if (email_parse(&c->arena, str_of(who->email), &email, &why) != STATUS_OK)
            return bad_subject(c, "subject.email", &why);
        out[0] = (struct list_where){.column = LEAD_BY_email, .text = email.key};
        out[1] = (struct list_where){.column = LEAD_BY_other_emails, .text = email.key};
        return STATUS_OK;
    }
    if (who->key_case == SUBJECT_KEY_PHONE) {
        if (phone_parse(&c->arena, str_of(who->phone), NULL, &phone, &why) != STATUS_OK)
            return bad_subject(c, "subject.phone", &why);
        out[0] = (struct list_where){.column = LEAD_BY_phone, .text = phone.e164};
        out[1] = (struct list_where){.column = LEAD_BY_other_phones, .text = phone.e164};
        return STATUS_OK;
    }
    call_detail(c, FAULT_FIELD, "required", STR("subject"), "names a person");
    return call_fail_as(c, STATUS_INVALID, "VALIDATION", "the subject is not named");
}

static bool is_among(const struct subject_leads *who, const Lead *lead)
{
    for (size_t i = 0; i < who->n_leads; i++)
        if (strcmp(who->leads[i]->id, lead->id) == 0)
            return true;
    return false;
}

static enum status too_many(struct tx *tx)
{
    return call_fail_as(tx_call(tx), STATUS_EXHAUSTED, "TOO_MANY_RECORDS",
                        "more than %d leads have this address or number", SUBJECT_LEADS_MAX);
}

static enum status add_leads(struct tx *tx, const struct list_where *where,
                             struct subject_leads *who)
{
    const struct list_query q = {.page_size = SUBJECT_LEADS_MAX, .where = where, .n_where = 1};
    struct list_page page;

    TRY(tx_list(tx, RECORD_LEAD, &q, &page));
    for (size_t i = 0; i < page.n_items; i++) {
        Lead *lead = (Lead *)page.items[i];

        if (is_among(who, lead))
            continue;
        if (who->n_leads == SUBJECT_LEADS_MAX)
            return too_many(tx);
        who->leads[who->n_leads++] = lead;
    }
    return *page.next_page_token ? too_many(tx) : STATUS_OK;
}

enum status subject_find(struct tx *tx, const Subject *who, struct subject_leads *out)
{
    struct call *c = tx_call(tx);
    struct list_where where[KEYS];

    *out = (struct subject_leads){.leads = NEW(&c->arena, Lead *, SUBJECT_LEADS_MAX)};
    if (!out->leads)
        return call_nomem(c);
    if (who->key_case == SUBJECT_KEY_LEAD_ID) {
        out->n_leads = 1;
        return tx_get_lead(tx, str_of(who->lead_id), &out->leads[0]);
    }
    TRY(key_of(c, who, where));
    for (int i = 0; i < KEYS; i++)
        TRY(add_leads(tx, &where[i], out));
    return out->n_leads
               ? STATUS_OK
               : call_fail(c, STATUS_NOT_FOUND, "nobody with this address or number is on record");
}

/* A damaged trail must not keep a person from being erased. */
static enum status put_placed(struct tx *tx, const AuditEntry *e, uint64_t *sequence_out)
{
    enum status s = tx_audit_placed(tx, e, sequence_out);

    if (s != STATUS_DATA_LOSS)
        return s;
    *sequence_out = 0;
    call_clear(tx_call(tx));
    return STATUS_OK;
}

enum status subject_audit(struct tx *tx, const struct subject_leads *who, const char *reason,
                          uint64_t *sequence_out)
{
    AuditEntry e = AUDIT_ENTRY_INIT;
    char **ids = NEW(&tx_call(tx)->arena, char *, who->n_leads);

    if (!ids)
        return call_nomem(tx_call(tx));
    for (size_t i = 0; i < who->n_leads; i++)
        ids[i] = who->leads[i]->id;
    e.record_kind = "lead";
    e.record_id = who->n_leads == 1 ? ids[0] : (char *)protobuf_c_empty_string;
    e.record_ids = ids;
    e.n_record_ids = who->n_leads;
    e.record_count = (uint32_t)who->n_leads;
    e.reason = (char *)reason;
    return sequence_out ? put_placed(tx, &e, sequence_out) : tx_audit(tx, &e);
}

/* Erasure. */

struct erase {
    const EraseSubjectRequest *in;
    EraseSubjectResponse *out;
};

static enum status put_counts(struct call *c, const struct person_counts *n,
                              EraseSubjectResponse *out)
{
    const struct {
        char *kind;
        uint64_t n;
    } rows[] = {{"lead", n->leads},
                {"activity", n->activities},
                {"decision", n->decisions},
                {"deal", n->deals},
                {"proposal", n->proposals},
                {"email", n->emails},
                {"enrichment", n->enrichments},
                {"recommendation", n->recommendations}};
    enum { ROWS = sizeof rows / sizeof *rows };
    EraseSubjectResponse_ErasedEntry *entries =
        NEW(&c->arena, EraseSubjectResponse_ErasedEntry, ROWS);

    out->n_erased = 0;
    out->erased = NEW(&c->arena, EraseSubjectResponse_ErasedEntry *, ROWS);
    if (!entries || !out->erased)
        return call_nomem(c);
    for (size_t i = 0; i < ROWS; i++) {
        if (!rows[i].n)
            continue;
        entries[i] = (EraseSubjectResponse_ErasedEntry)ERASE_SUBJECT_RESPONSE_ERASED_ENTRY_INIT;
        entries[i].key = rows[i].kind;
        entries[i].value = rows[i].n;
        out->erased[out->n_erased++] = &entries[i];
    }
    return STATUS_OK;
}

static enum status count_held(struct tx *tx, const Lead *lead, uint64_t *out)
{
    struct person_counts n;

    TRY(person_count(tx, lead, &n));
    *out += person_records(&n);
    return STATUS_OK;
}

/* What is not held goes, what is held is counted. */
static enum status erase_leads(struct tx *tx, const struct subject_leads *who,
                               struct person_counts *erased, uint64_t *held_out)
{
    for (size_t i = 0; i < who->n_leads; i++) {
        const Lead *lead = who->leads[i];
        enum status s =
            lead->legal_hold ? count_held(tx, lead, held_out) : person_erase(tx, lead, erased);

        if (s != STATUS_OK)
            return s;
    }
    return STATUS_OK;
}

static enum status erase_unit(struct call *c, struct tx *tx, void *arg)
{
    struct erase *k = arg;
    struct person_counts erased = {0};
    struct subject_leads who;

    k->out->held = 0;
    TRY(subject_find(tx, k->in->subject, &who));
    TRY(erase_leads(tx, &who, &erased, &k->out->held));
    k->out->held += erased.held;
    if (!erased.leads)
        return person_free(c, who.leads[0]);
    TRY(subject_audit(tx, &who, k->in->reason, &k->out->audit_sequence));
    TRY(put_counts(c, &erased, k->out));
    return instant_now(c, &k->out->erase_time);
}

enum status subject_erase(struct call *c, struct agents *a, const EraseSubjectRequest *in,
                          EraseSubjectResponse *out)
{
    struct erase k = {in, out};

    TRY(mutate(c, a, &(struct mutation){.unit = erase_unit, .arg = &k, .answer = &out->base}));
    if (store_scrub(a->store, c) != STATUS_OK)
        call_clear(c); /* others read or write: the job that tends keys does it again */
    return STATUS_OK;
}

/* Legal hold. */

struct hold {
    const SetLegalHoldRequest *in;
    SetLegalHoldResponse *out;
};

static enum status hold_unit(struct call *c, struct tx *tx, void *arg)
{
    struct hold *k = arg;
    struct person_counts n;
    struct subject_leads who;

    (void)c;
    k->out->records = 0;
    TRY(subject_find(tx, k->in->subject, &who));
    for (size_t i = 0; i < who.n_leads; i++) {
        Lead *lead = who.leads[i];

        if (lead->legal_hold == k->in->hold)
            continue;
        TRY(person_count(tx, lead, &n));
        k->out->records += person_records(&n);
        lead->legal_hold = k->in->hold;
        TRY(tx_update_lead(tx, lead));
        TRY(tx_event(tx, EVENT_LEAD_UPDATED, RECORD_LEAD, str_of(lead->id), &lead->base));
    }
    return subject_audit(tx, &who, k->in->reason, NULL);
}

enum status subject_hold(struct call *c, struct agents *a, const SetLegalHoldRequest *in,
                         SetLegalHoldResponse *out)
{
    struct hold k = {in, out};

    return mutate(c, a, &(struct mutation){.unit = hold_unit, .arg = &k, .answer = &out->base});
}
