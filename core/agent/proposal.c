/* Units over the tables of domain/tool.def; what a unit may run twice works on a copy. */
#include "agent/proposal.h"

#include "agent/activity.h"
#include "agent/event.h"
#include "agent/instant.h"
#include "agent/list.h"
#include "agent/mutation.h"
#include "agent/proposal_run.h"
#include "agent/recommendation.h"
#include "agent/tool.h"
#include "base/encode.h"
#include "schema/mask.h"
#include "store/pin.h"
#include "store/reach.h"
#include "store/records.h"
#include "store/seal.h"

#define FOLLOW_UP_US                                                                               \
    (INT64_C(30) * 60 * MOMENT_SECOND_US) /* as ScheduleFollowUpArgs.duration says */

static const char *const output_only[] = {
    "id",    "etag",         "create_time",   "update_time", "tool",        "arguments_sha256",
    "state", "proposer",     "required_role", "decider",     "decide_time", "decide_note",
    "error", "execute_time", "effect_id",     "lead_id",     "deal_id",     NULL};

const char *proposal_digest(struct arena *a, const Proposal *p)
{
    Proposal only = PROPOSAL_INIT;
    unsigned char sha256[SEAL_DIGEST_BYTES];
    uint8_t *bytes;
    size_t n;

    only.arguments_case = p->arguments_case;
    only.send_outreach_email = p->send_outreach_email; /* a union: whichever it is */
    n = protobuf_c_message_get_packed_size(&only.base);
    if ((bytes = arena_take(a, n + 1)) == NULL)
        return NULL;
    protobuf_c_message_pack(&only.base, bytes);
    seal_sha256((str){(const char *)bytes, n}, sha256);
    return hex_encode(a, sha256, sizeof sha256);
}

static enum status deny(struct call *c, const Proposal *p, const char *rule)
{
    const struct tool_row *row = tool_row_of(p);

    c->rule = rule;
    call_detail(c, FAULT_METADATA, NULL, STR("rule"), "%s", rule);
    call_detail(c, FAULT_METADATA, NULL, STR("tool"), "%s", row ? row->name : "");
    return call_fail_as(c, STATUS_DENIED, "TOOL_DENIED",
                        "the policy does not let the caller do it");
}

enum status proposal_may(struct call *c, const TenantPolicy *policy, const Proposal *p,
                         enum access_tool_step step)
{
    const struct tool_row *row = tool_row_of(p);
    const char *rule = "tool.unknown";

    if (!row || !access_tool(policy, c->principal.roles, row->tool, step, &rule))
        return deny(c, p, rule);
    c->rule = rule;
    if (step == ACCESS_TOOL_PROPOSE)
        return STATUS_OK;
    if (c->principal.kind == ACTOR_AI)
        return deny(c, p, "tool.agent");
    if (!tool_role_covers(c->principal.roles, p->required_role))
        return deny(c, p, "tool.required_role"); /* the policy was stricter when it was made */
    if (access_decide(c->principal.roles, &row->use, REP_SCOPE_TENANT).act == REACH_NONE)
        return deny(c, p, "tool.effect_role");
    return STATUS_OK;
}

enum status proposal_store(struct tx *tx, Proposal *p)
{
    TRY(tx_update_proposal(tx, p));
    return tx_event(tx, EVENT_PROPOSAL_UPDATED, RECORD_PROPOSAL, str_of(p->id), &p->base);
}

/* Propose. */

struct propose {
    const Proposal *given; /* ready but for what records say */
    ProposeActionResponse *out;
    struct agents *agents;
    const TenantPolicy *policy;
};

static enum status bad_field(struct call *c, const char *field, const char *text)
{
    call_detail(c, FAULT_FIELD, "range", str_of(field), "%s", text);
    return call_fail_as(c, STATUS_INVALID, "VALIDATION", "%s is not acceptable", field);
}

static enum status settle_expiry(struct call *c, const TenantPolicy *policy, Proposal *p)
{
    int64_t now_us = call_now_us(c), most_us = now_us + tool_wait_us(policy, p->tool);

    if (!p->expire_time)
        return instant_new(c, most_us, &p->expire_time);
    if (instant_us(p->expire_time) <= now_us)
        return bad_field(c, "proposal.expire_time", "must be ahead");
    if (instant_us(p->expire_time) > most_us)
        return bad_field(c, "proposal.expire_time", "is later than the policy allows");
    return STATUS_OK;
}

