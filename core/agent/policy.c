/* Packed policies in a small hash table by tenant; each request unpacks its own copy, so nothing is
 * shared with a request and nothing has to be counted. */
#include "agent/policy.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "schema/wire.h"
#include "store/tenant.h"

struct entry {
    int64_t tenant_id; /* 0: free */
    int64_t loaded_ns;
    char *bytes; /* owned; the packed TenantPolicy */
    size_t n;
};

struct policies {
    struct store *store;
    pthread_mutex_t lock; /* guards entries */
    struct entry entries[POLICY_TENANTS_MAX];
};

struct policies *policies_new(struct store *s)
{
    struct policies *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->store = s;
    pthread_mutex_init(&p->lock, NULL);
    return p;
}

void policies_free(struct policies *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < POLICY_TENANTS_MAX; i++)
        free(p->entries[i].bytes);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* One place per tenant: another tenant of the same place pushes it out. */
static struct entry *entry_of(struct policies *p, int64_t tenant_id)
{
    return &p->entries[(uint64_t)tenant_id % POLICY_TENANTS_MAX];
}

/* The cached bytes in the call's arena; false when there are none, or none fresh. */
static bool recall(struct call *c, struct policies *p, str *out)
{
    struct entry *e = entry_of(p, c->principal.tenant_id);
    bool found;

    *out = (str){0};
    pthread_mutex_lock(&p->lock);
    found = e->tenant_id == c->principal.tenant_id &&
            call_monotonic_ns(c) - e->loaded_ns < (int64_t)POLICY_TTL_MS * 1000000;
    if (found)
        *out = arena_str(&c->arena, (str){e->bytes, e->n});
    pthread_mutex_unlock(&p->lock);
    return found && out->p;
}

static void remember(struct call *c, struct policies *p, str bytes)
{
    struct entry *e = entry_of(p, c->principal.tenant_id);
    char *copy = malloc(bytes.n + 1);

    if (!copy)
        return; /* the next request reads again */
    if (bytes.n)
        memcpy(copy, bytes.p, bytes.n);
    pthread_mutex_lock(&p->lock);
    free(e->bytes);
    *e = (struct entry){c->principal.tenant_id, call_monotonic_ns(c), copy, bytes.n};
    pthread_mutex_unlock(&p->lock);
}

void policy_forget(struct policies *p, int64_t tenant_id)
{
    struct entry *e = entry_of(p, tenant_id);

    pthread_mutex_lock(&p->lock);
    if (e->tenant_id == tenant_id) {
        free(e->bytes);
        *e = (struct entry){0};
    }
    pthread_mutex_unlock(&p->lock);
}

struct reading {
    int64_t number;
    const TenantPolicy *policy; /* NULL: the tenant has none */
};

static enum status read_unit(struct call *c, struct tx *tx, void *arg)
{
    struct reading *k = arg;
    TenantRecord *record;

    (void)c;
    k->policy = NULL;
    TRY(tx_tenant_of(tx, k->number, &record));
    if (record && record->tenant)
        k->policy = record->tenant->policy;
    return STATUS_OK;
}

static enum status load(struct call *c, struct policies *p, str *out)
{
    static const TenantPolicy none = TENANT_POLICY_INIT;
    struct reading k = {.number = c->principal.tenant_id};

    TRY(store_run_system(p->store, c, STORE_READ, read_unit, &k));
    if (!wire_pack(&c->arena, k.policy ? &k.policy->base : &none.base, out))
        return call_nomem(c);
    remember(c, p, *out);
    return STATUS_OK;
}

enum status policy_get(struct call *c, struct policies *p, const TenantPolicy **out)
{
    ProtobufCMessage *m;
    str bytes;

    assert(c->principal.tenant_id > 0);
    *out = NULL;
    if (!recall(c, p, &bytes))
        TRY(load(c, p, &bytes));
    TRY(wire_unpack(c, &c->arena, TENANT_POLICY_DESCRIPTOR, bytes, &m));
    *out = (const TenantPolicy *)m;
    return STATUS_OK;
}

enum status policy_rep_scope(struct call *c, struct policies *p, RepScope *out)
{
    const TenantPolicy *policy;

    *out = REP_SCOPE_OWN;
    TRY(policy_get(c, p, &policy));
    *out = policy->rep_scope == REP_SCOPE_UNSPECIFIED ? REP_SCOPE_TEAM : policy->rep_scope;
    return STATUS_OK;
}
