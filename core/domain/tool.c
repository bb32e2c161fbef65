/* Three tables of tool.def, and a function for each gate. */
#include "domain/tool.h"

#include "domain/moment.h"
#include "domain/pipeline.h"

#define DAY_US     MOMENT_DAY_US
#define G(guard)   (1U << TOOL_GUARD_##guard)
#define DEFAULT_US DAY_US /* ToolPolicy.expire_after, when it says none */

static const struct tool_row rows[] = {
#define TOOL(id, name, kind, action, act, guards, effect)                                          \
    {TOOL_##id, PROPOSAL_ARGUMENTS_##id, name, {ACCESS_##kind, ACCESS_##action}, COMPLIANCE_##act, \
     (guards)},
#include "domain/tool.def"
#undef TOOL
};

enum { ROWS = sizeof rows / sizeof *rows };

static_assert(ROWS == TOOL_N - 1, "every tool of the contract has a row");

const struct tool_row *tool_row_of(const Proposal *p)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].arguments == p->arguments_case)
            return &rows[i];
    return NULL;
}

/* In the order of the cases; NULL: the message has no such field. */
static const char *id_of(const Proposal *p, bool is_lead)
{
    switch (p->arguments_case) {
    case PROPOSAL_ARGUMENTS_SEND_OUTREACH_EMAIL:
        return is_lead ? p->send_outreach_email->lead_id : p->send_outreach_email->deal_id;
    case PROPOSAL_ARGUMENTS_SCHEDULE_FOLLOW_UP:
        return is_lead ? p->schedule_follow_up->lead_id : p->schedule_follow_up->deal_id;
    case PROPOSAL_ARGUMENTS_UPDATE_DEAL_STAGE: return is_lead ? "" : p->update_deal_stage->deal_id;
    case PROPOSAL_ARGUMENTS_LOG_SALES_ACTIVITY:
        return is_lead ? p->log_sales_activity->activity->lead_id
                       : p->log_sales_activity->activity->deal_id;
    case PROPOSAL_ARGUMENTS_NOT_SET:
    case _SALES__V1__PROPOSAL__ARGUMENTS__CASE_IS_INT_SIZE: break;
    }
    return "";
}

const char *tool_lead_id(const Proposal *p)
{
    return id_of(p, true);
}

const char *tool_deal_id(const Proposal *p)
{
    return id_of(p, false);
}

static const ToolPolicy *policy_of(const TenantPolicy *policy, Tool tool)
{
    for (size_t i = 0; i < policy->n_tools; i++)
        if (policy->tools[i]->tool == tool)
            return policy->tools[i];
    return NULL;
}

Role tool_required_role(const TenantPolicy *policy, Tool tool)
{
    static const Role weakest_first[] = {ROLE_REP, ROLE_MANAGER, ROLE_ADMIN};
    const char *rule;

    for (size_t i = 0; i < sizeof weakest_first / sizeof *weakest_first; i++)
        if (access_tool(policy, 1U << weakest_first[i], tool, ACCESS_TOOL_APPROVE, &rule))
            return weakest_first[i];
    return ROLE_ADMIN;
}

bool tool_role_covers(uint32_t roles, Role needed)
{
    uint32_t enough = ROLE_BIT_ADMIN;

    if (needed != ROLE_ADMIN)
        enough |= ROLE_BIT_MANAGER;
    if (needed == ROLE_REP)
        enough |= ROLE_BIT_REP;
    return (roles & enough) != 0;
}

int64_t tool_wait_us(const TenantPolicy *policy, Tool tool)
{
    const ToolPolicy *t = policy_of(policy, tool);

    if (!t || !t->expire_after)
        return DEFAULT_US;
    return t->expire_after->seconds * MOMENT_SECOND_US + t->expire_after->nanos / 1000;
}

/* Gates: true when something is against it. */

static bool bad_lead_merged(const struct tool_scene *s)
{
    return s->lead && s->lead->status == LEAD_STATUS_MERGED;
}

static bool bad_do_not_contact(const struct tool_scene *s)
{
    return s->lead && s->lead->do_not_contact;
}

static bool bad_address(const struct tool_scene *s)
{
    return !s->lead || !*s->lead->email;
}

static bool bad_disqualified(const struct tool_scene *s)
{
    return s->lead && s->lead->status == LEAD_STATUS_DISQUALIFIED;
}

