/*
 * enrichment: what is known of a lead beside its record: facts from its own address and number
 * (domain/enrich_offline.h), and what a provider outside said of its mailbox and company, as
 * stored.
 *
 * A score never waits for the network: it takes what is stored, and what is missing or old it asks
 * for by a job (agent/enrichment_refresh.h), whose answer the next score finds. A record per
 * mailbox and one per company, found by keyed digests, hold what was said:
 *
 *     answer       asked again after
 *     facts        30 days; until somebody answers, the old facts count, and show their age (signal
 *                  enrichment_age_days)
 *     nobody       1 day
 *     pending      10 minutes, by the job
 *     denied, or failed again and again   1 day; older facts stay
 *
 * One look-up at a time per mailbox or company of a tenant: the record is unique, and names the
 * job.
 *
 * Something goes outside only where a provider is configured and the tenant's policy says
 * enrichment.external_allowed, never in HIPAA mode; without that, what is stored is not used
 * either. Functions (info@) and throw-away addresses are not asked about; of a function the company
 * is.
 */
#ifndef AGENT_ENRICHMENT_H
#define AGENT_ENRICHMENT_H

#include "agent/context.h"
#include "domain/enrich_fact.h"
#include "integration/enrich.h"
#include "sales/v1/lead.h"
#include "sales/v1/policy.h"

#define ENRICHMENT_JOB_REFRESH "enrichment.refresh" /* key: id of the record */

#define ENRICHMENT_DAY_US      INT64_C(86400000000)
#define ENRICHMENT_KNOWN_US    (30 * ENRICHMENT_DAY_US)
#define ENRICHMENT_UNKNOWN_US  ENRICHMENT_DAY_US

struct enrichment; /* the provider outside and what is counted; thread-safe; NULL: offline only */

struct enrichment_options {
    struct enrich_provider *outside; /* owned from here on, also on failure */
    int64_t deadline_ms;             /* of a look-up; 0: ENRICH_DEADLINE_MS */
    int64_t a_minute;                /* look-ups that scores of this process may ask for; > 0 */
    struct metrics *metrics;         /* NULL: not counted */
};

/* EXHAUSTED: no memory. */
MUST_CHECK enum status enrichment_open(struct call *c, const struct enrichment_options *o,
                                       struct enrichment **out);
void enrichment_close(struct enrichment *e); /* NULL is allowed */

/* Whether something may be asked outside for a tenant of this policy. e may be NULL. */
bool enrichment_is_allowed(const struct enrichment *e, const TenantPolicy *policy);

struct enrichment_ask {
    const struct agents *agents;
    const TenantPolicy *policy; /* of the tenant */
    int64_t as_of_us;           /* facts observed later are left out */
    bool refreshes; /* the unit writes, and may put jobs for what is missing or old; else it only
                       reads */
};

struct enrichment_found {
    struct enrich_fact
        items[ENRICH_FACTS_MAX]; /* [n], one per key; in the call's arena or static */
    size_t n;
};

/*
 * The facts of a lead that was read in this unit, for score_input.facts:
 *
 *     struct enrichment_found facts;
 *
 *     TRY(enrichment_facts(tx, &(struct enrichment_ask){agents, policy, as_of_us, true}, lead,
 *                          &facts));
 *
 * Offline facts count as observed when the lead came about, at the latest at as_of_us: they say no
 * more than its fields do, which are as they are now. Cost: 10 us, and where the tenant allows a
 * provider one look-up by index for the mailbox, one for the company if that is another; no
 * network. Whose lead it is plays no part. The failures of the store; a record that does not open
 * is passed over.
 */
MUST_CHECK enum status enrichment_facts(struct tx *tx, const struct enrichment_ask *ask,
                                        const Lead *lead, struct enrichment_found *out);

/* The provider's chain, for the job; e is not NULL. */
const struct enrich_chain *enrichment_chain(const struct enrichment *e);

#endif
