/* What is written to the trail, by every way of changing a record. */
#include <stdio.h>

#include "storage/trail.h"
#include "store/service.h"

#define STORE_SUITE audit_store

static enum status put_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_insert_lead(tx, arg);
}

static enum status rename_unit(struct call *c, struct tx *tx, void *arg)
{
    Lead *lead;

    TRY(tx_get_lead(tx, str_of(arg), &lead));
    lead->full_name = "Grace Hopper";
    lead->company = NEW(&c->arena, Company, 1);
    *lead->company = (Company)COMPANY_INIT;
    lead->company->name = "Navy";
    return tx_update_lead(tx, lead);
}

static enum status move_unit(struct call *c, struct tx *tx, void *arg)
{
    Lead *lead;

    (void)c;
    TRY(tx_get_lead(tx, str_of(arg), &lead));
    lead->company->name = "US Navy";
    return tx_update_lead(tx, lead);
}

static enum status delete_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_delete_lead(tx, str_of(arg), STR(""));
}

static bool same(ProtobufCBinaryData a, ProtobufCBinaryData b)
{
    return a.len == 32 && b.len == 32 && memcmp(a.data, b.data, 32) == 0;
}

STORE_TEST(a_change_says_who_what_by_what_right_and_keeps_digests)
{
    Lead *lead = make_lead(&f->call, "Ada Lovelace", "ada@example.com");
    AuditEntry **e;
    size_t n;

    f->call.method = "sales.v1.SalesAgent/CreateLead";
    f->call.rule = "method.roles";
    f->call.peer = "ipv4:192.0.2.7:4711";
    f->call.request_id = "0190a1b2-0000-7000-8000-000000000001";
    f->call.principal.kind = ACTOR_USER;
    f->call.principal.roles = ROLE_BIT_REP | ROLE_BIT_VIEWER;
    snprintf(f->call.principal.subject, sizeof f->call.principal.subject, "user-7");
    f->call.trace.trace_id[0] = 0xAB;
    RUN(f, STORE_WRITE, put_unit, lead, STATUS_OK);
    RUN(f, STORE_WRITE, rename_unit, lead->id, STATUS_OK);
    RUN(f, STORE_WRITE, move_unit, lead->id, STATUS_OK);
    RUN(f, STORE_WRITE, delete_unit, lead->id, STATUS_OK);
    e = trail_list(f, "", &n);
    cr_assert_eq(n, 4);
    for (size_t i = 0; i < n; i++) {
        cr_expect_str_eq(e[i]->record_kind, "lead");
        cr_expect_str_eq(e[i]->record_id, lead->id);
        cr_expect_str_eq(e[i]->action, "/sales.v1.SalesAgent/CreateLead");
        cr_expect_str_eq(e[i]->rule, "method.roles");
        cr_expect_str_eq(e[i]->peer, "ipv4:192.0.2.7:4711");
        cr_expect_str_eq(e[i]->request_id, f->call.request_id);
        cr_expect_str_eq(e[i]->trace_id, "ab000000000000000000000000000000");
        cr_expect_str_eq(e[i]->actor->id, "user-7");
        cr_expect_eq(e[i]->actor->kind, ACTOR_KIND_USER);
        cr_expect_eq(e[i]->n_roles, 2);
        cr_expect_eq(e[i]->roles[0], ROLE_REP);
        cr_expect_eq(e[i]->sequence, 0, "not sealed yet");
        cr_expect_eq(e[i]->chain_mac.len, 0);
        cr_expect_eq(e[i]->time->seconds > 1700000000, true);
    }
    cr_expect_eq(e[0]->before_digest.len, 0);
    cr_expect_eq(e[0]->n_changed_fields, 0);
    for (size_t i = 1; i < n; i++)
        cr_expect(same(e[i - 1]->after_digest, e[i]->before_digest), "%zu", i);
    cr_expect_not(same(e[1]->before_digest, e[1]->after_digest));
    cr_assert_eq(e[1]->n_changed_fields, 2);
    cr_expect_str_eq(e[1]->changed_fields[0], "full_name");
    cr_expect_str_eq(e[1]->changed_fields[1], "company");
    cr_assert_eq(e[2]->n_changed_fields, 1);
    cr_expect_str_eq(e[2]->changed_fields[0], "company.name");
    cr_expect_eq(e[3]->after_digest.len, 0);
}

