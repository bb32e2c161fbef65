/* Pages by the time of the last change, oldest first; what is held is passed over. */
#include "agent/retention.h"

#include <stdio.h>

#include "agent/person.h"
#include "domain/compliance.h"
#include "domain/moment.h"
#include "job/house.h"
#include "obs/log.h"
#include "store/apart.h"
#include "store/audit.h"
#include "store/outbox.h"
#include "store/records.h"

enum { LEASE_MS = 1800000, TOKEN_BYTES = 1024 };

struct expiry;
typedef enum status (*expire_fn)(struct tx *tx, struct expiry *x, ProtobufCMessage *m);

/* One class on its way. */
struct expiry {
    const struct expiring *row;
    int64_t before_us;
    char token[TOKEN_BYTES + 1]; /* of the next page; "": the first */
    bool is_done;
    struct retention_counts *counts, page; /* page: of the unit that runs */
};

static enum status expire_lead(struct tx *tx, struct expiry *x, ProtobufCMessage *m)
{
    struct person_counts n = {0};
    const Lead *lead = (const Lead *)m;

    if (lead->legal_hold) {
        x->page.held++;
        return STATUS_OK;
    }
    TRY(person_erase(tx, lead, &n));
    x->page.leads += n.leads;
    x->page.activities += n.activities;
    return STATUS_OK;
}

/* Whether this lead is under legal hold. */
static enum status is_held(struct tx *tx, const char *lead_id, bool *out)
{
    Lead *lead;

    TRY(person_held(tx, lead_id, &lead));
    *out = lead != NULL;
    return STATUS_OK;
}

/* Whether the lead of the deal that a record names is. */
static enum status is_held_by_deal(struct tx *tx, const char *deal_id, bool *out)
{
    enum status s;
    Deal *deal;

    *out = false;
    if (!*deal_id)
        return STATUS_OK;
    s = tx_get_deal(tx, str_of(deal_id), &deal);
    if (s == STATUS_OK)
        return is_held(tx, deal->lead_id, out);
    if (s == STATUS_NOT_FOUND)
        call_clear(tx_call(tx));
    return s == STATUS_NOT_FOUND ? STATUS_OK : s;
}

static enum status expire_record(struct tx *tx, enum record_kind kind, str id)
{
    TRY(tx_event_erase(tx, kind, id));
    TRY(tx_delete(tx, kind, id, STR("")));
    return house_scrub_later(tx);
}

static enum status expire_activity(struct tx *tx, struct expiry *x, ProtobufCMessage *m)
{
    const Activity *a = (const Activity *)m;
    bool held;

    TRY(is_held(tx, a->lead_id, &held));
    if (!held)
        TRY(is_held_by_deal(tx, a->deal_id, &held));
    x->page.held += held;
    x->page.activities += !held;
    return held ? STATUS_OK : expire_record(tx, RECORD_ACTIVITY, str_of(a->id));
}

static enum status expire_proposal(struct tx *tx, struct expiry *x, ProtobufCMessage *m)
{
    const Proposal *p = (const Proposal *)m;
    bool held;

    TRY(is_held(tx, p->lead_id, &held));
    x->page.held += held;
    x->page.proposals += !held;
    return held ? STATUS_OK : expire_record(tx, RECORD_PROPOSAL, str_of(p->id));
}

static enum status expire_email(struct tx *tx, struct expiry *x, ProtobufCMessage *m)
{
    const OutreachEmail *e = (const OutreachEmail *)m;
    bool held;

    TRY(is_held(tx, e->lead_id, &held));
    x->page.held += held;
    x->page.emails += !held;
    return held ? STATUS_OK : expire_record(tx, RECORD_EMAIL, str_of(e->id));
}

static enum status expire_recommendation(struct tx *tx, struct expiry *x, ProtobufCMessage *m)
{
    const Recommendation *r = ((const RecommendationRecord *)m)->recommendation;
    bool held;

