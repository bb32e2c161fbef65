/*
 * tool: the registry of tools, tool.def: what can be proposed, what stands against it, and how a
 * proposal goes from state to state. Pure; who may use a tool is access_tool (domain/access.h).
 */
#ifndef DOMAIN_TOOL_H
#define DOMAIN_TOOL_H

#include "domain/access.h"
#include "domain/compliance.h"
#include "domain/precondition.h"
#include "sales/v1/deal.h"
#include "sales/v1/lead.h"
#include "sales/v1/pipeline.h"
#include "sales/v1/proposal.h"

struct tool_row {
    Tool tool;
    Proposal_ArgumentsCase arguments;
    const char *name; /* "sendOutreachEmail" */
    struct access_use use;
    enum compliance_act act;
    uint32_t guards; /* 1 << enum tool_guard */
};

/* Sets of gates. INVITE counts only where the arguments ask for an invitation. */
enum tool_guard {
    TOOL_GUARD_CONTACT,
    TOOL_GUARD_MAIL,
    TOOL_GUARD_LATER,
    TOOL_GUARD_AHEAD,
    TOOL_GUARD_INVITE,
    TOOL_GUARD_STAGE,
};

/* The row of the proposal's arguments; NULL: it has none. */
const struct tool_row *tool_row_of(const Proposal *p);

/* What its arguments name; "" where they name none. */
const char *tool_lead_id(const Proposal *p);
const char *tool_deal_id(const Proposal *p);

/* Role that the policy asks for to approve the tool, for people: access_tool decides. */
Role tool_required_role(const TenantPolicy *policy, Tool tool);

/* Whether one of the roles is `needed` or above it: admin, manager, rep. */
bool tool_role_covers(uint32_t roles, Role needed);

/* How long a proposal of the tool waits at most, microseconds. */
int64_t tool_wait_us(const TenantPolicy *policy, Tool tool);

/* What the gates look at. */
struct tool_scene {
    const TenantPolicy *policy;
    const Proposal *proposal;
    const Lead *lead;                                   /* that it is about; NULL: none */
    const Deal *deal;                                   /* NULL: none */
    const Pipeline *pipeline;                           /* of the deal */
    bool has_unsubscribed, has_complained, has_bounced; /* the lead, by its activities */
    int64_t now_us;
};

enum { TOOL_FAILURES_MAX = 24 };

struct tool_verdict {
    struct precondition failures[TOOL_FAILURES_MAX]; /* type TOOL_GATE, or COMPLIANCE; static */
    size_t n_failures;
};

/* OK when every gate is open; else PRECONDITION with all that are not. */
MUST_CHECK enum status tool_check(const struct tool_scene *s, struct tool_verdict *out);

enum tool_step { TOOL_APPROVE, TOOL_REJECT, TOOL_EXPIRE, TOOL_EXECUTE, TOOL_FAIL };

/* Makes the step. False: there is no such move from this state; the proposal is as it was. */
MUST_CHECK bool tool_step(Proposal *p, enum tool_step step);

#endif