STORE_TEST(lists_filter_by_what_the_contract_names)
{
    static const struct {
        const char *filter;
        size_t n;
    } rows[] = {
        {"action = \"jobs.a\"", 2},
        {"action = \"jobs.b\"", 1},
        {"actor_id = \"user-7\"", 1},
        {"actor_id = \"user-8\"", 0},
        {"record_kind = \"lead\"", 3},
        {"record_kind = \"deal\"", 0},
        {"code = 0", 3},
        {"code = 7", 0},
        {"sequence >= 2", 2},
        {"sequence <= 2 AND action = \"jobs.a\"", 2},
        {"time > \"2024-01-01T00:00:00Z\"", 3},
        {"time > \"2999-01-01T00:00:00Z\"", 0},
    };
    char by_id[128];
    Lead *lead = make_lead(&f->call, "Ada", "");
    AuditEntry **e;
    size_t n;

    f->call.method = "jobs.a";
    RUN(f, STORE_WRITE, put_unit, lead, STATUS_OK);
    trail_leads(f, 1);
    f->call.method = "jobs.b";
    snprintf(f->call.principal.subject, sizeof f->call.principal.subject, "user-7");
    trail_leads(f, 1);
    cr_assert_eq(trail_seal(f), 3);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        trail_list(f, rows[i].filter, &n);
        cr_expect_eq(n, rows[i].n, "%s: %zu", rows[i].filter, n);
    }
    snprintf(by_id, sizeof by_id, "record_id = \"%s\"", lead->id);
    e = trail_list(f, by_id, &n);
    cr_assert_eq(n, 1);
    cr_expect_eq(e[0]->sequence, 1);
    cr_expect_eq(e[0]->chain_mac.len, 32);
    cr_expect_eq(e[0]->actor->kind, ACTOR_KIND_SYSTEM, "a job has no principal");
}

struct many {
    int n;
    enum status end;
};

static enum status many_unit(struct call *c, struct tx *tx, void *arg)
{
    struct many *m = arg;

    for (int i = 0; i < m->n; i++)
        TRY(tx_insert_lead(tx, make_lead(c, "Ada", "")));
    return m->end == STATUS_OK ? STATUS_OK : call_fail(c, m->end, "as asked");
}

STORE_TEST(a_unit_that_changes_many_leaves_one_entry_with_their_ids)
{
    AuditEntry **e;
    size_t n;

    RUN(f, STORE_WRITE, many_unit, &(struct many){.n = AUDIT_SINGLES_MAX}, STATUS_OK);
    e = trail_list(f, "", &n);
    cr_assert_eq(n, AUDIT_SINGLES_MAX);
    cr_expect_eq(e[0]->record_count, 0);
    RUN(f, STORE_WRITE, many_unit, &(struct many){.n = 1000}, STATUS_OK);
    e = trail_list(f, "", &n);
    cr_assert_eq(n, AUDIT_SINGLES_MAX + 1);
    cr_expect_eq(e[n - 1]->record_count, 1000);
    cr_expect_eq(e[n - 1]->n_record_ids, 1000);
    cr_expect_str_eq(e[n - 1]->record_kind, "lead");
    cr_expect_str_eq(e[n - 1]->record_id, "");
    cr_expect_eq(e[n - 1]->after_digest.len, 32);
    cr_expect_eq(e[n - 1]->before_digest.len, 0);
    cr_expect_eq(trail_seal(f), n);
    cr_expect_eq(trail_verify(f).problem, AUDIT_PROBLEM_UNSPECIFIED);
}

STORE_TEST(a_unit_that_fails_leaves_no_entry)
{
    struct many m = {.n = 3, .end = STATUS_CONFLICT};
    size_t n;

    RUN(f, STORE_WRITE, many_unit, &m, STATUS_CONFLICT);
    trail_list(f, "", &n);
    cr_expect_eq(n, 0);
}

/* Walks the failure through every statement of a unit: lead and entry are there, or neither. */
STORE_TEST(a_change_and_its_entry_are_one)
{
    long long leads, entries;

    for (int at = 1;; at++) {
        enum status s;

        f->fault = (struct sql_fault){.countdown = at, .error = SQL_ERROR_IO};
        s = store_run(f->store, &f->call, STORE_WRITE, many_unit, &(struct many){.n = 2});
        f->fault.countdown = 0;
        call_clear(&f->call);
        leads = fixture_number(f, "SELECT COUNT(*) FROM lead");
        entries = fixture_number(f, "SELECT COUNT(*) FROM audit");
        cr_assert_eq(leads, entries, "failure %d: %lld leads, %lld entries", at, leads, entries);
        if (s == STATUS_OK)
            break;
        cr_assert_lt(at, 100);
    }
    cr_expect_eq(leads, 2);
}

static enum status bookkeeping_unit(struct call *c, struct tx *tx, void *arg)
{
    ImportCheckpoint *p = NEW(&c->arena, ImportCheckpoint, 1);

    (void)arg;
    *p = (ImportCheckpoint)IMPORT_CHECKPOINT_INIT;
    return tx_insert_import_checkpoint(tx, p);
}

STORE_TEST(bookkeeping_leaves_no_entry)
{
    size_t n;

    RUN(f, STORE_WRITE, bookkeeping_unit, NULL, STATUS_OK);
    trail_list(f, "", &n);
    cr_expect_eq(n, 0);
}