    TRY(is_held(tx, r->lead_id, &held));
    if (!held)
        TRY(is_held_by_deal(tx, r->deal_id, &held));
    x->page.held += held;
    x->page.recommendations += !held;
    return held ? STATUS_OK : expire_record(tx, RECORD_RECOMMENDATION, str_of(r->id));
}

static enum status expire_deal(struct tx *tx, struct expiry *x, ProtobufCMessage *m)
{
    const Deal *d = (const Deal *)m;
    bool held;

    TRY(is_held(tx, d->lead_id, &held));
    x->page.held += held;
    if (held)
        return STATUS_OK;
    TRY(person_erase_notes(tx, d, &x->page.activities));
    x->page.deals++;
    return expire_record(tx, RECORD_DEAL, str_of(d->id));
}

static enum status expire_decision(struct tx *tx, struct expiry *x, ProtobufCMessage *m)
{
    const Decision *d = ((const DecisionRecord *)m)->decision;
    bool held;

    TRY(is_held(tx, d->lead_id, &held));
    if (!held)
        TRY(is_held_by_deal(tx, d->deal_id, &held));
    x->page.held += held;
    x->page.decisions += !held;
    return held ? STATUS_OK : expire_record(tx, RECORD_DECISION, str_of(d->id));
}

/* Not held: it can be asked for again, and a decision that used it has it. */
static enum status expire_enrichment(struct tx *tx, struct expiry *x, ProtobufCMessage *m)
{
    x->page.enrichments++;
    return expire_record(tx, RECORD_ENRICHMENT, str_of(((const EnrichmentRecord *)m)->id));
}

static const struct expiring {
    DataClass data_class;
    enum record_kind kind;
    const char *rule; /* as the audit trail names it */
    expire_fn expire;
} expiring[] = {
    {DATA_CLASS_LEAD, RECORD_LEAD, "retention.lead", expire_lead},
    {DATA_CLASS_ACTIVITY, RECORD_ACTIVITY, "retention.activity", expire_activity},
    {DATA_CLASS_ACTIVITY, RECORD_EMAIL, "retention.email", expire_email},
    {DATA_CLASS_DECISION, RECORD_RECOMMENDATION, "retention.recommendation", expire_recommendation},
    {DATA_CLASS_DECISION, RECORD_PROPOSAL, "retention.proposal", expire_proposal},
    {DATA_CLASS_DEAL, RECORD_DEAL, "retention.deal", expire_deal},
    {DATA_CLASS_DECISION, RECORD_DECISION, "retention.decision", expire_decision},
    {DATA_CLASS_ENRICHMENT, RECORD_ENRICHMENT, "retention.enrichment", expire_enrichment},
};

static enum status expire_unit(struct call *c, struct tx *tx, void *arg)
{
    struct expiry *x = arg;
    char day[DATE_TEXT_BYTES + 1], filter[80];
    struct list_page page;

    x->page = (struct retention_counts){0};
    c->rule = x->row->rule;
    date_of(x->before_us, day);
    snprintf(filter, sizeof filter, "update_time < \"%sT00:00:00Z\"", day);
    TRY(tx_list(tx, x->row->kind,
                &(struct list_query){.filter = str_of(filter),
                                     .order_by = STR("update_time"),
                                     .page_token = str_of(x->token),
                                     .page_size = RETENTION_PAGE},
                &page));
    for (size_t i = 0; i < page.n_items; i++)
        TRY(x->row->expire(tx, x, page.items[i]));
    if (strlen(page.next_page_token) > TOKEN_BYTES)
        return call_fail(c, STATUS_INTERNAL, "a page token is too long");
    snprintf(x->token, sizeof x->token, "%s", page.next_page_token);
    x->is_done = !*x->token;
    return STATUS_OK;
}

struct trim {
    int64_t before_us;
    size_t n;
};

