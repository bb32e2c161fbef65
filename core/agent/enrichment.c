/* Two subjects of a lead at most: its mailbox, and its company where the mailbox does not tell. */
#include "agent/enrichment.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "agent/instant.h"
#include "domain/compliance.h"
#include "domain/email.h"
#include "integration/enrich_gate.h"
#include "obs/metrics.h"
#include "store/job.h"
#include "store/reach.h"
#include "store/records.h"

enum cache_result { HIT, STALE, MISS, DAMAGED, CACHE_RESULTS };
enum queue_result { QUEUED, SHED, QUEUE_RESULTS };

struct enrichment {
    struct enrich_chain chain; /* of the provider outside alone */
    bool is_counted;
    struct series cache[CACHE_RESULTS], queue[QUEUE_RESULTS];
    pthread_mutex_t lock;     /* guards the rest */
    struct enrich_rate asked; /* jobs put */
};

static void make_series(struct enrichment *e, struct metrics *m)
{
    static const char *const cache[] = {"hit", "stale", "miss", "damaged"};
    static const char *const queue[] = {"queued", "shed"};

    e->is_counted = m != NULL;
    for (size_t i = 0; m && i < CACHE_RESULTS; i++)
        e->cache[i] = metrics_series(m, METRIC_ENRICH_CACHE, &cache[i]);
    for (size_t i = 0; m && i < QUEUE_RESULTS; i++)
        e->queue[i] = metrics_series(m, METRIC_ENRICH_REFRESHES, &queue[i]);
}

enum status enrichment_open(struct call *c, const struct enrichment_options *o,
                            struct enrichment **out)
{
    struct enrichment *e = calloc(1, sizeof *e);

    *out = NULL;
    if (!e) {
        enrich_provider_close(o->outside);
        return call_nomem(c);
    }
    e->chain = (struct enrich_chain){.deadline_ms = o->deadline_ms, .metrics = o->metrics};
    enrich_chain_add(&e->chain, o->outside);
    enrich_rate_init(&e->asked, o->a_minute);
    pthread_mutex_init(&e->lock, NULL);
    make_series(e, o->metrics);
    *out = e;
    return STATUS_OK;
}

