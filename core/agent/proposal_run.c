/* The decider's standing travels in the job; the run takes their place for the length of a unit. */
#include "agent/proposal_run.h"

#include <assert.h>
#include <stdio.h>

#include "agent/instant.h"
#include "agent/item_error.h"
#include "agent/proposal.h"
#include "agent/tool.h"
#include "base/kill_point.h"
#include "integration/calendar.h"
#include "internal/v1/records.h"
#include "schema/wire.h"
#include "store/reach.h"
#include "store/records.h"
#include "store/seal.h"

enum { LEASE_MS = 30000, ATTEMPTS_MAX = 8, FIRST_MS = 500, MOST_MS = 60000 };
enum { CALENDAR_ATTEMPTS_MAX = 12, CALENDAR_FIRST_MS = 1000, CALENDAR_MOST_MS = 900000 };

struct run {
    struct agents *agents;
    struct job *job;
    ProposalRun *order;
    Proposal *proposal;
    struct tool_use use;
    ItemError *error; /* of a run that failed */
};

enum status proposal_run_later(struct tx *tx, const Proposal *p)
{
    struct call *c = tx_call(tx);
    ProposalRun order = PROPOSAL_RUN_INIT;
    unsigned char sha256[SEAL_DIGEST_BYTES];

    seal_sha256(str_of(p->arguments_sha256), sha256);
    order.arguments_sha256 = (ProtobufCBinaryData){sizeof sha256, sha256};
    order.subject = c->principal.subject;
    order.kind = (ActorKind)c->principal.kind;
    order.roles = c->principal.roles;
    order.team_ids = (char **)c->principal.teams;
    order.n_team_ids = c->principal.n_teams;
    return tx_job_put(tx, &(struct job_put){.kind = STR(PROPOSAL_JOB_RUN),
                                            .key = str_of(p->id),
                                            .message = &order.base});
}

enum status proposal_expire_later(struct tx *tx, const Proposal *p)
{
    return tx_job_put(tx, &(struct job_put){.kind = STR(PROPOSAL_JOB_EXPIRE),
                                            .key = str_of(p->id),
                                            .due_us = instant_us(p->expire_time)});
}

static enum status read_unit(struct call *c, struct tx *tx, void *arg)
{
    struct run *r = arg;
    enum status s = tx_get_proposal(tx, r->job->key, &r->proposal);

    if (s != STATUS_NOT_FOUND)
        return s;
    call_clear(c); /* erased with the person */
    r->proposal = NULL;
    return STATUS_OK;
}

/* Whether the proposal is what was approved: the digest of the digest, as the job holds it. */
static enum status check_digest(struct call *c, const struct run *r)
{
    unsigned char sha256[SEAL_DIGEST_BYTES];
    const char *digest = proposal_digest(&c->arena, r->proposal);

    if (!digest)
        return call_nomem(c);
    seal_sha256(str_of(digest), sha256);
    if (r->order->arguments_sha256.len == sizeof sha256 &&
        memcmp(r->order->arguments_sha256.data, sha256, sizeof sha256) == 0)
        return STATUS_OK;
    return call_fail_as(c, STATUS_PRECONDITION, "ARGUMENTS_MISMATCH",
                        "the arguments on record are not those that were approved");
}

/* The call becomes the decider's: principal, and reach by the policy of now. */
static enum status take_place(struct call *c, struct run *r)
{
    const struct tool_row *row = tool_row_of(r->proposal);
    struct principal *p = &c->principal;

    snprintf(p->subject, sizeof p->subject, "%s", r->order->subject);
    p->kind = (enum actor_kind)r->order->kind;
    p->roles = r->order->roles;
    p->teams = (const char *const *)r->order->team_ids;
    p->n_teams = r->order->n_team_ids;
    TRY(proposal_may(c, r->use.policy, r->proposal, ACCESS_TOOL_APPROVE));
    c->reach = access_decide(p->roles, &row->use,
                             r->use.policy->rep_scope ? r->use.policy->rep_scope : REP_SCOPE_TEAM);
    return STATUS_OK;
}

static enum status read_again(struct tx *tx, struct run *r)
{
    enum status s;

    tx_widen(tx);
    s = tx_get_proposal(tx, r->job->key, &r->proposal);
    tx_narrow(tx);
    r->use.proposal = r->proposal;
    return s;
}

static enum status store_wide(struct tx *tx, Proposal *p)
{
    tx_widen(tx);
    TRY(proposal_store(tx, p));
    tx_narrow(tx);
    return STATUS_OK;
}

static enum status run_unit(struct call *c, struct tx *tx, void *arg)
{
    struct run *r = arg;
    Proposal *p;

    TRY(read_again(tx, r));
    p = r->proposal;
    if (p->state != PROPOSAL_STATE_APPROVED)
        return tx_job_done(tx, r->job);
    TRY(tool_look(tx, &r->use));
    TRY(tool_apply(tx, &r->use));
    kill_here(KILL_PROPOSAL_RUN);
    if (!tool_step(p, TOOL_EXECUTE))
        return call_fail(c, STATUS_INTERNAL, "an approved proposal cannot be executed");
    p->effect_id = (char *)r->use.effect_id;
    TRY(instant_now(c, &p->execute_time));
    TRY(store_wide(tx, p));
    return tx_job_done(tx, r->job);
}

struct settle {
    struct run *run;
    enum tool_step step;
};

static enum status settle_unit(struct call *c, struct tx *tx, void *arg)
{
    struct settle *k = arg;
    enum status s = read_again(tx, k->run);

