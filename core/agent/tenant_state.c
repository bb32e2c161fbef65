/* Both directions are one unit; what differs is the state it ends in. */
#include "agent/tenant_state.h"

#include <assert.h>

#include "agent/event.h"
#include "agent/mutation.h"
#include "agent/tenant.h"
#include "store/audit.h"
#include "store/records.h"
#include "store/service.h"

struct turn {
    const char *key, *reason;
    TenantState state;
    Tenant **out; /* of the answer */
};

/* Whoever did that could not take it back. */
static enum status refuse_own(struct call *c)
{
    call_detail(c, FAULT_PRECONDITION, "OPERATOR_TENANT", str_of(c->principal.tenant),
                "another tenant than the operator's own");
    return call_fail_as(c, STATUS_PRECONDITION, "OPERATOR_TENANT",
                        "the operator's own tenant cannot be suspended");
}

/* The change leaves an entry of its own; these say why, also when nothing changed: to the operator,
 * and to the tenant, which does not learn from where. */
static enum status note(struct tx *tx, struct tx *service, const struct turn *k,
                        const TenantRecord *r)
{
    AuditEntry e = AUDIT_ENTRY_INIT;

    e.record_kind = "tenant";
    e.record_id = r->tenant->id;
    e.reason = (char *)k->reason;
    TRY(tx_audit(tx, &e));
    e.peer = "operator";
    return tx_audit_beside(service, r->number, &e);
}

/* The operator sees that it is done, not what the tenant decided for itself. */
static enum status show(struct call *c, const Tenant *t, Tenant **out)
{
    *out = NEW(&c->arena, Tenant, 1);
    if (!*out)
        return call_nomem(c);
    **out = *t;
    (*out)->policy = NULL;
    return STATUS_OK;
}

static enum status turn_unit(struct call *c, struct tx *tx, void *arg)
{
    const struct turn *k = arg;
    struct tx *service;
    TenantRecord *r;

    TRY(tx_service(tx, &service));
    TRY(tx_find_tenant(service, TENANT_BY_key, str_of(k->key), &r));
    if (!r->tenant)
        return call_fail(c, STATUS_NOT_FOUND, "no tenant has this key");
    if (r->number == c->principal.tenant_id)
        return refuse_own(c);
    TRY(note(tx, service, k, r));
    if (r->tenant->state != k->state) {
        r->tenant->state = k->state;
        TRY(tx_update_tenant(service, r));
    }
    TRY(show(c, r->tenant, k->out));
    return tx_event(tx, EVENT_TENANT_UPDATED, RECORD_TENANT, str_of(r->tenant->id),
                    &(*k->out)->base);
}

static enum status turn(struct call *c, struct agents *a, struct turn *k, ProtobufCMessage *answer)
{
    TRY(tenant_check_operator(c, a));
    TRY(mutate(c, a, &(struct mutation){.unit = turn_unit, .arg = k, .answer = answer}));
    if (a->forget_tenants.fn)
        a->forget_tenants.fn(a->forget_tenants.context);
    return STATUS_OK;
}

enum status tenant_suspend(struct call *c, struct agents *a, const SuspendTenantRequest *in,
                           SuspendTenantResponse *out)
{
    return turn(c, a, &(struct turn){in->key, in->reason, TENANT_STATE_SUSPENDED, &out->tenant},
                &out->base);
}

enum status tenant_resume(struct call *c, struct agents *a, const ResumeTenantRequest *in,
                          ResumeTenantResponse *out)
{
    return turn(c, a, &(struct turn){in->key, in->reason, TENANT_STATE_ACTIVE, &out->tenant},
                &out->base);
}