static bool bad_legal_hold(const struct tool_scene *s)
{
    return s->lead && s->lead->legal_hold;
}

static ConsentState consent_of(const struct tool_scene *s)
{
    return s->lead && s->lead->consent ? s->lead->consent->email : CONSENT_STATE_UNSPECIFIED;
}

static bool bad_consent_denied(const struct tool_scene *s)
{
    return consent_of(s) == CONSENT_STATE_DENIED;
}

static bool bad_consent_missing(const struct tool_scene *s)
{
    return s->policy->sending && s->policy->sending->consent_required &&
           consent_of(s) == CONSENT_STATE_UNSPECIFIED;
}

static bool bad_unsubscribed(const struct tool_scene *s)
{
    return s->has_unsubscribed;
}

static bool bad_complained(const struct tool_scene *s)
{
    return s->has_complained;
}

static bool bad_hard_bounce(const struct tool_scene *s)
{
    return s->has_bounced;
}

static bool bad_not_before(const struct tool_scene *s)
{
    return moment_us(s->proposal->send_outreach_email->not_before, 0) > s->now_us + 366 * DAY_US;
}

static bool bad_start_time(const struct tool_scene *s)
{
    int64_t at_us = moment_us(s->proposal->schedule_follow_up->start_time, 0);

    return at_us <= s->now_us || at_us > s->now_us + INT64_C(2) * 366 * DAY_US;
}

static bool bad_sender(const struct tool_scene *s)
{
    return !s->policy->sending || !*s->policy->sending->from_address;
}

static bool bad_deal_open(const struct tool_scene *s)
{
    return !s->deal || s->deal->stage_kind != STAGE_KIND_OPEN;
}

static bool bad_from_stage(const struct tool_scene *s)
{
    return !s->deal || strcmp(s->deal->stage, s->proposal->update_deal_stage->from_stage) != 0;
}

static bool bad_to_stage(const struct tool_scene *s)
{
    const Stage *to =
        s->pipeline ? pipeline_stage(s->pipeline, s->proposal->update_deal_stage->to_stage) : NULL;

    return !to || to->kind != STAGE_KIND_OPEN;
}

static const struct gate {
    enum tool_guard guard;
    const char *name, *text;
    bool (*is_bad)(const struct tool_scene *s);
} gates[] = {
#define GATE(guard, name, text) {TOOL_GUARD_##guard, #name, text, bad_##name},
#include "domain/tool.def"
#undef GATE
};

static void fail(struct tool_verdict *v, const char *type, const char *subject, const char *text)
{
    if (v->n_failures < TOOL_FAILURES_MAX)
        v->failures[v->n_failures++] = (struct precondition){type, str_of(subject), text};
}

enum status tool_check(const struct tool_scene *s, struct tool_verdict *out)
{
    const struct tool_row *row = tool_row_of(s->proposal);
    uint32_t guards = row ? row->guards : 0;

    *out = (struct tool_verdict){0};
    if (!row) {
        fail(out, "TOOL_GATE", "tool", "there is no such tool");
        return STATUS_PRECONDITION;
    }
    if (row->tool == TOOL_SCHEDULE_FOLLOW_UP && !s->proposal->schedule_follow_up->invite)
        guards &= ~G(INVITE);
    else if (guards & G(INVITE) && !compliance_allows(s->policy, COMPLIANCE_MAIL_TO_PERSON))
        fail(out, "COMPLIANCE", "mail_to_person", compliance_text(COMPLIANCE_MAIL_TO_PERSON));
    if (!compliance_allows(s->policy, row->act))
        fail(out, "COMPLIANCE", row->name, compliance_text(row->act));
    for (size_t i = 0; i < sizeof gates / sizeof *gates; i++)
        if (guards >> gates[i].guard & 1 && gates[i].is_bad(s))
            fail(out, "TOOL_GATE", gates[i].name, gates[i].text);
    return out->n_failures ? STATUS_PRECONDITION : STATUS_OK;
}

bool tool_step(Proposal *p, enum tool_step step)
{
    static const struct {
        ProposalState from;
        enum tool_step step;
        ProposalState to;
    } moves[] = {
#define STEP(from, step, to) {PROPOSAL_STATE_##from, TOOL_##step, PROPOSAL_STATE_##to},
#include "domain/tool.def"
#undef STEP
    };

    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
        if (moves[i].from == p->state && moves[i].step == step) {
            p->state = moves[i].to;
            return true;
        }
    return false;
}
