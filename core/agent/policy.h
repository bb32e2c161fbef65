/*
 * policy: what a tenant allows and defines (pipelines, qualification, switches), as every request
 * of the tenant sees it.
 *
 * Cached per tenant for POLICY_TTL_MS, so a change reaches all replicas within that time and no
 * request pays for reading it. Thread-safe.
 */
#ifndef AGENT_POLICY_H
#define AGENT_POLICY_H

#include "sales/v1/tenant.h"
#include "store/store.h"

struct policies;

enum {
    POLICY_TTL_MS = 5000,
    POLICY_TENANTS_MAX = 4096, /* cached; more push out others */
};

MUST_CHECK struct policies *policies_new(struct store *s); /* NULL: out of memory */
void policies_free(struct policies *p);

/* The policy of the call's tenant. *out is a copy in c->arena; never NULL on success: a tenant
 * without a policy has the default one. */
MUST_CHECK enum status policy_get(struct call *c, struct policies *p, const TenantPolicy **out);

/* Its rep_scope alone; never unspecified. */
MUST_CHECK enum status policy_rep_scope(struct call *c, struct policies *p, RepScope *out);

/* The next policy_get of the tenant reads again. */
void policy_forget(struct policies *p, int64_t tenant_id);

#endif
