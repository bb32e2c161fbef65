/* gate: the interceptors and what they ask: keys, issuers, rates, the rights of a tenant. */
#ifndef SERVER_GATE_H
#define SERVER_GATE_H

#include "obs/metrics.h"
#include "server/config.h"
#include "server/keys.h"

struct agents; /* agent/context.h */

struct gate {
    struct key_use *key_use;
    struct store_keys keys;
    struct trust *trust; /* NULL: API keys only */
    struct tenant_rate *rates;
    struct refusals *refusals;
    struct intercept *intercept;
};

/*
 * Also tells the agents whom to tell about keys and tenants that changed. INVALID: the
 * configuration. What it opened must be closed, also when it fails. All arguments outlive the gate.
 */
MUST_CHECK enum status gate_open(struct call *c, struct gate *g, const struct config *config,
                                 struct agents *agents, struct metrics *metrics);

/* When no call runs any more; before the store and the metrics close. Zeroed is fine. */
void gate_close(struct gate *g);

#endif
