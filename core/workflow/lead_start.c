/* Counts as flat lists, event by event, so that new events and kinds are added behind. */
#include "workflow/lead_start.h"

#include <stddef.h>

enum {
    N_INSTANTS = 9,
    N_EVENTS = ACTIVITY_EVENT_N * N_ROLLUP_WINDOWS,
    N_KINDS = ACTIVITY_KIND_N * N_ROLLUP_WINDOWS,
};

/* The instants of a rollup by their place in the message. */
static const size_t instants[N_INSTANTS] = {
    offsetof(struct activity_rollup, last_touch_us),
    offsetof(struct activity_rollup, last_inbound_us),
    offsetof(struct activity_rollup, last_outbound_us),
    offsetof(struct activity_rollup, first_inbound_us),
    offsetof(struct activity_rollup, first_outbound_us),
    offsetof(struct activity_rollup, last_reply_us),
    offsetof(struct activity_rollup, first_web_28_us),
    offsetof(struct activity_rollup, last_web_28_us),
    offsetof(struct activity_rollup, first_reply_us),
};

/* A borrowed list: the generated messages know no pointer to const. */
static uint32_t *borrow(const uint32_t *counts)
{
    return (uint32_t *)counts;
}

static bool put_activities(struct arena *a, const struct activity_rollup *r, LeadScoreStart *out)
{
    ActivityTotals *t = NEW(a, ActivityTotals, 1);
    int64_t *us = NEW(a, int64_t, N_INSTANTS);

    if (!t || !us)
        return false;
    for (size_t i = 0; i < N_INSTANTS; i++)
        memcpy(&us[i], (const char *)r + instants[i], sizeof us[i]);
    *t = (ActivityTotals)ACTIVITY_TOTALS_INIT;
    t->count = r->n;
    t->events = borrow(r->n_event[0]);
    t->n_events = N_EVENTS;
    t->kinds = borrow(r->n_kind[0]);
    t->n_kinds = N_KINDS;
    t->inbound = borrow(r->n_inbound);
    t->outbound = borrow(r->n_outbound);
    t->n_inbound = t->n_outbound = N_ROLLUP_WINDOWS;
    t->instants_us = us;
    t->n_instants_us = N_INSTANTS;
    t->last_reply_class = (uint32_t)r->last_reply;
    t->inbound_days = r->inbound_days_28;
    t->web_days = r->web_days_28;
    t->call_seconds = r->call_seconds_90d;
    t->meeting_seconds = r->meeting_seconds_90d;
    t->machine_reads = r->n_bot_28d;
    t->mail_reads = r->n_mail_reads_28d;
    out->activities = t;
    return true;
}

static void take(uint32_t *to, size_t most, const uint32_t *from, size_t n)
{
    n = n < most ? n : most;
    if (n > 0)
        memcpy(to, from, n * sizeof *to);
}

static void read_activities(const ActivityTotals *t, int64_t as_of_us, struct activity_rollup *out)
{
    activity_rollup_init(out, as_of_us);
    out->n = t->count;
    take(out->n_event[0], N_EVENTS, t->events, t->n_events);
    take(out->n_kind[0], N_KINDS, t->kinds, t->n_kinds);
    take(out->n_inbound, N_ROLLUP_WINDOWS, t->inbound, t->n_inbound);
    take(out->n_outbound, N_ROLLUP_WINDOWS, t->outbound, t->n_outbound);
    for (size_t i = 0; i < N_INSTANTS && i < t->n_instants_us; i++)
        memcpy((char *)out + instants[i], &t->instants_us[i], sizeof t->instants_us[i]);
    out->last_reply = (ReplyClass)t->last_reply_class;
    out->inbound_days_28 = t->inbound_days;
    out->web_days_28 = t->web_days;
    out->call_seconds_90d = t->call_seconds;
    out->meeting_seconds_90d = t->meeting_seconds;
    out->n_bot_28d = t->machine_reads;
    out->n_mail_reads_28d = t->mail_reads;
}

