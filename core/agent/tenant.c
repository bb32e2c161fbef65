/* The tenant's own unit, with a view of the service's records in it: what changes and what tells of
 * the change commit together. */
#include "agent/tenant.h"

#include <assert.h>

#include "agent/api_key.h"
#include "agent/event.h"
#include "agent/mutation.h"
#include "agent/pipeline_use.h"
#include "agent/policy_check.h"
#include "agent/server_info.h"
#include "schema/mask.h"
#include "store/records.h"
#include "store/service.h"
#include "store/tenant.h"

enum status tenant_of_caller(struct tx *service, TenantRecord **out)
{
    struct call *c = tx_call(service);

    TRY(tx_tenant_of(service, c->principal.tenant_id, out));
    if (*out && (*out)->tenant)
        return STATUS_OK;
    return call_fail(c, STATUS_NOT_FOUND, "the caller's tenant has no record");
}

/* The record as people see it: the store's fields are those of the inner message. */
struct create {
    const CreateTenantRequest *in;
    struct api_key_secret secret;
    TenantRecord *record; /* of the last run; NULL: none came so far */
    CreateTenantResponse *out;
};

static enum status tenant_taken(struct call *c)
{
    call_detail(c, FAULT_FIELD, "tenant.key", STR("tenant.key"), "a key that no other tenant has");
    return call_fail_as(c, STATUS_EXISTS, "TENANT_EXISTS", "a tenant with this key exists");
}

static enum status refuse_taken(struct call *c, struct tx *service, const char *key)
{
    TenantRecord *known;
    enum status s = tx_find_tenant(service, TENANT_BY_key, str_of(key), &known);

    if (s == STATUS_OK)
        return tenant_taken(c);
    if (s != STATUS_NOT_FOUND)
        return s;
    call_clear(c);
    return STATUS_OK;
}

static enum status make_record(struct call *c, struct tx *service, const Tenant *in,
                               TenantRecord **out)
{
    TenantRecord *r = NEW(&c->arena, TenantRecord, 1);
    Tenant *t = NEW(&c->arena, Tenant, 1);

    if (!r || !t)
        return call_nomem(c);
    *t = (Tenant)TENANT_INIT;
    t->key = in->key;
    t->display_name = *in->display_name ? in->display_name : in->key;
    t->policy = in->policy;
    t->state = TENANT_STATE_ACTIVE;
    *r = (TenantRecord)TENANT_RECORD_INIT;
    r->tenant = t;
    TRY(tx_counter_next(service, "tenant", &r->number));
    TRY(tx_insert_tenant(service, r));
    *out = r;
    return STATUS_OK;
}

static enum status create_unit(struct call *c, struct tx *tx, void *arg)
{
    struct create *k = arg;
    static Role roles[] = {ROLE_ADMIN};
    ApiKey wish = API_KEY_INIT;
    struct tx *service;

    TRY(tx_service(tx, &service));
    TRY(refuse_taken(c, service, k->in->tenant->key));
    TRY(make_record(c, service, k->in->tenant, &k->record));
    wish.name = "first admin";
    wish.subject = k->in->admin_subject;
    wish.subject_kind = ACTOR_KIND_USER;
    wish.roles = roles;
    wish.n_roles = 1;
    TRY(api_key_issue(service, k->record, &wish, &k->secret, &k->out->api_key));
    TRY(api_key_show(c, &k->secret, &k->out->secret));
    k->out->tenant = k->record->tenant;
    return tx_event(tx, EVENT_TENANT_CREATED, RECORD_TENANT, str_of(k->record->tenant->id),
                    &k->record->tenant->base);
}

enum status tenant_check_operator(struct call *c, const struct agents *a)
{
    const char *tenant = a->info ? a->info->operator_tenant : "";

    if (*tenant && strcmp(tenant, c->principal.tenant) == 0)
        return STATUS_OK;
    c->rule = "tenant.operator";
    call_detail(c, FAULT_METADATA, NULL, STR("rule"), "%s", c->rule);
    return call_fail_as(c, STATUS_DENIED, "OPERATOR_ONLY",
                        "only admins of the operator's tenant do this");
}