/* Arguments as they will run: nothing is left to be filled in after somebody has seen them. */
static enum status settle_arguments(struct call *c, Proposal *p)
{
    if (p->tool == TOOL_LOG_SALES_ACTIVITY) {
        LogSalesActivityArgs *args = NEW(&c->arena, LogSalesActivityArgs, 1);

        if (!args)
            return call_nomem(c);
        *args = *p->log_sales_activity;
        TRY(activity_ready(c, args->activity, &args->activity));
        args->activity->actor = NULL; /* whoever approves */
        p->log_sales_activity = args;
    }
    if (p->tool == TOOL_SCHEDULE_FOLLOW_UP) {
        ScheduleFollowUpArgs *args = NEW(&c->arena, ScheduleFollowUpArgs, 1);

        if (!args)
            return call_nomem(c);
        *args = *p->schedule_follow_up;
        if (!*args->lead_id && !*args->deal_id)
            return bad_field(c, "proposal.schedule_follow_up.lead_id",
                             "a lead or a deal is needed");
        if (!args->duration)
            TRY(duration_new(c, FOLLOW_UP_US, &args->duration));
        p->schedule_follow_up = args;
    }
    return STATUS_OK;
}

static enum status ready(struct call *c, const TenantPolicy *policy, const Proposal *in,
                         Proposal **out)
{
    Proposal *p = NEW(&c->arena, Proposal, 1);
    const struct tool_row *row = tool_row_of(in);

    if (!p)
        return call_nomem(c);
    if (!row)
        return bad_field(c, "proposal.arguments", "say what is to be done");
    *p = *in;
    message_clear_fields(&p->base, output_only);
    p->tool = row->tool;
    p->state = PROPOSAL_STATE_PENDING;
    TRY(proposal_may(c, policy, p, ACCESS_TOOL_PROPOSE));
    p->required_role = tool_required_role(policy, p->tool);
    TRY(settle_expiry(c, policy, p));
    TRY(settle_arguments(c, p));
    TRY(actor_of(c, &p->proposer));
    if (c->principal.kind == ACTOR_AI)
        p->proposer->kind = ACTOR_KIND_AI;
    *out = p;
    return STATUS_OK;
}

/* A follow-up is the owner's, where nobody is named. */
static enum status name_assignee(struct call *c, const struct tool_use *u, Proposal *p)
{
    ScheduleFollowUpArgs *args;

    if (p->tool != TOOL_SCHEDULE_FOLLOW_UP || *p->schedule_follow_up->assignee_id)
        return STATUS_OK;
    if ((args = NEW(&c->arena, ScheduleFollowUpArgs, 1)) == NULL)
        return call_nomem(c);
    *args = *p->schedule_follow_up;
    args->assignee_id = u->deal ? u->deal->owner_id : u->lead ? u->lead->owner_id : "";
    p->schedule_follow_up = args;
    return STATUS_OK;
}

/* The lead must not be erased while this is stored; a deal's may be another owner's. */
static enum status pin_lead(struct tx *tx, const Lead *lead)
{
    tx_widen(tx);
    TRY(tx_pin(tx, RECORD_LEAD, str_of(lead->id)));
    tx_narrow(tx);
    return STATUS_OK;
}

/* To what it rests on: the lead, and the advice that it follows. */
static enum status tie(struct tx *tx, const struct tool_use *u, const Proposal *p)
{
    if (*p->recommendation_id)
        TRY(recommendation_links(tx, p->recommendation_id, p->lead_id, p->deal_id));
    return u->lead ? pin_lead(tx, u->lead) : STATUS_OK;
}

/* What records say of it, and the digest of what is now complete. */
static enum status bind_proposal(struct call *c, const struct tool_use *u, Proposal *p)
{
    TRY(name_assignee(c, u, p));
    if ((p->arguments_sha256 = (char *)proposal_digest(&c->arena, p)) == NULL)
        return call_nomem(c);
    p->lead_id = u->lead ? u->lead->id : (char *)tool_lead_id(p);
    p->deal_id = (char *)tool_deal_id(p);
    return STATUS_OK;
}

static enum status propose_unit(struct call *c, struct tx *tx, void *arg)
{
    struct propose *k = arg;
    Proposal *p = NEW(&c->arena, Proposal, 1);
    struct tool_use u = {.agents = k->agents, .policy = k->policy, .proposal = p};

    if (!p)
        return call_nomem(c);
    *p = *k->given;
    TRY(tool_look(tx, &u));
    TRY(bind_proposal(c, &u, p));
    TRY(tie(tx, &u, p));
    TRY(tx_insert_proposal(tx, p));
    TRY(proposal_expire_later(tx, p));
    k->out->proposal = p;
    return tx_event(tx, EVENT_PROPOSAL_CREATED, RECORD_PROPOSAL, str_of(p->id), &p->base);
}

enum status proposal_propose(struct call *c, struct agents *a, const ProposeActionRequest *in,
                             ProposeActionResponse *out)
{
    struct propose k = {.out = out, .agents = a};
    Proposal *p = NULL;

    TRY(policy_get(c, a->policies, &k.policy));
    TRY(ready(c, k.policy, in->proposal, &p));
    k.given = p;
    return mutate(c, a, &(struct mutation){.unit = propose_unit, .arg = &k, .answer = &out->base});
}

/* List. */

static bool is_late(const Proposal *p, int64_t now_us)
{
    return instant_us(p->expire_time) <= now_us;
}

