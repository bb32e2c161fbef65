/* tool: every gate of tool.def by itself, the steps of a proposal, quiet hours. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "domain/pipeline.h"
#include "domain/tool.h"
#include "domain/tool_quiet.h"
#include "support/table.h"

#define NOW_US INT64_C(1795000000000000)
#define DAY_S  INT64_C(86400)

struct world {
    TenantPolicy policy;
    SendingPolicy sending;
    Lead lead;
    Consent consent;
    Deal deal;
    Proposal proposal;
    SendOutreachEmailArgs mail;
    ScheduleFollowUpArgs follow_up;
    UpdateDealStageArgs move;
    LogSalesActivityArgs log;
    Activity activity;
    Timestamp later, starts;
    struct tool_scene scene;
};

/* Nothing stands against any tool. */
static void init(struct world *w, Tool tool)
{
    *w = (struct world){.policy = TENANT_POLICY_INIT,
                        .sending = SENDING_POLICY_INIT,
                        .lead = LEAD_INIT,
                        .consent = CONSENT_INIT,
                        .deal = DEAL_INIT,
                        .proposal = PROPOSAL_INIT,
                        .mail = SEND_OUTREACH_EMAIL_ARGS_INIT,
                        .follow_up = SCHEDULE_FOLLOW_UP_ARGS_INIT,
                        .move = UPDATE_DEAL_STAGE_ARGS_INIT,
                        .log = LOG_SALES_ACTIVITY_ARGS_INIT,
                        .activity = ACTIVITY_INIT,
                        .later = TIMESTAMP_INIT,
                        .starts = TIMESTAMP_INIT};
    w->sending.from_address = "sales@firm.example";
    w->policy.sending = &w->sending;
    w->lead.email = "ada@example.com";
    w->lead.consent = &w->consent;
    w->deal.stage = "discovery";
    w->deal.stage_kind = STAGE_KIND_OPEN;
    w->move.from_stage = "discovery";
    w->move.to_stage = "negotiation";
    w->later.seconds = NOW_US / 1000000 + DAY_S;
    w->starts = w->later;
    w->mail.not_before = &w->later;
    w->follow_up.start_time = &w->starts;
    w->follow_up.invite = true;
    w->log.activity = &w->activity;
    w->scene = (struct tool_scene){.policy = &w->policy,
                                   .proposal = &w->proposal,
                                   .lead = &w->lead,
                                   .deal = &w->deal,
                                   .pipeline = pipeline_default(),
                                   .now_us = NOW_US};
    if (tool == TOOL_SEND_OUTREACH_EMAIL) {
        w->proposal.arguments_case = PROPOSAL_ARGUMENTS_SEND_OUTREACH_EMAIL;
        w->proposal.send_outreach_email = &w->mail;
    } else if (tool == TOOL_SCHEDULE_FOLLOW_UP) {
        w->proposal.arguments_case = PROPOSAL_ARGUMENTS_SCHEDULE_FOLLOW_UP;
        w->proposal.schedule_follow_up = &w->follow_up;
    } else if (tool == TOOL_UPDATE_DEAL_STAGE) {
        w->proposal.arguments_case = PROPOSAL_ARGUMENTS_UPDATE_DEAL_STAGE;
        w->proposal.update_deal_stage = &w->move;
    } else if (tool == TOOL_LOG_SALES_ACTIVITY) {
        w->proposal.arguments_case = PROPOSAL_ARGUMENTS_LOG_SALES_ACTIVITY;
        w->proposal.log_sales_activity = &w->log;
    }
}

static void merged(struct world *w)
{
    w->lead.status = LEAD_STATUS_MERGED;
}
static void no_contact(struct world *w)
{
    w->lead.do_not_contact = true;
}
static void no_address(struct world *w)
{
    w->lead.email = "";
}
static void disqualified(struct world *w)
{
    w->lead.status = LEAD_STATUS_DISQUALIFIED;
}
static void held(struct world *w)
{
    w->lead.legal_hold = true;
}
static void denied(struct world *w)
{
    w->consent.email = CONSENT_STATE_DENIED;
}
static void consent(struct world *w)
{
    w->sending.consent_required = true;
}
static void unsubscribed(struct world *w)
{
    w->scene.has_unsubscribed = true;
}
static void complained(struct world *w)
{
    w->scene.has_complained = true;
}
static void bounced(struct world *w)
{
    w->scene.has_bounced = true;
}
static void far_off(struct world *w)
{
    w->later.seconds += 3 * 366 * DAY_S;
}
static void past(struct world *w)
{
    w->starts.seconds = NOW_US / 1000000;
}
static void far_start(struct world *w)
{
    w->starts.seconds += 3 * 366 * DAY_S;
}
static void no_sender(struct world *w)
{
    w->sending.from_address = "";
}
static void closed(struct world *w)
{
    w->deal.stage_kind = STAGE_KIND_LOST;
}
static void elsewhere(struct world *w)
{
    w->deal.stage = "commitment";
}
static void to_won(struct world *w)
{
    w->move.to_stage = "won";
}
static void to_lost(struct world *w)
{
    w->move.to_stage = "lost";
}
static void to_nowhere(struct world *w)
{
    w->move.to_stage = "paradise";
}
static void no_pipeline(struct world *w)
{
    w->scene.pipeline = NULL;
}