static enum status named_unit(struct call *c, struct tx *tx, void *arg)
{
    Pipeline *p = NEW(&c->arena, Pipeline, 1);

    (void)arg;
    *p = (Pipeline)PIPELINE_INIT;
    p->id = "default";
    return tx_insert_pipeline(tx, p);
}

STORE_TEST(a_record_with_a_name_is_named_by_it)
{
    AuditEntry **e;
    size_t n;

    RUN(f, STORE_WRITE, named_unit, NULL, STATUS_OK);
    e = trail_list(f, "record_id = \"default\"", &n);
    cr_assert_eq(n, 1);
    cr_expect_str_eq(e[0]->record_kind, "pipeline");
}

static enum status service_unit(struct call *c, struct tx *tx, void *arg)
{
    TenantRecord *r = NEW(&c->arena, TenantRecord, 1);
    Tenant *t = NEW(&c->arena, Tenant, 1);
    struct tx *service;

    (void)arg;
    *t = (Tenant)TENANT_INIT;
    t->key = "acme";
    *r = (TenantRecord)TENANT_RECORD_INIT;
    r->tenant = t;
    r->number = 7;
    TRY(tx_service(tx, &service));
    return tx_insert_tenant(service, r);
}

static enum status system_unit(struct call *c, struct tx *tx, void *arg)
{
    TenantRecord *r = NEW(&c->arena, TenantRecord, 1);
    Tenant *t = NEW(&c->arena, Tenant, 1);

    (void)arg;
    *t = (Tenant)TENANT_INIT;
    t->key = "other";
    *r = (TenantRecord)TENANT_RECORD_INIT;
    r->tenant = t;
    r->number = 8;
    return tx_insert_tenant(tx, r);
}

static enum status system_seal_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_audit_seal(tx, arg);
}

struct waiting {
    int64_t after, found;
};

static enum status waiting_unit(struct call *c, struct tx *tx, void *arg)
{
    struct waiting *w = arg;

    (void)c;
    return tx_audit_waiting(tx, w->after, &w->found);
}

static int64_t waiting_after(struct fixture *f, int64_t after)
{
    struct waiting w = {.after = after};

    cr_assert_eq(store_run_system(f->store, &f->call, STORE_READ, waiting_unit, &w), STATUS_OK,
                 "%s", f->call.fault.why);
    return w.found;
}

STORE_TEST(the_services_records_are_on_the_trail_of_whoever_changed_them)
{
    AuditEntry **e;
    size_t n;

    RUN(f, STORE_WRITE, service_unit, NULL, STATUS_OK);
    e = trail_list(f, "", &n);
    cr_assert_eq(n, 1);
    cr_expect_str_eq(e[0]->record_kind, "tenant");
    cr_assert_eq(store_run_system(f->store, &f->call, STORE_WRITE, system_unit, NULL), STATUS_OK);
    trail_list(f, "", &n);
    cr_expect_eq(n, 1, "a change by the service itself is on its own");
    cr_expect_eq(waiting_after(f, -1), 0);
    cr_expect_eq(waiting_after(f, 0), 1);
    cr_expect_eq(waiting_after(f, 1), -1);
    cr_expect_eq(trail_seal(f), 1);
    cr_assert_eq(store_run_system(f->store, &f->call, STORE_WRITE, system_seal_unit, &n), STATUS_OK,
                 "%s", f->call.fault.why);
    cr_expect_eq(n, 1);
    cr_expect_eq(waiting_after(f, -1), -1);
}

static enum status explicit_unit(struct call *c, struct tx *tx, void *arg)
{
    AuditEntry e = AUDIT_ENTRY_INIT;

    (void)c, (void)arg;
    e.record_kind = "data_key";
    e.record_id = "2";
    e.reason = "request 17";
    e.code = STATUS_DENIED;
    return tx_audit(tx, &e);
}

STORE_TEST(a_decision_without_a_record_has_its_entry)
{
    AuditEntry **e;
    size_t n;

    f->call.method = "sales.v1.Admin/RotateDataKey";
    RUN(f, STORE_WRITE, explicit_unit, NULL, STATUS_OK);
    e = trail_list(f, "code = 7", &n);
    cr_assert_eq(n, 1);
    cr_expect_str_eq(e[0]->reason, "request 17");
    cr_expect_str_eq(e[0]->action, "/sales.v1.Admin/RotateDataKey");
}

STORE_TEST(another_tenant_sees_nothing_of_it)
{
    size_t n;

    trail_leads(f, 2);
    f->call.principal.tenant_id = 2;
    trail_list(f, "", &n);
    cr_expect_eq(n, 0);
    cr_expect_eq(trail_seal(f), 0);
    trail_leads(f, 1);
    cr_expect_eq(trail_seal(f), 1);
    cr_expect_eq(trail_verify(f).checked, 1);
}