static enum status trim_unit(struct call *c, struct tx *tx, void *arg)
{
    struct trim *t = arg;
    AuditEntry e = AUDIT_ENTRY_INIT;

    c->rule = "retention.audit";
    TRY(tx_audit_trim(tx, t->before_us, &t->n));
    e.record_kind = "audit";
    e.record_count = (uint32_t)t->n;
    return t->n ? tx_audit(tx, &e) : STATUS_OK;
}

/* A unit in a call of its own, so that memory does not grow with what expires. */
static enum status run_apart(struct call *c, struct agents *a, store_unit_fn fn, void *arg)
{
    TRY(call_check(c));
    return store_run_apart(a->store, c, CALL_ARENA_BYTES, fn, arg, STORE_WRITE);
}

static enum status expire_class(struct call *c, struct agents *a, struct expiry *x)
{
    for (int i = 0; i < RETENTION_PAGES_MAX && !x->is_done; i++) {
        struct expiry next = *x;

        TRY(run_apart(c, a, expire_unit, &next));
        *x = next;
        x->counts->leads += x->page.leads;
        x->counts->activities += x->page.activities;
        x->counts->deals += x->page.deals;
        x->counts->decisions += x->page.decisions;
        x->counts->emails += x->page.emails;
        x->counts->proposals += x->page.proposals;
        x->counts->enrichments += x->page.enrichments;
        x->counts->recommendations += x->page.recommendations;
        x->counts->held += x->page.held;
    }
    return STATUS_OK;
}

static int64_t before_us(const struct call *c, int32_t days)
{
    return call_now_us(c) - days * MOMENT_DAY_US;
}

enum status retention_run(struct call *c, struct agents *a, struct retention_counts *out)
{
    const TenantPolicy *policy;
    struct trim trim = {.n = 1};
    int32_t days;

    *out = (struct retention_counts){0};
    TRY(policy_get(c, a->policies, &policy));
    for (size_t i = 0; i < sizeof expiring / sizeof *expiring; i++) {
        if ((days = compliance_days(policy, expiring[i].data_class)) == 0)
            continue;
        TRY(expire_class(
            c, a,
            &(struct expiry){.row = &expiring[i], .before_us = before_us(c, days), .counts = out}));
    }
    if ((days = compliance_days(policy, DATA_CLASS_AUDIT)) == 0)
        return STATUS_OK;
    trim.before_us = before_us(c, days);
    for (int i = 0; i < RETENTION_PAGES_MAX && trim.n; i++, out->audit += trim.n)
        TRY(run_apart(c, a, trim_unit, &trim));
    return STATUS_OK;
}

static enum status handle(void *self, struct call *c, struct job *job)
{
    struct retention_counts n;

    TRY(retention_run(c, self, &n));
    if (n.leads + n.activities + n.deals + n.decisions + n.emails + n.proposals + n.enrichments +
        n.recommendations + n.audit)
        log_info(c, LOG_EVENT_DATA_EXPIRED, F_INT("for_tenant", job->tenant_id),
                 F_INT("leads", (int64_t)n.leads), F_INT("activities", (int64_t)n.activities),
                 F_INT("deals", (int64_t)n.deals), F_INT("decisions", (int64_t)n.decisions),
                 F_INT("emails", (int64_t)n.emails), F_INT("proposals", (int64_t)n.proposals),
                 F_INT("enrichments", (int64_t)n.enrichments),
                 F_INT("recommendations", (int64_t)n.recommendations),
                 F_INT("audit", (int64_t)n.audit), F_INT("held", (int64_t)n.held));
    return STATUS_OK;
}

const struct job_kind retention_kind = {.name = "retention.run",
                                        .handle = handle,
                                        .lease_ms = LEASE_MS,
                                        .attempts_max = 3,
                                        .first_ms = 10000,
                                        .most_ms = 600000,
                                        .limit = 1,
                                        .every_ms = RETENTION_EVERY_MS,
                                        .scope = JOB_OF_TENANTS};
