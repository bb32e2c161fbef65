/* The rules of access.def, read as people mean them. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/buf.h"
#include "domain/access.h"
#include "support/table.h"

struct decision {
    uint32_t roles;
    char method[40];
    RepScope scope;
    enum reach_scope see, act, assign;
    char rule[20];
};

/* clang-format off */
static const struct decision decisions[] = {
    {ROLE_BIT_ADMIN,   "DeleteLead",   REP_SCOPE_OWN,    REACH_ALL,  REACH_ALL,  REACH_ALL,  "admin.lead"},
    {ROLE_BIT_MANAGER, "ReopenDeal",   REP_SCOPE_OWN,    REACH_ALL,  REACH_ALL,  REACH_ALL,  "manager.deal"},
    {ROLE_BIT_REP,     "GetLead",      REP_SCOPE_OWN,    REACH_OWN,  REACH_OWN,  REACH_OWN,  "rep.lead"},
    {ROLE_BIT_REP,     "UpdateDeal",   REP_SCOPE_TEAM,   REACH_TEAM, REACH_TEAM, REACH_TEAM, "rep.deal"},
    {ROLE_BIT_REP,     "ProgressDeal", REP_SCOPE_TENANT, REACH_ALL,  REACH_ALL,  REACH_ALL,  "rep.deal"},
    {ROLE_BIT_REP,     "GetLead",      REP_SCOPE_UNSPECIFIED, REACH_TEAM, REACH_TEAM, REACH_TEAM, "rep.lead"},
    {ROLE_BIT_REP,     "DeleteLead",   REP_SCOPE_TENANT, REACH_ALL,  REACH_NONE, REACH_ALL,  "access.none"},
    {ROLE_BIT_REP,     "ReopenDeal",   REP_SCOPE_TENANT, REACH_ALL,  REACH_NONE, REACH_ALL,  "access.none"},
    {ROLE_BIT_AGENT,   "QualifyLead",  REP_SCOPE_OWN,    REACH_ALL,  REACH_ALL,  REACH_ALL,  "agent.lead"},
    {ROLE_BIT_AGENT,   "ConvertLead",  REP_SCOPE_OWN,    REACH_ALL,  REACH_NONE, REACH_ALL,  "access.none"},
    {ROLE_BIT_AGENT,   "ProgressDeal", REP_SCOPE_OWN,    REACH_ALL,  REACH_NONE, REACH_ALL,  "access.none"},
    {ROLE_BIT_VIEWER,  "ListDeals",    REP_SCOPE_OWN,    REACH_ALL,  REACH_ALL,  REACH_NONE, "viewer.deal"},
    {ROLE_BIT_VIEWER,  "UpdateDeal",   REP_SCOPE_OWN,    REACH_ALL,  REACH_NONE, REACH_NONE, "access.none"},
    {ROLE_BIT_AUDITOR, "ListLeads",    REP_SCOPE_OWN,    REACH_ALL,  REACH_NONE, REACH_NONE, "access.none"},
    {ROLE_BIT_AUDITOR, "ListDeals",    REP_SCOPE_OWN,    REACH_NONE, REACH_NONE, REACH_NONE, "access.none"},
    /* several roles add up: sees as a viewer, changes as a rep */
    {ROLE_BIT_REP | ROLE_BIT_VIEWER, "UpdateLead", REP_SCOPE_OWN, REACH_ALL, REACH_OWN, REACH_OWN, "rep.lead"},
    {ROLE_BIT_REP | ROLE_BIT_VIEWER, "ListLeads",  REP_SCOPE_OWN, REACH_ALL, REACH_ALL, REACH_OWN, "viewer.lead"},
    {0,                "GetLead",      REP_SCOPE_TENANT, REACH_NONE, REACH_NONE, REACH_NONE, "access.none"},
};
/* clang-format on */

TABLE_TEST(access, decides, struct decision, decisions)
{
    char method[80];
    struct access_use use;
    struct reach got;

    snprintf(method, sizeof method, "sales.v1.SalesAgent/%s", row->method);
    cr_assert(access_of_method(method, &use), "%s", method);
    got = access_decide(row->roles, &use, row->scope);
    cr_expect_eq(got.see, row->see, "%s sees %d", method, got.see);
    cr_expect_eq(got.act, row->act, "%s acts %d", method, got.act);
    cr_expect_eq(got.assign, row->assign, "%s assigns %d", method, got.assign);
    cr_expect_str_eq(got.rule, row->rule, "%s: %s", method, got.rule);
}

Test(access, only_reps_wait_for_the_policy)
{
    struct access_use use;

    cr_assert(access_of_method("sales.v1.SalesAgent/UpdateLead", &use));
    cr_assert(access_needs_policy(ROLE_BIT_REP, &use));
    cr_assert(access_needs_policy(ROLE_BIT_REP | ROLE_BIT_VIEWER, &use));
    cr_assert_not(access_needs_policy(ROLE_BIT_REP | ROLE_BIT_MANAGER, &use));
    cr_assert_not(access_needs_policy(ROLE_BIT_AGENT, &use));
    cr_assert_not(access_of_method("sales.v1.Admin/GetTenant", &use));
    cr_assert_not(access_of_method("", &use));
}

/* viewer and auditor change nothing */
Test(access, readers_change_nothing)
{
    static const enum access_action looks[] = {ACCESS_READ, ACCESS_LIST};
    size_t n;
    const struct access_row *rows = access_rows(&n);

    for (size_t i = 0; i < n; i++) {
        uint32_t changes = rows[i].actions;

        for (size_t k = 0; k < sizeof looks / sizeof *looks; k++)
            changes &= ~(1U << looks[k]);
        if (strcmp(rows[i].role, "VIEWER") == 0 || strcmp(rows[i].role, "AUDITOR") == 0)
            cr_expect_eq(changes, 0, "%s", rows[i].rule);
    }
}

