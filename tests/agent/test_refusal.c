/* Refused calls reach the trail without making anybody wait. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/refusal.h"
#include "sqlite/sqlite_store.h"
#include "store/audit.h"

struct place {
    struct call call;
    struct metrics *metrics;
    struct store *store;
    struct refusals *refusals;
    struct sql_fault fault;
    char dir[64];
};

static void open_place(struct place *p)
{
    char path[96], key[96];

    *p = (struct place){.metrics = metrics_open()};
    call_init(&p->call, NULL, (size_t)1 << 28);
    p->call.principal = (struct principal){.tenant_id = 1, .roles = ROLE_BIT_VIEWER};
    snprintf(p->call.principal.subject, sizeof p->call.principal.subject, "user-7");
    p->call.method = "sales.v1.SalesAgent/DeleteLead";
    p->call.peer = "ipv4:192.0.2.7:4711";
    snprintf(p->dir, sizeof p->dir, "/tmp/salesd-refusal.XXXXXX");
    cr_assert(p->metrics && mkdtemp(p->dir));
    snprintf(path, sizeof path, "%s/store.db", p->dir);
    snprintf(key, sizeof key, "%s/master.key", p->dir);
    cr_assert_eq(sqlite_store_open(&p->call,
                                   &(struct sqlite_options){
                                       .path = path, .master_key_path = key, .fault = &p->fault},
                                   &p->store),
                 STATUS_OK, "%s", p->call.fault.why);
    p->refusals = refusals_new(p->store, p->metrics);
    cr_assert(p->refusals);
}

static void close_place(struct place *p)
{
    char command[96];

    refusals_free(p->refusals);
    store_close(p->store);
    metrics_close(p->metrics);
    call_release(&p->call);
    snprintf(command, sizeof command, "rm -rf '%s'", p->dir);
    cr_assert_eq(system(command), 0);
}

static enum status list_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_audit_list(
        tx, &(struct list_query){.page_size = PAGE_SIZE_MAX, .order_by = STR("create_time desc")},
        arg);
}

/* Ends the writer, so that all is written, and starts another. */
static AuditEntry **written(struct place *p, size_t *n_out)
{
    struct list_page page;

    refusals_free(p->refusals);
    p->refusals = refusals_new(p->store, p->metrics);
    call_clear(&p->call);
    cr_assert_eq(store_run(p->store, &p->call, STORE_READ, list_unit, &page), STATUS_OK, "%s",
                 p->call.fault.why);
    *n_out = page.n_items;
    return (AuditEntry **)page.items;
}

Test(refusal, a_refused_call_is_on_the_trail_of_its_tenant)
{
    struct place p;
    AuditEntry **e;
    size_t n;

    open_place(&p);
    p.call.rule = "method.roles";
    (void)call_fail_as(&p.call, STATUS_DENIED, "ROLE_REQUIRED", "no");
    refusals_note(p.refusals, &p.call, STATUS_DENIED);
    e = written(&p, &n);
    cr_assert_eq(n, 1);
    cr_expect_str_eq(e[0]->actor->id, "user-7");
    cr_expect_str_eq(e[0]->action, "/sales.v1.SalesAgent/DeleteLead");
    cr_expect_str_eq(e[0]->rule, "method.roles");
    cr_expect_str_eq(e[0]->reason, "ROLE_REQUIRED");
    cr_expect_str_eq(e[0]->peer, "ipv4:192.0.2.7:4711");
    cr_expect_eq(e[0]->code, STATUS_DENIED);
    cr_expect_eq(e[0]->n_roles, 1);
    cr_expect_eq(e[0]->roles[0], ROLE_VIEWER);
    cr_expect_eq(e[0]->record_count, 0);
    close_place(&p);
}

Test(refusal, what_is_alike_becomes_one_entry_and_a_stranger_none)
{
    struct place p;
    AuditEntry **e;
    size_t n;

    open_place(&p);
    for (int i = 0; i < 1000; i++)
        refusals_note(p.refusals, &p.call, STATUS_DENIED);
    p.call.principal.tenant_id = 0;
    refusals_note(p.refusals, &p.call, STATUS_UNAUTHENTICATED);
    p.call.principal.tenant_id = 1;
    e = written(&p, &n);
    cr_assert_eq(n, 1);
    cr_expect_eq(e[0]->record_count, 1000);
    close_place(&p);
}

static uint32_t lost_in(AuditEntry **e, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(e[i]->action, "refusals.lost") == 0)
            return e[i]->record_count;
    return 0;
}

Test(refusal, what_does_not_fit_or_cannot_be_written_is_counted)
{
    struct place p;
    AuditEntry **e;
    size_t n;

    open_place(&p);
    for (int i = 0; i < REFUSALS_MAX + 30; i++) {
        snprintf(p.call.principal.subject, sizeof p.call.principal.subject, "user-%d", i);
        refusals_note(p.refusals, &p.call, STATUS_DENIED);
    }
    e = written(&p, &n);
    cr_expect_eq(lost_in(e, n), 30, "%u", lost_in(e, n));
    close_place(&p);
}
