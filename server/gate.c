/* Opens them in the order in which they need each other. */
#include "server/gate.h"

#include "agent/context.h"
#include "agent/policy.h"
#include "agent/refusal.h"
#include "agent/usage.h"
#include "intercept/intercept.h"
#include "server/services.h"

enum { TENANT_PART = 4 }; /* of the calls, for the open streams of one tenant: see config.def */

static void note_refusal(void *refusals, const struct call *c, enum status s)
{
    refusals_note(refusals, c, s);
}

static void forget_key(void *auth, struct uuid key_id)
{
    auth_forget(auth, key_id);
}

static void forget_tenants(void *auth)
{
    auth_forget_tenants(auth);
}

static void count_usage(void *usage, const struct call *c, const char *method, bool failed)
{
    usage_count(usage, c, method, failed);
}

static enum status rep_scope(void *agents, struct call *c, RepScope *out)
{
    return policy_rep_scope(c, ((struct agents *)agents)->policies, out);
}

/* Issuers and certificates, when there is a file about them. */
static enum status open_trust(struct call *c, struct gate *g, const struct config *config,
                              struct metrics *metrics)
{
    if (!config->trust_file[0])
        return STATUS_OK;
    return trust_open(c,
                      &(struct trust_options){.path = config->trust_file,
                                              .metrics = metrics,
                                              .n_workers = config->workers,
                                              .ca_file = config->trust_ca},
                      &g->trust);
}

static enum status open_rates(struct call *c, struct gate *g, const struct config *config)
{
    g->rates = tenant_rate_new(c, &(struct tenant_rate_options){
                                      .calls_per_second = config->tenant_rate,
                                      .burst = config->tenant_burst,
                                      .redis_url = config->redis.text,
                                      .redis_url_path = config->redis.path,
                                  });
    return g->rates ? STATUS_OK : c->fault.status;
}

static void open_intercept(struct gate *g, const struct config *config, struct agents *agents,
                           struct metrics *metrics)
{
    g->intercept = intercept_new(&(struct intercept_options){
        .metrics = metrics,
        .keys = &g->keys.base,
        .trust = g->trust,
        .services = services_all,
        .n_services = SERVICES_ALL,
        .deadline_ms = config->deadline,
        .deadline_max_ms = config->deadline_max,
        .rates = g->rates,
        .tenant_streams = (config->calls + TENANT_PART - 1) / TENANT_PART,
        .used = count_usage,
        .used_context = agents->usage,
        .rep_scope = rep_scope,
        .rep_scope_context = agents,
        .log_peer_identity = config->log_peer_identity,
        .refused = {note_refusal, g->refusals},
    });
}

enum status gate_open(struct call *c, struct gate *g, const struct config *config,
                      struct agents *agents, struct metrics *metrics)
{
    g->key_use = key_use_new(agents->store);
    store_keys_init(&g->keys, agents->store, g->key_use);
    g->refusals = refusals_new(agents->store, metrics);
    TRY(open_trust(c, g, config, metrics));
    TRY(open_rates(c, g, config));
    if (g->key_use && g->refusals)
        open_intercept(g, config, agents, metrics);
    if (!g->intercept)
        return call_fail(c, STATUS_EXHAUSTED, "no memory for the interceptors");
    agents->forget_key.fn = forget_key;
    agents->forget_key.context = intercept_auth(g->intercept);
    agents->forget_tenants.fn = forget_tenants;
    agents->forget_tenants.context = intercept_auth(g->intercept);
    return STATUS_OK;
}

void gate_close(struct gate *g)
{
    intercept_free(g->intercept);
    tenant_rate_free(g->rates);
    refusals_free(g->refusals);
    trust_close(g->trust);
    key_use_free(g->key_use);
}