/* Step with a tool, under a policy made of the columns. */
struct use_of_tool {
    uint32_t roles;
    Tool tool;
    enum access_tool_step step;
    Role propose, approve; /* 0: the policy says nothing */
    bool disabled, hipaa, allowed;
    char rule[24];
};

/* clang-format off */
static const struct use_of_tool uses[] = {
    {ROLE_BIT_REP,     1, ACCESS_TOOL_PROPOSE, 0, 0, false, false, true,  "tool.propose_roles"},
    {ROLE_BIT_AGENT,   1, ACCESS_TOOL_PROPOSE, 0, 0, false, false, true,  "tool.propose_roles"},
    {ROLE_BIT_VIEWER,  1, ACCESS_TOOL_PROPOSE, 0, 0, false, false, false, "tool.propose_roles"},
    {ROLE_BIT_AUDITOR, 1, ACCESS_TOOL_PROPOSE, ROLE_AUDITOR, 0, false, false, false, "tool.propose_roles"},
    {ROLE_BIT_REP,     1, ACCESS_TOOL_PROPOSE, ROLE_MANAGER, 0, false, false, false, "tool.propose_roles"},
    {ROLE_BIT_MANAGER, 1, ACCESS_TOOL_PROPOSE, ROLE_MANAGER, 0, false, false, true,  "tool.propose_roles"},
    {ROLE_BIT_ADMIN,   1, ACCESS_TOOL_PROPOSE, 0, 0, true,  false, false, "tool.disabled"},
    {ROLE_BIT_ADMIN,   0, ACCESS_TOOL_PROPOSE, 0, 0, false, false, false, "tool.disabled"},
    {ROLE_BIT_REP,     2, ACCESS_TOOL_APPROVE, 0, 0, false, false, true,  "tool.approve_role"},
    {ROLE_BIT_REP,     2, ACCESS_TOOL_APPROVE, 0, ROLE_MANAGER, false, false, false, "tool.approve_role"},
    {ROLE_BIT_ADMIN,   2, ACCESS_TOOL_APPROVE, 0, ROLE_MANAGER, false, false, true,  "tool.approve_role"},
    {ROLE_BIT_MANAGER, 2, ACCESS_TOOL_APPROVE, 0, ROLE_ADMIN, false, false, false, "tool.approve_role"},
    {ROLE_BIT_AGENT,   2, ACCESS_TOOL_APPROVE, 0, 0, false, false, false, "tool.agent"},
    {ROLE_BIT_AGENT | ROLE_BIT_ADMIN, 2, ACCESS_TOOL_APPROVE, 0, 0, false, false, false, "tool.agent"},
    {ROLE_BIT_VIEWER,  2, ACCESS_TOOL_APPROVE, 0, 0, false, false, false, "tool.approve_role"},
    {ROLE_BIT_REP,     1, ACCESS_TOOL_APPROVE, 0, 0, false, true,  false, "tool.hipaa_approval"},
    {ROLE_BIT_MANAGER, 1, ACCESS_TOOL_APPROVE, 0, 0, false, true,  true,  "tool.hipaa_approval"},
    {ROLE_BIT_REP,     2, ACCESS_TOOL_APPROVE, 0, 0, false, true,  true,  "tool.approve_role"},
};
/* clang-format on */

TABLE_TEST(access, tools, struct use_of_tool, uses)
{
    TenantPolicy policy = TENANT_POLICY_INIT;
    ToolPolicy tool = TOOL_POLICY_INIT, *tools[] = {&tool};
    Role propose = row->propose;
    const char *rule;

    tool.tool = row->tool;
    tool.disabled = row->disabled;
    tool.propose_roles = &propose;
    tool.n_propose_roles = row->propose != ROLE_UNSPECIFIED;
    tool.approve_role = row->approve;
    policy.tools = tools;
    policy.n_tools = row->propose || row->approve || row->disabled;
    policy.hipaa_mode = row->hipaa;
    cr_expect_eq(access_tool(&policy, row->roles, row->tool, row->step, &rule), row->allowed);
    cr_expect_str_eq(rule, row->rule);
}

/* The matrix of docs/access.md, made from the table. */
static const char *matrix(struct arena *a)
{
    static const char *const actions[] = {
#define X(id, text) text,
        ACCESS_ACTION_LIST(X)
#undef X
    };
    const struct access_row *rows;
    struct buf b;
    size_t n;

    rows = access_rows(&n);
    buf_init(&b, a, 1 << 14);
    buf_put(&b, STR("| role | records | may | which | rule |\n|---|---|---|---|---|\n"));
    for (size_t i = 0; i < n; i++) {
        buf_printf(&b, "| %s | %s |", rows[i].role, rows[i].kind);
        for (int k = 0; k < ACCESS_N_ACTIONS; k++)
            if (rows[i].actions >> k & 1)
                buf_printf(&b, " %s", actions[k]);
        buf_printf(&b, " | %s | `%s` |\n", rows[i].by_policy ? "by `rep_scope`" : "all",
                   rows[i].rule);
    }
    return buf_str(&b).p;
}

Test(access, the_document_is_current)
{
    FILE *f = fopen("docs/access.md", "r");
    char text[1 << 14];
    struct arena a;
    size_t n;

    cr_assert(f);
    n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    arena_init(&a, 1 << 20);
    cr_assert(strstr(text, matrix(&a)), "docs/access.md is old; its table is now:\n%s", matrix(&a));
    arena_release(&a);
}
