/* Read, ask without a transaction, write: a record that changed in between keeps its change. */
#include "agent/enrichment_refresh.h"

#include <assert.h>

#include "agent/instant.h"
#include "store/records.h"

enum {
    LEASE_MS = 60000,
    FIRST_MS = 5000,
    MOST_MS = 600000,
    AT_ONCE = 4, /* look-ups of this process: they wait for others */
    SPREAD_S = 60,
    US_PER_MS = 1000,
};

struct refresh {
    struct agents *agents;
    struct job *job;
    EnrichmentRecord *record; /* NULL: erased, or never asked for */
    struct enrich_result result;
    bool is_last; /* of the attempts */
};

static enum status read_unit(struct call *c, struct tx *tx, void *arg)
{
    struct refresh *r = arg;
    enum status s = tx_get_enrichment(tx, r->job->key, &r->record);

    if (s != STATUS_NOT_FOUND)
        return s;
    call_clear(c);
    r->record = NULL;
    return STATUS_OK;
}

/* Nothing may be asked any more: what was asked for goes. */
static enum status drop_unit(struct call *c, struct tx *tx, void *arg)
{
    struct refresh *r = arg;

    TRY(read_unit(c, tx, arg));
    if (r->record)
        TRY(tx_delete_enrichment(tx, r->job->key, STR("")));
    return tx_job_done(tx, r->job);
}

static void ask(struct call *c, struct refresh *r)
{
    const struct enrich_query q = {
        .subject = {.email = str_of(r->record->email), .company_domain = str_of(r->record->domain)},
        .about = *r->record->email ? ENRICH_PERSON | ENRICH_COMPANY : ENRICH_COMPANY,
        .at_us = call_now_us(c)};

    enrich_chain_ask(enrichment_chain(r->agents->enrichment), c, ENRICH_OUTSIDE, &q, &r->result);
}

static enum status put_facts(struct call *c, const struct enrich_result *result,
                             EnrichmentRecord *out)
{
    EnrichmentFact *facts = NEW(&c->arena, EnrichmentFact, result->n_facts);

    out->facts = NEW(&c->arena, EnrichmentFact *, result->n_facts);
    if (!facts || !out->facts)
        return call_nomem(c);
    for (size_t i = 0; i < result->n_facts; i++) {
        const struct enrich_fact *f = &result->facts[i];

        facts[i] = (EnrichmentFact)ENRICHMENT_FACT_INIT;
        facts[i].key = (char *)f->key;
        facts[i].value = (char *)f->value;
        facts[i].type = (uint32_t)f->type;
        facts[i].confidence = f->confidence;
        facts[i].source = (char *)f->source;
        facts[i].observed_us = f->observed_at_us;
        out->facts[i] = &facts[i];
    }
    out->n_facts = result->n_facts;
    return STATUS_OK;
}

static enum status settle(struct tx *tx, struct refresh *r, EnrichmentState state, int64_t keep_us)
{
    struct call *c = tx_call(tx);

    r->record->state = state;
    r->record->ask_time = NULL;
    TRY(instant_new(c, call_now_us(c) + keep_us, &r->record->expire_time));
    TRY(tx_update_enrichment(tx, r->record));
    return tx_job_done(tx, r->job);
}

/* Again, when the provider says: not all that wait for it at the same moment. */
static enum status later(struct tx *tx, struct refresh *r)
{
    struct call *c = tx_call(tx);
    EnrichmentRecord *record = r->record;
    int64_t now_us = call_now_us(c), wait_us = r->result.wait_ms * US_PER_MS;
    struct uuid id;

    if (record->ask_time && now_us - instant_us(record->ask_time) >= ENRICHMENT_DAY_US)
        return settle(tx, r, ENRICHMENT_STATE_GIVEN_UP, ENRICHMENT_UNKNOWN_US);
    if (!record->ask_time) {
        TRY(instant_new(c, now_us, &record->ask_time));
        TRY(tx_update_enrichment(tx, record));
    }
    if (uuid_parse(r->job->key, &id))
        wait_us += id.b[sizeof id.b - 1] % SPREAD_S * INT64_C(1000000);
    return tx_job_again(tx, r->job, now_us + wait_us);
}

static enum status write_unit(struct call *c, struct tx *tx, void *arg)
{
    struct refresh *r = arg;

    TRY(read_unit(c, tx, arg));
    if (!r->record)
        return tx_job_done(tx, r->job);
    switch (r->result.answer) {
    case ENRICH_OK:
        TRY(put_facts(c, &r->result, r->record));
        return settle(tx, r, ENRICHMENT_STATE_KNOWN, ENRICHMENT_KNOWN_US);
    case ENRICH_NOT_FOUND:
        r->record->n_facts = 0;
        return settle(tx, r, ENRICHMENT_STATE_UNKNOWN, ENRICHMENT_UNKNOWN_US);
    case ENRICH_PENDING:
    case ENRICH_LIMITED: return later(tx, r);
    case ENRICH_DENIED:
    case ENRICH_FAILED: return settle(tx, r, ENRICHMENT_STATE_GIVEN_UP, ENRICHMENT_UNKNOWN_US);
    case ENRICH_ANSWERS: break;
    }
    return call_fail(c, STATUS_INTERNAL, "an answer of no kind");
}

static enum status handle(void *self, struct call *c, struct job *job)
{
    struct refresh r = {
        .agents = self, .job = job, .is_last = job->attempts >= ENRICHMENT_ATTEMPTS};
    struct store *store = r.agents->store;
    const TenantPolicy *policy;

    TRY(policy_get(c, r.agents->policies, &policy));
    if (!enrichment_is_allowed(r.agents->enrichment, policy))
        return store_run(store, c, STORE_WRITE, drop_unit, &r);
    TRY(store_run(store, c, STORE_READ, read_unit, &r));
    if (!r.record)
        return STATUS_OK;
    ask(c, &r);
    if (r.result.answer == ENRICH_FAILED && !r.is_last)
        return call_fail_as(c, STATUS_UNAVAILABLE, r.result.reason,
                            "the provider of enrichment does not answer");
    return store_run(store, c, STORE_WRITE, write_unit, &r);
}

const struct job_kind enrichment_refresh_kind = {.name = ENRICHMENT_JOB_REFRESH,
                                                 .handle = handle,
                                                 .lease_ms = LEASE_MS,
                                                 .attempts_max = ENRICHMENT_ATTEMPTS + 1,
                                                 .first_ms = FIRST_MS,
                                                 .most_ms = MOST_MS,
                                                 .limit = AT_ONCE};
