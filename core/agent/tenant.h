/*
 * tenant: tenants and their policies. The record is the service's; whose it is follows from the
 * number in the caller's principal.
 *
 * Messages returned live in c->arena. Every function: the failures of store_run too.
 */
#ifndef AGENT_TENANT_H
#define AGENT_TENANT_H

#include "agent/context.h"
#include "internal/v1/records.h"
#include "sales/v1/admin.h"

/* DENIED (OPERATOR_ONLY): the caller is not of the operator's tenant. */
MUST_CHECK enum status tenant_check_operator(struct call *c, const struct agents *a);

/* The record of the caller's tenant. service: a view of tx_service, or a system unit. */
MUST_CHECK enum status tenant_of_caller(struct tx *service, TenantRecord **out);

/*
 * Creates a tenant with data keys and its first admin key.
 *
 * DENIED (OPERATOR_ONLY): the caller is no admin of the operator's tenant. INVALID: see
 * policy_check, or no key. EXISTS (TENANT_EXISTS): the key is taken.
 */
MUST_CHECK enum status tenant_create(struct call *c, struct agents *a,
                                     const CreateTenantRequest *in, CreateTenantResponse *out);

MUST_CHECK enum status tenant_get(struct call *c, struct agents *a, Tenant **out);

/*
 * Changes the parts of the policy that the mask names; see schema/mask.h. In force here at once, on
 * other servers within POLICY_TTL_MS.
 *
 * INVALID: see policy_check, or the mask. CONFLICT: ETAG_MISMATCH. PRECONDITION (PIPELINE_USED):
 * deals are in what it takes away.
 */
MUST_CHECK enum status tenant_update_policy(struct call *c, struct agents *a,
                                            const UpdateTenantPolicyRequest *in,
                                            UpdateTenantPolicyResponse *out);

#endif