enum {
    M = 1 << TOOL_SEND_OUTREACH_EMAIL,
    F = 1 << TOOL_SCHEDULE_FOLLOW_UP,
    S = 1 << TOOL_UPDATE_DEAL_STAGE
};

/* clang-format off */
static const struct gate_row { const char *gate; void (*spoil)(struct world *w); unsigned closed_to; } gates[] = {
    {"lead_merged",     merged,       M | F},
    {"do_not_contact",  no_contact,   M | F},
    {"address",         no_address,   M | F},
    {"disqualified",    disqualified, M | F},
    {"legal_hold",      held,         M | F},
    {"consent_denied",  denied,       M | F},
    {"consent_missing", consent,      M | F},
    {"unsubscribed",    unsubscribed, M | F},
    {"complained",      complained,   M | F},
    {"hard_bounce",     bounced,      M | F},
    {"not_before",      far_off,      M},
    {"start_time",      far_start,    F},
    {"start_time",      past,         F},
    {"sender",          no_sender,    F},
    {"deal_open",       closed,       S},
    {"from_stage",      elsewhere,    S},
    {"to_stage",        to_won,       S},
    {"to_stage",        to_lost,      S},
    {"to_stage",        to_nowhere,   S},
    {"to_stage",        no_pipeline,  S},
};
/* clang-format on */

static bool names(const struct tool_verdict *v, const char *gate)
{
    for (size_t i = 0; i < v->n_failures; i++)
        if (str_eq(v->failures[i].subject, str_of(gate)))
            return true;
    return false;
}

TABLE_TEST(tool, a_gate_closes_its_tools_and_no_other, struct gate_row, gates)
{
    for (int tool = 1; tool < TOOL_N; tool++) {
        struct tool_verdict v;
        struct world w;

        init(&w, (Tool)tool);
        row->spoil(&w);
        cr_assert_eq(tool_check(&w.scene, &v) == STATUS_PRECONDITION, (row->closed_to >> tool) & 1,
                     "%s of tool %d", row->gate, tool);
        cr_assert_eq(names(&v, row->gate), (row->closed_to >> tool) & 1, "%s of tool %d", row->gate,
                     tool);
    }
}

Test(tool, without_an_invitation_nobody_is_written_to)
{
    struct tool_verdict v;
    struct world w;

    init(&w, TOOL_SCHEDULE_FOLLOW_UP);
    w.follow_up.invite = false;
    no_address(&w);
    denied(&w);
    no_sender(&w);
    cr_assert_eq(tool_check(&w.scene, &v), STATUS_OK);
    no_contact(&w);
    cr_assert_eq(tool_check(&w.scene, &v), STATUS_PRECONDITION);
}

Test(tool, arguments_of_no_tool_are_refused)
{
    struct tool_verdict v;
    struct world w;

    init(&w, TOOL_UNSPECIFIED);
    cr_assert_null(tool_row_of(&w.proposal));
    cr_assert_eq(tool_check(&w.scene, &v), STATUS_PRECONDITION);
}

Test(tool, nothing_against_it_is_fine)
{
    for (int tool = 1; tool < TOOL_N; tool++) {
        struct tool_verdict v;
        struct world w;

        init(&w, (Tool)tool);
        cr_assert_eq(tool_check(&w.scene, &v), STATUS_OK, "%s", tool_row_of(&w.proposal)->name);
        cr_assert_eq((int)tool_row_of(&w.proposal)->tool, tool);
    }
}

Test(tool, a_proposal_makes_the_moves_of_the_table_only)
{
    static const ProposalState want[PROPOSAL_STATE_N][TOOL_FAIL + 1] = {
        [PROPOSAL_STATE_PENDING] = {[TOOL_APPROVE] = PROPOSAL_STATE_APPROVED,
                                    [TOOL_REJECT] = PROPOSAL_STATE_REJECTED,
                                    [TOOL_EXPIRE] = PROPOSAL_STATE_EXPIRED},
        [PROPOSAL_STATE_APPROVED] = {[TOOL_EXPIRE] = PROPOSAL_STATE_EXPIRED,
                                     [TOOL_EXECUTE] = PROPOSAL_STATE_EXECUTED,
                                     [TOOL_FAIL] = PROPOSAL_STATE_FAILED},
    };

    for (int from = 0; from < PROPOSAL_STATE_N; from++)
        for (int step = 0; step <= TOOL_FAIL; step++) {
            Proposal p = PROPOSAL_INIT;

            p.state = (ProposalState)from;
            cr_assert_eq(tool_step(&p, (enum tool_step)step), want[from][step] != 0, "%d %d", from,
                         step);
            cr_assert_eq(p.state, want[from][step] ? want[from][step] : (ProposalState)from);
        }
}