void enrichment_close(struct enrichment *e)
{
    if (!e)
        return;
    for (size_t i = 0; i < e->chain.n; i++)
        enrich_provider_close(e->chain.providers[i]);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

const struct enrich_chain *enrichment_chain(const struct enrichment *e)
{
    return &e->chain;
}

bool enrichment_is_allowed(const struct enrichment *e, const TenantPolicy *policy)
{
    return e && compliance_allows(policy, COMPLIANCE_ENRICH_OUTSIDE);
}

/* What is said offline. */
static enum status put_offline(struct call *c, const struct enrichment_ask *ask, const Lead *lead,
                               struct enrichment_found *out)
{
    struct enrich_chain chain = {.n = 0};
    struct enrich_query q = {
        .subject = {.email = str_of(lead->email),
                    .phone = str_of(lead->phone),
                    .name = str_of(lead->full_name),
                    .company_domain = str_of(lead->company ? lead->company->domain : ""),
                    .locale = str_of(lead->language)},
        .about = ENRICH_PERSON | ENRICH_COMPANY,
        .at_us = ask->as_of_us};
    struct enrich_result r;

    if (lead->created_at && instant_us(lead->created_at) < q.at_us)
        q.at_us = instant_us(lead->created_at);
    enrich_chain_add(&chain, enrich_offline_provider());
    enrich_chain_ask(&chain, c, ENRICH_INSIDE, &q, &r);
    if (r.answer == ENRICH_FAILED)
        return call_nomem(c);
    for (size_t i = 0; i < r.n_facts; i++)
        out->items[out->n++] = r.facts[i];
    return STATUS_OK;
}

/* What is asked about. */
struct subject {
    enum record_column column;
    str value;
};

enum { SUBJECTS_MAX = 2 };

static size_t subjects_of(struct arena *a, const Lead *lead, struct subject out[SUBJECTS_MAX])
{
    str company = str_of(lead->company ? lead->company->domain : ""), of_mail = {0};
    struct refusal why;
    struct email email;
    size_t n = 0;

    if (*lead->email && email_parse(a, str_of(lead->email), &email, &why) == STATUS_OK &&
        email.kind != EMAIL_DISPOSABLE) {
        of_mail = email_company_domain(&email);
        if (!email.is_role)
            out[n++] = (struct subject){ENRICHMENT_BY_email, str_of(lead->email)};
        else if (!company.n)
            company = of_mail;
    }
    if (company.n && !(n && hostname_is_under(company, of_mail)))
        out[n++] = (struct subject){ENRICHMENT_BY_domain, company};
    return n;
}

/* One of the jobs that a minute may have. */
static bool may_queue(struct enrichment *e, struct call *c)
{
    int64_t wait_ns;

    pthread_mutex_lock(&e->lock);
    wait_ns = enrich_rate_take(&e->asked, call_monotonic_ns(c));
    pthread_mutex_unlock(&e->lock);
    if (e->is_counted)
        series_add(e->queue[wait_ns ? SHED : QUEUED], 1);
    return !wait_ns;
}

static enum status put_job(struct tx *tx, const EnrichmentRecord *r)
{
    return tx_job_put(tx, &(struct job_put){.kind = STR(ENRICHMENT_JOB_REFRESH),
                                            .key = str_of(r->id),
                                            .rule = JOB_KEEP});
}

/* A record that says that somebody is to ask, and the job that does. */
static enum status begin(struct tx *tx, const Lead *lead, const struct subject *s)
{
    struct call *c = tx_call(tx);
    EnrichmentRecord r = ENRICHMENT_RECORD_INIT;

    *(s->column == ENRICHMENT_BY_email ? &r.email : &r.domain) = arena_cstr(&c->arena, s->value);
    if (!r.email || !r.domain)
        return call_nomem(c);
    r.lead_id = lead->id;
    r.state = ENRICHMENT_STATE_ASKED;
    TRY(instant_now(c, &r.ask_time));
    TRY(tx_insert_enrichment(tx, &r));
    return put_job(tx, &r);
}

/* *out is NULL where there is none, or none that opens. */
static enum status find(struct tx *tx, const struct subject *s, enum cache_result *result,
                        EnrichmentRecord **out)
{
    enum status status = tx_find_enrichment(tx, s->column, s->value, out);

    *result = HIT;
    if (status == STATUS_OK)
        return status;
    *out = NULL;
    if (status != STATUS_NOT_FOUND && status != STATUS_DATA_LOSS)
        return status;
    *result = status == STATUS_NOT_FOUND ? MISS : DAMAGED;
    call_clear(tx_call(tx));
    return STATUS_OK;
}

static void add_facts(const EnrichmentRecord *r, struct enrichment_found *out)
{
    for (size_t i = 0; i < r->n_facts && out->n < ENRICH_FACTS_MAX; i++) {
        const EnrichmentFact *f = r->facts[i];

        out->items[out->n++] = (struct enrich_fact){.key = f->key,
                                                    .value = f->value,
                                                    .type = (enum enrich_type)f->type,
                                                    .confidence = f->confidence,
                                                    .source = f->source,
                                                    .observed_at_us = f->observed_us};
    }
}

static enum status look(struct tx *tx, const struct enrichment_ask *ask, const Lead *lead,
                        const struct subject *s, struct enrichment_found *out)
{
    struct enrichment *e = ask->agents->enrichment;
    struct call *c = tx_call(tx);
    enum cache_result result;
    EnrichmentRecord *r;

    TRY(find(tx, s, &result, &r));
    if (r) {
        add_facts(r, out);
        if (r->state != ENRICHMENT_STATE_ASKED && instant_us(r->expire_time) <= call_now_us(c))
            result = STALE;
    }
    if (e->is_counted)
        series_add(e->cache[result], 1);
    if (!ask->refreshes || result == HIT || result == DAMAGED || !may_queue(e, c))
        return STATUS_OK;
    return result == STALE ? put_job(tx, r) : begin(tx, lead, s);
}

enum status enrichment_facts(struct tx *tx, const struct enrichment_ask *ask, const Lead *lead,
                             struct enrichment_found *out)
{
    struct call *c = tx_call(tx);
    struct subject subjects[SUBJECTS_MAX];
    size_t n;

    assert(ask->agents && ask->policy);
    out->n = 0;
    TRY(put_offline(c, ask, lead, out));
    if (enrichment_is_allowed(ask->agents->enrichment, ask->policy)) {
        n = subjects_of(&c->arena, lead, subjects);
        tx_widen(tx);
        for (size_t i = 0; i < n; i++)
            TRY(look(tx, ask, lead, &subjects[i], out));
        tx_narrow(tx);
    }
    out->n = enrich_facts_merge(out->items, out->n, ask->as_of_us);
    return STATUS_OK;
}
