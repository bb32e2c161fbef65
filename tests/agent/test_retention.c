/* Retention of the audit trail itself, through the job's own function, on both engines. */
#include <criterion/criterion.h>

#include "agent/audit.h"
#include "agent/retention.h"
#include "storage/trail.h"
#include "store/service.h"

#define STORE_SUITE retention

enum { OLD = 12, YOUNG = 5 };

static const int64_t day_us = INT64_C(86400000000);
static int64_t offset_us;

static int64_t shifted_now(const struct clock_ops *clock)
{
    (void)clock;
    return system_clock.now_us(&system_clock) + offset_us;
}

struct keeping {
    bool hipaa;
    uint32_t days; /* of the trail; 0: as the table says */
};

static enum status policy_unit(struct call *c, struct tx *tx, void *arg)
{
    const struct keeping *k = arg;
    RetentionRule rule = RETENTION_RULE_INIT, *rules[] = {&rule};
    TenantPolicy policy = TENANT_POLICY_INIT;
    Tenant tenant = TENANT_INIT;
    TenantRecord record = TENANT_RECORD_INIT;

    (void)c;
    rule.data_class = DATA_CLASS_AUDIT;
    rule.days = (int32_t)k->days;
    policy.hipaa_mode = k->hipaa;
    policy.retention = rules;
    policy.n_retention = k->days ? 1 : 0;
    tenant.key = "acme";
    tenant.policy = &policy;
    record.tenant = &tenant;
    record.number = 1;
    return tx_insert_tenant(tx, &record);
}

/* A trail of OLD entries from `days` ago and YOUNG ones of now, and a run of retention. */
static uint64_t run_on(struct fixture *f, int64_t days, struct keeping keeping)
{
    struct clock_ops clock = system_clock;
    struct retention_counts n;
    struct agents agents;

    clock.now_us = shifted_now;
    f->call.clock = &clock;
    cr_assert_eq(store_run_system(f->store, &f->call, STORE_WRITE, policy_unit, &keeping),
                 STATUS_OK, "%s", f->call.fault.why);
    cr_assert_eq(agents_init(&f->call, &agents, f->store), STATUS_OK);
    offset_us = -days * day_us;
    trail_leads(f, OLD);
    trail_seal(f);
    offset_us = 0;
    trail_leads(f, YOUNG);
    trail_seal(f);
    cr_assert_eq(retention_run(&f->call, &agents, &n), STATUS_OK, "%s", f->call.fault.why);
    agents_release(&agents);
    f->call.clock = &system_clock;
    return n.audit;
}

STORE_TEST(what_the_policy_lets_go_leaves_a_signed_statement)
{
    struct verdict v;
    AuditEntry **entries;
    size_t n;

    cr_assert_eq(run_on(f, 400, (struct keeping){.days = 365}), OLD);
    v = trail_verify(f);
    cr_expect_eq(v.problem, AUDIT_PROBLEM_UNSPECIFIED);
    cr_expect_eq(v.checked, YOUNG);
    cr_expect_eq(v.state.trimmed.chain.count, OLD);
    cr_expect_eq(v.state.trimmed.says, AUDIT_TRIMMED);
    cr_expect(audit_is_signed(&v.state.trimmed, v.state.public_key));
    entries = trail_list(f, "record_kind = \"audit\"", &n);
    cr_assert_eq(n, 1);
    cr_expect_eq(entries[0]->record_count, OLD);
    cr_expect_str_eq(entries[0]->rule, "retention.audit");
    cr_expect_eq(trail_seal(f), 1);
    cr_expect_eq(trail_verify(f).problem, AUDIT_PROBLEM_UNSPECIFIED);
    fixture_sql(f, "DELETE FROM audit_checkpoint WHERE says = 1");
    cr_expect_neq(trail_verify(f).problem, AUDIT_PROBLEM_UNSPECIFIED, "trimmed without a word");
}

STORE_TEST(no_policy_shortens_the_trail_below_the_law)
{
    /* a policy that says less was refused when it was set; one that got there all the same: */
    cr_assert_eq(run_on(f, 100, (struct keeping){.days = 10}), 0);
    cr_expect_eq(trail_verify(f).checked, OLD + YOUNG);
}

STORE_TEST(in_hipaa_mode_the_trail_is_kept_for_six_years)
{
    cr_assert_eq(run_on(f, 2100, (struct keeping){.hipaa = true, .days = 365}), 0);
    cr_expect_eq(trail_verify(f).checked, OLD + YOUNG);
}

STORE_TEST(in_hipaa_mode_it_goes_after_six_years)
{
    cr_assert_eq(run_on(f, 2300, (struct keeping){.hipaa = true}), OLD);
    cr_expect_eq(trail_verify(f).checked, YOUNG);
}

STORE_TEST(without_a_rule_the_trail_is_kept)
{
    cr_assert_eq(run_on(f, 4000, (struct keeping){.days = 0}), 0);
    cr_expect_eq(trail_verify(f).checked, OLD + YOUNG);
}