static enum status check_tenant(struct call *c, const Tenant *t)
{
    if (!*t->key) {
        call_detail(c, FAULT_FIELD, "required", STR("tenant.key"), "a short name, for ever");
        return call_fail_as(c, STATUS_INVALID, "VALIDATION", "the tenant has no key");
    }
    return t->policy ? policy_check(c, "tenant.policy", t->policy) : STATUS_OK;
}

static enum status nothing(struct call *c, struct tx *tx, void *arg)
{
    (void)c, (void)tx, (void)arg;
    return STATUS_OK;
}

/* The first unit of a tenant makes its data keys. They would be made later too, but a server that
 * cannot make them should say so to the operator, not to the first user. */
static enum status make_data_keys(struct call *c, struct agents *a, int64_t number)
{
    struct principal caller = c->principal;
    enum status s;

    c->principal = (struct principal){.tenant_id = number, .kind = ACTOR_SYSTEM};
    s = store_run(a->store, c, STORE_READ, nothing, NULL);
    c->principal = caller;
    return s;
}

enum status tenant_create(struct call *c, struct agents *a, const CreateTenantRequest *in,
                          CreateTenantResponse *out)
{
    struct create k = {.in = in, .out = out};
    enum status s;

    TRY(tenant_check_operator(c, a));
    TRY(check_tenant(c, in->tenant));
    s = mutate(c, a, &(struct mutation){.unit = create_unit, .arg = &k, .answer = &out->base});
    if (s == STATUS_OK && k.record && out->tenant == k.record->tenant) /* not a repetition */
        s = make_data_keys(c, a, k.record->number);
    api_key_wipe(&k.secret);
    return s;
}

static enum status get_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tenant_of_caller(tx, arg);
}

enum status tenant_get(struct call *c, struct agents *a, Tenant **out)
{
    TenantRecord *record;

    *out = NULL;
    TRY(store_run_system(a->store, c, STORE_READ, get_unit, &record));
    *out = record->tenant;
    return STATUS_OK;
}

struct update {
    const UpdateTenantPolicyRequest *in;
    UpdateTenantPolicyResponse *out;
};

/* The policy as the request changes it. */
static enum status change_policy(struct call *c, const UpdateTenantPolicyRequest *in,
                                 TenantPolicy **policy)
{
    static const char *const locked[] = {NULL};
    const FieldMask *mask = in->update_mask;
    struct mask paths = {locked, mask ? mask->paths : NULL, mask ? mask->n_paths : 0};
    TenantPolicy *own;

    assert(policy);
    own = *policy ? *policy : NEW(&c->arena, TenantPolicy, 1);

    if (!own)
        return call_nomem(c);
    if (!*policy)
        *own = (TenantPolicy)TENANT_POLICY_INIT;
    *policy = own;
    TRY(mask_apply(c, &paths, &in->policy->base, &own->base));
    return policy_check(c, "policy", own);
}

/* Into tenant, unless deals stand in what it takes away. */
static enum status apply(struct call *c, struct tx *tx, const UpdateTenantPolicyRequest *in,
                         Tenant *tenant)
{
    TenantPolicy before = TENANT_POLICY_INIT; /* as far as its lists are concerned */

    assert(tenant);
    if (tenant->policy)
        before = *tenant->policy;
    TRY(change_policy(c, in, &tenant->policy));
    return pipeline_check_unused(tx, &before, tenant->policy);
}

static enum status update_unit(struct call *c, struct tx *tx, void *arg)
{
    struct update *k = arg;
    TenantRecord *record;
    struct tx *service;
    Tenant *tenant;

    TRY(tx_service(tx, &service));
    TRY(tenant_of_caller(service, &record));
    TRY(tx_match(service, &record->base, str_of(k->in->etag)));
    assert(record);
    tenant = k->out->tenant = record->tenant;
    TRY(apply(c, tx, k->in, tenant));
    TRY(tx_update_tenant(service, record));
    return tx_event(tx, EVENT_TENANT_UPDATED, RECORD_TENANT, str_of(tenant->id), &tenant->base);
}

enum status tenant_update_policy(struct call *c, struct agents *a,
                                 const UpdateTenantPolicyRequest *in,
                                 UpdateTenantPolicyResponse *out)
{
    struct update k = {.in = in, .out = out};

    TRY(mutate(c, a, &(struct mutation){.unit = update_unit, .arg = &k, .answer = &out->base}));
    policy_forget(a->policies, c->principal.tenant_id);
    return STATUS_OK;
}
