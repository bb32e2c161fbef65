/*
 * access: the rules of access.def: with which records of its tenant a call may deal, and who may
 * use a tool. Pure; the roles of a method's row are checked before, and the store applies the
 * reach.
 */
#ifndef DOMAIN_ACCESS_H
#define DOMAIN_ACCESS_H

#include "base/call.h"
#include "sales/v1/policy.h"

enum access_kind { ACCESS_LEAD, ACCESS_DEAL, ACCESS_ACTIVITY, ACCESS_N_KINDS };

#define ACCESS_ACTION_LIST(X)                                                                      \
    X(READ, "read")                                                                                \
    X(LIST, "list")                                                                                \
    X(CREATE, "create")                                                                            \
    X(UPDATE, "update")                                                                            \
    X(DELETE, "delete")                                                                            \
    X(IMPORT, "import")                                                                            \
    X(QUALIFY, "qualify")                                                                          \
    X(CONVERT, "convert")                                                                          \
    X(PROGRESS, "progress")                                                                        \
    X(REOPEN, "reopen")                                                                            \
    X(EXPORT, "export")                                                                            \
    X(ASSIGN, "assign")

enum access_action {
#define X(id, text) ACCESS_##id,
    ACCESS_ACTION_LIST(X)
#undef X
        ACCESS_N_ACTIONS
};

/* What a method does; false: it has no row, and touches no owned records. */
struct access_use {
    enum access_kind kind;
    enum access_action action;
};
MUST_CHECK bool access_of_method(const char *method, struct access_use *out);

/* Whether the decision for these roles depends on the tenant's policy. */
bool access_needs_policy(uint32_t roles, const struct access_use *use);

/* What the roles add up to. Without a method's use: nothing is within reach.
 * out->act is REACH_NONE: the roles may not do that at all. */
struct reach access_decide(uint32_t roles, const struct access_use *use, RepScope rep_scope);

/* Who may propose and who may approve the use of a tool. */
enum access_tool_step { ACCESS_TOOL_PROPOSE, ACCESS_TOOL_APPROVE };

/*
 * Whether the roles may take the step with the tool, by the tenant's policy.
 *
 *   rule_out  the rule that allowed or refused it, static
 *
 * Whatever the policy says: viewers and auditors do neither, an agent never approves, and in HIPAA
 * mode a tool that sends text to a person outside needs a manager's or admin's approval.
 */
MUST_CHECK bool access_tool(const TenantPolicy *policy, uint32_t roles, Tool tool,
                            enum access_tool_step step, const char **rule_out);

/* The table as text, for docs/access.md: one row per role and kind. Rows end with NULL. */
struct access_row {
    const char *role, *kind, *rule;
    uint32_t actions; /* 1 << enum access_action */
    bool by_policy;   /* else all of the tenant */
};
const struct access_row *access_rows(size_t *n);

#endif