enum status proposal_list(struct call *c, struct agents *a, const ListProposalsRequest *in,
                          ListProposalsResponse *out)
{
    struct list_query q = {.filter = str_of(in->filter),
                           .order_by = str_of(in->order_by),
                           .page_token = str_of(in->page_token)};
    struct list_page page;

    TRY(list_people_size(c, a, in->page_size, &q.page_size));
    TRY(list_run(c, a->store, RECORD_PROPOSAL, &q, &page));
    out->proposals = (Proposal **)(void *)page.items;
    out->n_proposals = page.n_items;
    out->next_page_token = page.next_page_token;
    for (size_t i = 0; i < page.n_items; i++)
        if (is_late(out->proposals[i], call_now_us(c)) &&
            !tool_step(out->proposals[i], TOOL_EXPIRE))
            continue; /* decided and done */
    return STATUS_OK;
}

/* Decide. */

struct decide {
    const DecideProposalRequest *in;
    DecideProposalResponse *out;
    struct agents *agents;
    const TenantPolicy *policy;
    Actor *actor;
    Timestamp *now;
};

static enum status wrong_state(struct call *c, const Proposal *p)
{
    call_detail(c, FAULT_METADATA, NULL, STR("state"), "%s", proposal_state_name(p->state));
    call_detail(c, FAULT_PRECONDITION, "PROPOSAL_STATE", STR("proposal.state"),
                "only a proposal that waits can be decided, once");
    return call_fail_as(c, STATUS_PRECONDITION, "PROPOSAL_STATE", "the proposal was decided");
}

static enum status late(struct call *c)
{
    call_detail(c, FAULT_PRECONDITION, "PROPOSAL_EXPIRED", STR("proposal.expire_time"),
                "propose it again");
    return call_fail_as(c, STATUS_PRECONDITION, "PROPOSAL_EXPIRED",
                        "the proposal was not decided in time");
}

static enum status match_digest(struct call *c, const Proposal *p, const char *seen)
{
    const char *digest = proposal_digest(&c->arena, p);

    if (!digest)
        return call_nomem(c);
    if (strcmp(digest, p->arguments_sha256) != 0)
        return call_fail_as(c, STATUS_DATA_LOSS, "RECORD_DAMAGED",
                            "the arguments on record are not those that were proposed");
    if (strcmp(digest, seen) == 0)
        return STATUS_OK;
    return call_fail_as(c, STATUS_CONFLICT, "ARGUMENTS_MISMATCH",
                        "the arguments on record are not those that were seen");
}

static enum status approve(struct call *c, struct tx *tx, struct decide *k, Proposal *p)
{
    struct tool_use u = {.agents = k->agents, .policy = k->policy, .proposal = p};

    TRY(proposal_may(c, k->policy, p, ACCESS_TOOL_APPROVE));
    TRY(match_digest(c, p, k->in->arguments_sha256));
    TRY(tool_look(tx, &u));
    if (!tool_step(p, TOOL_APPROVE))
        return wrong_state(c, p);
    return proposal_run_later(tx, p);
}

static bool is_own(const struct call *c, const Proposal *p)
{
    return p->proposer && strcmp(p->proposer->id, c->principal.subject) == 0;
}

static enum status reject(struct call *c, Proposal *p)
{
    if (!is_own(c, p) && !tool_role_covers(c->principal.roles, p->required_role))
        return deny(c, p, "tool.required_role");
    return tool_step(p, TOOL_REJECT) ? STATUS_OK : wrong_state(c, p);
}

static enum status decide_unit(struct call *c, struct tx *tx, void *arg)
{
    struct decide *k = arg;
    Proposal *p;

    TRY(tx_get_proposal(tx, str_of(k->in->id), &p));
    TRY(tx_match(tx, &p->base, str_of(k->in->etag)));
    if (p->state != PROPOSAL_STATE_PENDING)
        return wrong_state(c, p);
    if (is_late(p, call_now_us(c)))
        return late(c);
    if (k->in->verdict == VERDICT_APPROVE)
        TRY(approve(c, tx, k, p));
    else
        TRY(reject(c, p));
    p->decider = k->actor;
    p->decide_time = k->now;
    p->decide_note = k->in->note;
    k->out->proposal = p;
    return proposal_store(tx, p);
}

enum status proposal_decide(struct call *c, struct agents *a, const DecideProposalRequest *in,
                            DecideProposalResponse *out)
{
    struct decide k = {.in = in, .out = out, .agents = a};

    if (in->verdict == VERDICT_APPROVE && !*in->arguments_sha256)
        return bad_field(c, "arguments_sha256", "name the arguments that you saw");
    TRY(policy_get(c, a->policies, &k.policy));
    TRY(actor_of(c, &k.actor));
    TRY(instant_now(c, &k.now));
    return mutate(c, a, &(struct mutation){.unit = decide_unit, .arg = &k, .answer = &out->base});
}
