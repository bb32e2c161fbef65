/* Roles add up: the widest reach that one of them grants. */
#include "domain/access.h"

#include <assert.h>

#define A(action) (1U << ACCESS_##action)

struct method_row {
    const char *method;
    struct access_use use;
};

static const struct method_row methods[] = {
#define ACCESS_METHOD(method, kind, action) {method, {ACCESS_##kind, ACCESS_##action}},
#define ACCESS_GRANT(role, kind, actions, reach, rule)
#include "domain/access.def"
#undef ACCESS_METHOD
#undef ACCESS_GRANT
};

enum grant_reach { GRANT_ALL, GRANT_POLICY };

struct grant {
    uint32_t role;
    enum access_kind kind;
    uint32_t actions;
    enum grant_reach reach;
    const char *rule;
};

static const struct grant grants[] = {
#define ACCESS_METHOD(method, kind, action)
#define ACCESS_GRANT(role, kind, actions, reach, rule)                                             \
    {ROLE_BIT_##role, ACCESS_##kind, (actions), GRANT_##reach, rule},
#include "domain/access.def"
#undef ACCESS_METHOD
#undef ACCESS_GRANT
};

enum { N_GRANTS = sizeof grants / sizeof *grants, N_METHODS = sizeof methods / sizeof *methods };

bool access_of_method(const char *method, struct access_use *out)
{
    for (size_t i = 0; i < N_METHODS; i++)
        if (strcmp(methods[i].method, method) == 0) {
            *out = methods[i].use;
            return true;
        }
    return false;
}

/* The row that lets the roles do this with the most records; NULL: none does. */
static const struct grant *widest(uint32_t roles, enum access_kind kind, enum access_action action)
{
    const struct grant *best = NULL;

    for (size_t i = 0; i < N_GRANTS; i++) {
        const struct grant *g = &grants[i];

        if (!(g->role & roles) || g->kind != kind || !(g->actions >> action & 1))
            continue;
        if (!best || (best->reach == GRANT_POLICY && g->reach == GRANT_ALL))
            best = g;
    }
    return best;
}

bool access_needs_policy(uint32_t roles, const struct access_use *use)
{
    static const enum access_action fixed[] = {ACCESS_READ, ACCESS_ASSIGN};
    const struct grant *g = widest(roles, use->kind, use->action);

    if (g && g->reach == GRANT_POLICY)
        return true;
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        g = widest(roles, use->kind, fixed[i]);
        if (g && g->reach == GRANT_POLICY)
            return true;
    }
    return false;
}

static enum reach_scope scope_of(const struct grant *g, RepScope rep_scope)
{
    if (!g)
        return REACH_NONE;
    if (g->reach == GRANT_ALL || rep_scope == REP_SCOPE_TENANT)
        return REACH_ALL;
    return rep_scope == REP_SCOPE_OWN ? REACH_OWN : REACH_TEAM;
}

struct reach access_decide(uint32_t roles, const struct access_use *use, RepScope rep_scope)
{
    const struct grant *act = widest(roles, use->kind, use->action);

    return (struct reach){
        .see = scope_of(widest(roles, use->kind, ACCESS_READ), rep_scope),
        .act = scope_of(act, rep_scope),
        .assign = scope_of(widest(roles, use->kind, ACCESS_ASSIGN), rep_scope),
        .rule = act ? act->rule : "access.none",
    };
}

static const ToolPolicy *tool_policy(const TenantPolicy *policy, Tool tool)
{
    for (size_t i = 0; i < policy->n_tools; i++)
        if (policy->tools[i]->tool == tool)
            return policy->tools[i];
    return NULL;
}

static uint32_t proposers(const ToolPolicy *t)
{
    uint32_t roles = 0;

    if (!t || !t->n_propose_roles)
        return ROLE_BIT_REP | ROLE_BIT_MANAGER | ROLE_BIT_ADMIN | ROLE_BIT_AGENT;
    for (size_t i = 0; i < t->n_propose_roles; i++)
        roles |= 1U << ((unsigned)t->propose_roles[i] & 31U);
    return roles & ~(uint32_t)(ROLE_BIT_VIEWER | ROLE_BIT_AUDITOR);
}

/* The role needed and those above it. */
static uint32_t approvers(const ToolPolicy *t)
{
    if (t && t->approve_role == ROLE_ADMIN)
        return ROLE_BIT_ADMIN;
    if (t && t->approve_role == ROLE_MANAGER)
        return ROLE_BIT_ADMIN | ROLE_BIT_MANAGER;
    return ROLE_BIT_ADMIN | ROLE_BIT_MANAGER | ROLE_BIT_REP;
}

static bool answer(bool allowed, const char *yes, const char *no, const char **rule_out)
{
    *rule_out = allowed ? yes : no;
    return allowed;
}

bool access_tool(const TenantPolicy *policy, uint32_t roles, Tool tool, enum access_tool_step step,
                 const char **rule_out)
{
    const ToolPolicy *t = tool_policy(policy, tool);
    uint32_t may;

    if (tool == TOOL_UNSPECIFIED || (t && t->disabled))
        return answer(false, "", "tool.disabled", rule_out);
    if (step == ACCESS_TOOL_PROPOSE)
        return answer((roles & proposers(t)) != 0, "tool.propose_roles", "tool.propose_roles",
                      rule_out);
    if (roles & ROLE_BIT_AGENT)
        return answer(false, "", "tool.agent", rule_out);
    may = approvers(t);
    if (policy->hipaa_mode && tool == TOOL_SEND_OUTREACH_EMAIL && may & ROLE_BIT_REP)
        return answer((roles & may & ~(uint32_t)ROLE_BIT_REP) != 0, "tool.hipaa_approval",
                      "tool.hipaa_approval", rule_out);
    return answer((roles & may) != 0, "tool.approve_role", "tool.approve_role", rule_out);
}

const struct access_row *access_rows(size_t *n)
{
    static const struct access_row rows[] = {
#define ACCESS_METHOD(method, kind, action)
#define ACCESS_GRANT(role, kind, actions, reach, rule)                                             \
    {#role, #kind, rule, (actions), GRANT_##reach == GRANT_POLICY},
#include "domain/access.def"
#undef ACCESS_METHOD
#undef ACCESS_GRANT
    };

    *n = sizeof rows / sizeof *rows;
    return rows;
}