Test(tool, roles_above_cover_the_one_that_is_needed)
{
    cr_assert(tool_role_covers(ROLE_BIT_REP, ROLE_REP));
    cr_assert(tool_role_covers(ROLE_BIT_MANAGER, ROLE_REP));
    cr_assert(tool_role_covers(ROLE_BIT_ADMIN, ROLE_MANAGER));
    cr_assert_not(tool_role_covers(ROLE_BIT_REP, ROLE_MANAGER));
    cr_assert_not(tool_role_covers(ROLE_BIT_MANAGER, ROLE_ADMIN));
    cr_assert_not(tool_role_covers(ROLE_BIT_AGENT | ROLE_BIT_VIEWER | ROLE_BIT_AUDITOR, ROLE_REP));
}

/* Nights from 20:00 to 08:00 everywhere; in Austria all of Sunday. */
static const TenantPolicy *quiet_policy(void)
{
    static Weekday sunday[] = {WEEKDAY_SUNDAY};
    static LocalHours night = LOCAL_HOURS_INIT, all_sunday = LOCAL_HOURS_INIT;
    static LocalHours *nights[] = {&night}, *sundays[] = {&all_sunday};
    static QuietHours everywhere = QUIET_HOURS_INIT, austria = QUIET_HOURS_INIT;
    static QuietHours *rules[] = {&everywhere, &austria};
    static TenantPolicy policy = TENANT_POLICY_INIT;

    night.start_minute = 20 * 60;
    night.end_minute = 8 * 60;
    all_sunday.days = sunday;
    all_sunday.n_days = 1;
    all_sunday.end_minute = 1440;
    everywhere.channel = austria.channel = CHANNEL_EMAIL;
    everywhere.hours = nights;
    austria.hours = sundays;
    everywhere.n_hours = austria.n_hours = 1;
    austria.country_code = "AT";
    policy.quiet_hours = rules;
    policy.n_quiet_hours = 2;
    return &policy;
}

/* clang-format off */
static const struct quiet_row { const char *country; int weekday, minute; Channel channel; int left; } quiet[] = {
    {"DE", 1, 12 * 60,     CHANNEL_EMAIL, 0},
    {"DE", 1, 20 * 60,     CHANNEL_EMAIL, 12 * 60},
    {"DE", 7, 23 * 60 + 59, CHANNEL_EMAIL, 8 * 60 + 1},
    {"DE", 1, 0,           CHANNEL_EMAIL, 8 * 60},
    {"DE", 3, 8 * 60,      CHANNEL_EMAIL, 0},
    {"DE", 3, 7 * 60 + 59, CHANNEL_EMAIL, 1},
    {"DE", 1, 23 * 60,     CHANNEL_PHONE, 0},
    {"AT", 1, 23 * 60,     CHANNEL_EMAIL, 0}, /* a rule of its own goes before */
    {"AT", 7, 0,           CHANNEL_EMAIL, 1440},
    {"AT", 7, 1439,        CHANNEL_EMAIL, 1},
};
/* clang-format on */

TABLE_TEST(tool, quiet_hours_end_when_the_last_span_does, struct quiet_row, quiet)
{
    cr_assert_eq(tool_quiet_minutes(quiet_policy(), row->channel, row->country,
                                    (struct tool_local){row->weekday, row->minute}),
                 row->left, "%s %d %d", row->country, row->weekday, row->minute);
}

Test(tool, quiet_hours_without_an_end_are_told_apart)
{
    static LocalHours all = LOCAL_HOURS_INIT;
    static LocalHours *hours[] = {&all};
    QuietHours rule = QUIET_HOURS_INIT, *rules[] = {&rule};
    TenantPolicy policy = TENANT_POLICY_INIT;

    all.end_minute = 1440;
    rule.channel = CHANNEL_EMAIL;
    rule.hours = hours;
    rule.n_hours = 1;
    policy.quiet_hours = rules;
    policy.n_quiet_hours = 1;
    cr_assert_eq(tool_quiet_minutes(&policy, CHANNEL_EMAIL, "", (struct tool_local){3, 77}),
                 TOOL_WEEK_MINUTES);
}
