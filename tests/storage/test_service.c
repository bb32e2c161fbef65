/* A unit of a tenant that changes the service's records too: one transaction, two views. */
#include <stdio.h>

#include "storage/store_test.h"
#include "store/service.h"

#define STORE_SUITE store_service

static TenantRecord *new_tenant(struct call *c, const char *key, int64_t number)
{
    TenantRecord *r = NEW(&c->arena, TenantRecord, 1);
    Tenant *t = NEW(&c->arena, Tenant, 1);

    *t = (Tenant)TENANT_INIT;
    t->key = arena_cstr(&c->arena, str_of(key));
    *r = (TenantRecord)TENANT_RECORD_INIT;
    r->tenant = t;
    r->number = number;
    return r;
}

struct both {
    enum status end;
    const char *lead_id;
    TenantRecord *tenant;
    int64_t mine, services; /* counters */
};

/* Goes to and fro between the views, with rows waiting in both. */
static enum status both_unit(struct call *c, struct tx *tx, void *arg)
{
    struct both *k = arg;
    Lead *first = make_lead(c, "Ada", "ada@example.com"), *second = make_lead(c, "Eve", "");
    TenantRecord *found;
    struct tx *service;

    k->tenant = new_tenant(c, "acme", 7);
    TRY(tx_insert_lead(tx, first));
    TRY(tx_service(tx, &service));
    TRY(tx_insert_tenant(service, k->tenant));
    TRY(tx_insert_lead(tx, second));
    TRY(tx_event(tx, "sales.lead.created", RECORD_LEAD, str_of(first->id), &first->base));
    TRY(tx_find_tenant(service, TENANT_BY_key, STR("acme"), &found));
    found->tenant->display_name = "Acme";
    TRY(tx_update_tenant(service, found));
    TRY(tx_get_lead(tx, str_of(first->id), &first));
    TRY(tx_counter_next(tx, "deal", &k->mine));
    TRY(tx_counter_next(service, "tenant", &k->services));
    k->lead_id = first->id;
    return k->end == STATUS_OK ? STATUS_OK : call_fail(c, k->end, "as asked");
}

static enum status look_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_find_tenant(tx, TENANT_BY_key, STR("acme"), arg);
}

static enum status look(struct fixture *f, TenantRecord **out)
{
    enum status s = store_run_system(f->store, &f->call, STORE_READ, look_unit, out);

    call_clear(&f->call);
    return s;
}

STORE_TEST(both_views_commit_together)
{
    struct both k = {.end = STATUS_OK};
    TenantRecord *tenant;
    Lead *lead;

    RUN(f, STORE_WRITE, both_unit, &k, STATUS_OK);
    cr_assert_eq(look(f, &tenant), STATUS_OK);
    cr_assert_str_eq(tenant->tenant->display_name, "Acme");
    cr_assert_eq(get_lead(f, &f->call, k.lead_id, &lead), STATUS_OK);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM lead WHERE tenant_id = 1"), 2);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM tenant WHERE tenant_id = 0"), 1);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM outbox WHERE tenant_id = 1"), 1);
    cr_assert_eq(k.mine, 1);
    cr_assert_eq(k.services, 1);
}

STORE_TEST(neither_view_stays_when_the_unit_fails)
{
    struct both k = {.end = STATUS_PRECONDITION};
    TenantRecord *tenant;

    RUN(f, STORE_WRITE, both_unit, &k, STATUS_PRECONDITION);
    cr_assert_eq(look(f, &tenant), STATUS_NOT_FOUND);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM lead"), 0);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM counter"), 0);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM outbox"), 0);
}

/* Wherever the engine fails, both parts are there or none is. */
STORE_TEST(a_failure_anywhere_leaves_nothing)
{
    enum { STEPS_MAX = 100 };
    int n = 0;

    for (;; n++) {
        struct both k = {.end = STATUS_OK};
        TenantRecord *tenant;
        enum status s;

        cr_assert(n < STEPS_MAX);
        f->fault.error = SQL_ERROR_SCHEMA; /* one that is not tried again */
        atomic_store(&f->fault.countdown, n + 1);
        s = store_run(f->store, &f->call, STORE_WRITE, both_unit, &k);
        atomic_store(&f->fault.countdown, 0);
        call_clear(&f->call);
        cr_assert_eq(look(f, &tenant) == STATUS_OK, s == STATUS_OK, "step %d", n);
        cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM lead"), s == STATUS_OK ? 2 : 0);
        if (s == STATUS_OK)
            break;
    }
    cr_assert_gt(n, 3);
}
