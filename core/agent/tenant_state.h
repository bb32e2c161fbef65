/*
 * tenant_state: the operator suspends a tenant and serves it again.
 *
 * A suspended tenant keeps its data; its calls are DENIED (TENANT_SUSPENDED), its open streams end
 * within a second. On this server at once, on others when what they have cached
 * of its credentials ends (AUTH_CACHE_TTL_MS).
 */
#ifndef AGENT_TENANT_STATE_H
#define AGENT_TENANT_STATE_H

#include "agent/context.h"
#include "sales/v1/admin.h"

/*
 * OK also when it is suspended already. Both leave entries on the operator's trail: the change,
 * if there was one, and who wanted it and why.
 *
 * DENIED (OPERATOR_ONLY): the caller is no admin of the operator's tenant. NOT_FOUND: there is no
 * tenant of that key. FAILED_PRECONDITION (OPERATOR_TENANT): it is the operator's own.
 */
MUST_CHECK enum status tenant_suspend(struct call *c, struct agents *a,
                                      const SuspendTenantRequest *in, SuspendTenantResponse *out);

MUST_CHECK enum status tenant_resume(struct call *c, struct agents *a,
                                     const ResumeTenantRequest *in, ResumeTenantResponse *out);

#endif
