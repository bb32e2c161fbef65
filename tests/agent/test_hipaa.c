/* What a tenant's mode changes where something asks: see domain/compliance.def. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "agent/activity.h"
#include "agent/lead.h"
#include "agent/office.h"
#include "agent/subject.h"
#include "internal/v1/records.h"
#include "storage/store_test.h"

#define STORE_SUITE hipaa

static enum status policy_unit(struct call *c, struct tx *tx, void *arg)
{
    TenantPolicy policy = TENANT_POLICY_INIT;
    Tenant tenant = TENANT_INIT;
    TenantRecord record = TENANT_RECORD_INIT;

    (void)c;
    policy.hipaa_mode = *(const bool *)arg;
    tenant.key = "acme";
    tenant.policy = &policy;
    record.tenant = &tenant;
    record.number = 1;
    return tx_insert_tenant(tx, &record);
}

static void open_in_mode(struct office *o, struct fixture *f, bool hipaa)
{
    cr_assert_eq(store_run_system(f->store, &f->call, STORE_WRITE, policy_unit, &hipaa), STATUS_OK,
                 "%s", f->call.fault.why);
    sit_down(o, f);
}

static int exports_until_refused(struct office *o, Lead *lead)
{
    Subject who = SUBJECT_INIT;
    struct subject_export *x;

    who.key_case = SUBJECT_KEY_LEAD_ID;
    who.lead_id = lead->id;
    for (int n = 0; n < 200; n++) {
        enum status s = subject_export_open(o->call, &o->agents, &who, &x);

        if (s == STATUS_OK) {
            subject_export_close(x);
            continue;
        }
        cr_assert_eq(s, STATUS_EXHAUSTED);
        cr_assert_str_eq(o->call->fault.reason, "SUBJECT_EXPORTS");
        call_clear(o->call);
        return n;
    }
    return -1;
}

static size_t page_of(struct office *o, int32_t asked)
{
    ListLeadsRequest in = LIST_LEADS_REQUEST_INIT;
    ListLeadsResponse out = LIST_LEADS_RESPONSE_INIT;

    in.page_size = asked;
    cr_assert_eq(lead_list(o->call, &o->agents, &in, &out), STATUS_OK, "%s", o->call->fault.why);
    cr_assert_eq(*out.next_page_token != '\0', out.n_leads < 120);
    return out.n_leads;
}

static void fill(struct office *o)
{
    char name[32];

    for (int i = 0; i < 120; i++) {
        snprintf(name, sizeof name, "Lead %d", i);
        create_lead(o, name, "", "");
    }
}

STORE_TEST(a_tenant_in_hipaa_mode_gets_smaller_pages_and_fewer_exports)
{
    struct office o;

    open_in_mode(&o, f, true);
    cr_assert_eq(exports_until_refused(&o, create_lead(&o, "A", "a@example.org", "")), 20);
    fill(&o);
    cr_assert_eq(page_of(&o, 500), 100);
    cr_assert_eq(page_of(&o, 30), 30);
    stand_up(&o);
}

STORE_TEST(another_tenant_gets_what_it_asks_for)
{
    struct office o;

    open_in_mode(&o, f, false);
    fill(&o);
    cr_assert_eq(page_of(&o, 500), 120);
    cr_assert_eq(exports_until_refused(&o, create_lead(&o, "A", "a@example.org", "")), 100);
    stand_up(&o);
}