    if (s == STATUS_NOT_FOUND) {
        call_clear(c);
        return tx_job_done(tx, k->run->job);
    }
    TRY(s);
    if (tool_step(k->run->proposal, k->step)) {
        k->run->proposal->error = k->run->error;
        TRY(store_wide(tx, k->run->proposal));
    }
    return tx_job_done(tx, k->run->job);
}

static enum status settle(struct call *c, struct run *r, enum tool_step step)
{
    return store_run(r->agents->store, c, STORE_WRITE, settle_unit, &(struct settle){r, step});
}

/* What another attempt would not change. */
static bool is_final(enum status s)
{
    return s == STATUS_INVALID || s == STATUS_EXISTS || s == STATUS_NOT_FOUND ||
           s == STATUS_PRECONDITION || s == STATUS_DENIED || s == STATUS_DATA_LOSS;
}

static bool is_last(const struct run *r)
{
    return r->job->attempts >= ATTEMPTS_MAX;
}

static enum status execute(struct call *c, struct run *r)
{
    r->use = (struct tool_use){.agents = r->agents, .proposal = r->proposal};
    TRY(policy_get(c, r->agents->policies, &r->use.policy));
    TRY(check_digest(c, r));
    TRY(take_place(c, r));
    TRY(tool_prepare(c, &r->use));
    return store_run(r->agents->store, c, STORE_WRITE, run_unit, r);
}

static enum status handle_run(void *self, struct call *c, struct job *job)
{
    struct run r = {.agents = self, .job = job};
    struct principal own = c->principal;
    ProtobufCMessage *order;
    enum status s;

    TRY(wire_unpack(c, &c->arena, PROPOSAL_RUN_DESCRIPTOR, job->payload, &order));
    r.order = (ProposalRun *)order;
    TRY(store_run(r.agents->store, c, STORE_READ, read_unit, &r));
    if (!r.proposal || r.proposal->state != PROPOSAL_STATE_APPROVED)
        return STATUS_OK;
    if (instant_us(r.proposal->expire_time) <= call_now_us(c))
        return settle(c, &r, TOOL_EXPIRE);
    s = execute(c, &r);
    c->principal = own; /* what comes of it is our word, not the decider's */
    c->reach = (struct reach){.see = REACH_ALL};
    c->rule = "job";
    if (s == STATUS_OK || !(is_final(s) || is_last(&r)) || job->ended != JOB_END_NONE)
        return s;
    if ((r.error = item_error_take(c, STR(""))) == NULL)
        return call_nomem(c);
    return settle(c, &r, TOOL_FAIL);
}

static enum status handle_expire(void *self, struct call *c, struct job *job)
{
    struct run r = {.agents = self, .job = job};

    TRY(store_run(r.agents->store, c, STORE_READ, read_unit, &r));
    if (!r.proposal)
        return STATUS_OK;
    c->rule = "tool.expire_after";
    return settle(c, &r, TOOL_EXPIRE);
}

/* The calendar outside. */

static enum status read_for_calendar(struct call *c, struct tx *tx, void *arg)
{
    struct run *r = arg;

    TRY(read_unit(c, tx, arg));
    if (!r->proposal)
        return STATUS_OK;
    r->use.proposal = r->proposal;
    enum status s = tool_look(tx, &r->use);

    if (s != STATUS_NOT_FOUND && s != STATUS_PRECONDITION)
        return s;
    call_clear(c); /* erased, or not to be contacted any more: nothing goes out */
    r->proposal = NULL;
    return STATUS_OK;
}

static enum status handle_calendar(void *self, struct call *c, struct job *job)
{
    struct run r = {.agents = self, .job = job};
    const ScheduleFollowUpArgs *args;
    struct calendar_event e;

    TRY(policy_get(c, r.agents->policies, &r.use.policy));
    if (!tool_calendar_serves(r.agents, c, r.use.policy))
        return STATUS_OK; /* switched off since */
    TRY(store_run(r.agents->store, c, STORE_READ, read_for_calendar, &r));
    if (!r.proposal || r.proposal->tool != TOOL_SCHEDULE_FOLLOW_UP)
        return STATUS_OK;
    args = r.proposal->schedule_follow_up;
    e = (struct calendar_event){.start_us = instant_us(args->start_time),
                                .end_us = follow_up_end_us(args),
                                .time_zone = r.use.policy->default_time_zone,
                                .summary = args->title,
                                .description = args->notes,
                                .attendee = args->invite && r.use.lead ? r.use.lead->email : ""};
    if (!uuid_parse(str_of(r.proposal->id), &e.id))
        return call_fail(c, STATUS_INTERNAL, "a proposal without an id");
    return calendar_insert(r.agents->calendar, c, &e);
}

const struct job_kind proposal_run_kind = {.name = PROPOSAL_JOB_RUN,
                                           .handle = handle_run,
                                           .lease_ms = LEASE_MS,
                                           .attempts_max = ATTEMPTS_MAX,
                                           .first_ms = FIRST_MS,
                                           .most_ms = MOST_MS};

const struct job_kind proposal_expire_kind = {.name = PROPOSAL_JOB_EXPIRE,
                                              .handle = handle_expire,
                                              .lease_ms = LEASE_MS,
                                              .attempts_max = ATTEMPTS_MAX,
                                              .first_ms = FIRST_MS,
                                              .most_ms = MOST_MS};

const struct job_kind proposal_calendar_kind = {.name = PROPOSAL_JOB_CALENDAR,
                                                .handle = handle_calendar,
                                                .lease_ms = LEASE_MS,
                                                .attempts_max = CALENDAR_ATTEMPTS_MAX,
                                                .first_ms = CALENDAR_FIRST_MS,
                                                .most_ms = CALENDAR_MOST_MS,
                                                .limit = 4};