static bool put_account(struct arena *a, const struct score_account *s, LeadScoreStart *out)
{
    AccountTotals *t = NEW(a, AccountTotals, 1);

    if (!t)
        return false;
    *t = (AccountTotals)ACCOUNT_TOTALS_INIT;
    t->contacts = s->n_contacts;
    t->active_known = s->active_known;
    t->active = s->n_active_14d;
    t->roles = s->n_roles;
    t->economic_buyer_seen = s->economic_buyer_seen;
    t->open_deal = s->open_deal;
    t->won_before = s->won_before;
    t->lost_before = s->lost_before;
    t->lost_lately = s->lost_90d;
    out->account = t;
    return true;
}

static struct score_account read_account(const AccountTotals *t)
{
    return (struct score_account){.known = true,
                                  .n_contacts = t->contacts,
                                  .active_known = t->active_known,
                                  .n_active_14d = t->active,
                                  .n_roles = t->roles,
                                  .economic_buyer_seen = t->economic_buyer_seen,
                                  .open_deal = t->open_deal,
                                  .won_before = t->won_before,
                                  .lost_before = t->lost_before,
                                  .lost_90d = t->lost_lately};
}

static bool put_facts(struct arena *a, const struct enrich_fact *facts, size_t n,
                      LeadScoreStart *out)
{
    EnrichmentFact *list = NEW(a, EnrichmentFact, n + 1);

    out->facts = NEW(a, EnrichmentFact *, n + 1);
    if (!list || !out->facts)
        return false;
    for (size_t i = 0; i < n; i++) {
        list[i] = (EnrichmentFact)ENRICHMENT_FACT_INIT;
        list[i].key = (char *)facts[i].key;
        list[i].value = (char *)facts[i].value;
        list[i].type = facts[i].type;
        list[i].confidence = facts[i].confidence;
        list[i].source = (char *)facts[i].source;
        list[i].observed_us = facts[i].observed_at_us;
        out->facts[i] = &list[i];
    }
    out->n_facts = n;
    return true;
}

static struct enrich_fact read_fact(const EnrichmentFact *f)
{
    return (struct enrich_fact){.key = f->key,
                                .value = f->value,
                                .type = (enum enrich_type)f->type,
                                .confidence = f->confidence,
                                .source = f->source,
                                .observed_at_us = f->observed_us};
}

enum status lead_start_of(struct arena *a, const struct score_input *in, LeadScoreStart **out)
{
    LeadScoreStart *s = NEW(a, LeadScoreStart, 1);

    *out = NULL;
    if (!s)
        return STATUS_EXHAUSTED;
    *s = (LeadScoreStart)LEAD_SCORE_START_INIT;
    s->lead = (Lead *)in->lead;
    s->policy = (QualificationPolicy *)in->policy;
    s->as_of_us = in->as_of_us;
    s->scored_us = in->now_us;
    if ((in->activity && !put_activities(a, in->activity, s)) ||
        (in->account && in->account->known && !put_account(a, in->account, s)) ||
        !put_facts(a, in->facts, in->n_facts, s))
        return STATUS_EXHAUSTED;
    *out = s;
    return STATUS_OK;
}

enum status lead_start_read(struct arena *a, const LeadScoreStart *start, struct score_input *out)
{
    struct activity_rollup *activity = NEW(a, struct activity_rollup, 1);
    struct score_account *account = NEW(a, struct score_account, 1);
    struct enrich_fact *facts = NEW(a, struct enrich_fact, start->n_facts + 1);

    *out = (struct score_input){.lead = start->lead,
                                .policy = start->policy,
                                .as_of_us = start->as_of_us,
                                .now_us = start->scored_us};
    if (!start->lead)
        return STATUS_INVALID;
    if (!activity || !account || !facts)
        return STATUS_EXHAUSTED;
    if (start->activities) {
        read_activities(start->activities, start->as_of_us, activity);
        out->activity = activity;
    }
    if (start->account) {
        *account = read_account(start->account);
        out->account = account;
    }
    for (size_t i = 0; i < start->n_facts; i++)
        facts[i] = read_fact(start->facts[i]);
    out->facts = facts;
    out->n_facts = start->n_facts;
    return STATUS_OK;
}
