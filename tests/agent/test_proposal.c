/* proposal: the job that runs one, with the clock of the test; and a random walk that must close no
 * deal, whatever is proposed, approved, moved or expired on the way. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/desk.h"
#include "agent/instant.h"
#include "agent/proposal.h"
#include "agent/proposal_run.h"

static struct job_engine *open_engine(struct desk *d)
{
    const struct job_binding kinds[] = {{&proposal_run_kind, &d->agents},
                                        {&proposal_expire_kind, &d->agents}};
    struct job_engine *e;

    cr_assert_eq(job_engine_open(
                     d->call,
                     &(struct job_engine_options){
                         .store = d->agents.store, .kinds = kinds, .n_kinds = 2, .poll_ms = 1000},
                     &e),
                 STATUS_OK);
    return e;
}

static void close_engine(struct job_engine *e)
{
    cr_assert_eq(job_engine_stop(e, 0), STATUS_OK);
    job_engine_close(e);
}

static size_t turn(struct job_engine *e)
{
    size_t n;

    cr_assert_eq(job_engine_turn(e, &n), STATUS_OK);
    return n;
}

static enum status propose(struct desk *d, Proposal *p, Proposal **out)
{
    ProposeActionRequest in = PROPOSE_ACTION_REQUEST_INIT;
    ProposeActionResponse answer = PROPOSE_ACTION_RESPONSE_INIT;
    enum status s;

    in.proposal = p;
    s = proposal_propose(d->call, &d->agents, &in, &answer);
    *out = answer.proposal;
    return s;
}

static enum status decide(struct desk *d, const Proposal *p, Verdict verdict, Proposal **out)
{
    DecideProposalRequest in = DECIDE_PROPOSAL_REQUEST_INIT;
    DecideProposalResponse answer = DECIDE_PROPOSAL_RESPONSE_INIT;
    enum status s;

    in.id = p->id;
    in.verdict = verdict;
    in.arguments_sha256 = p->arguments_sha256;
    s = proposal_decide(d->call, &d->agents, &in, &answer);
    if (out)
        *out = answer.proposal;
    return s;
}

struct reading {
    const char *id;
    Proposal *proposal;
};

static enum status read_unit(struct call *c, struct tx *tx, void *arg)
{
    struct reading *r = arg;

    (void)c;
    return tx_get_proposal(tx, str_of(r->id), &r->proposal);
}

static Proposal *stored(struct desk *d, const char *id)
{
    struct reading r = {.id = id};

    cr_assert_eq(store_run(d->agents.store, d->call, STORE_READ, read_unit, &r), STATUS_OK);
    return r.proposal;
}

static enum status tamper_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_update_proposal(tx, arg);
}

static Proposal moving(const char *deal_id, const char *from, const char *to,
                       UpdateDealStageArgs *args)
{
    Proposal p = PROPOSAL_INIT;

    *args = (UpdateDealStageArgs)UPDATE_DEAL_STAGE_ARGS_INIT;
    args->deal_id = (char *)deal_id;
    args->from_stage = (char *)from;
    args->to_stage = (char *)to;
    p.arguments_case = PROPOSAL_ARGUMENTS_UPDATE_DEAL_STAGE;
    p.update_deal_stage = args;
    return p;
}

DESK_TEST(proposal, a_deal_that_moved_after_the_approval_is_left_alone)
{
    struct job_engine *e = open_engine(d);
    Deal *deal = desk_deal(d, desk_sound_deal(d));
    UpdateDealStageArgs args;
    Proposal p = moving(deal->id, "discovery", "proposal", &args), *made;
    ProgressDealResponse moved;

    cr_assert_eq(propose(d, &p, &made), STATUS_OK, "%s", d->call->fault.why);
    cr_assert_eq(decide(d, made, VERDICT_APPROVE, NULL), STATUS_OK, "%s", d->call->fault.why);
    cr_assert_eq(desk_progress(d, deal->id, "negotiation", NULL, &moved), STATUS_OK);
    cr_assert_eq(turn(e), 1);
    cr_assert_eq(stored(d, made->id)->state, PROPOSAL_STATE_FAILED);
    cr_assert_str_eq(stored(d, made->id)->error->reason, "TOOL_REFUSED");
    cr_assert_str_eq(desk_get_deal(d, deal->id)->stage, "negotiation");
    cr_assert_eq(turn(e), 0, "and is not tried again");
    close_engine(e);
}

DESK_TEST(proposal, arguments_that_changed_after_the_approval_do_not_run)
{
    struct job_engine *e = open_engine(d);
    Deal *deal = desk_deal(d, desk_sound_deal(d));
    UpdateDealStageArgs args;
    Proposal p = moving(deal->id, "discovery", "proposal", &args), *made, *record;

    cr_assert_eq(propose(d, &p, &made), STATUS_OK);
    cr_assert_eq(decide(d, made, VERDICT_APPROVE, NULL), STATUS_OK);
    record = stored(d, made->id);
    record->update_deal_stage->to_stage = "negotiation";
    record->arguments_sha256 =
        (char *)proposal_digest(&d->call->arena, record); /* a consistent lie */
    cr_assert_eq(store_run(d->agents.store, d->call, STORE_WRITE, tamper_unit, record), STATUS_OK);
    cr_assert_eq(turn(e), 1);
    cr_assert_eq(stored(d, made->id)->state, PROPOSAL_STATE_FAILED);
    cr_assert_str_eq(stored(d, made->id)->error->reason, "ARGUMENTS_MISMATCH");
    cr_assert_str_eq(desk_get_deal(d, deal->id)->stage, "discovery");
    close_engine(e);
}

DESK_TEST(proposal, what_was_approved_in_time_does_not_run_late)
{
    struct job_engine *e = open_engine(d);
    Deal *deal = desk_deal(d, desk_sound_deal(d));
    UpdateDealStageArgs args;
    Proposal p = moving(deal->id, "discovery", "proposal", &args), *made, *record;

    cr_assert_eq(propose(d, &p, &made), STATUS_OK);
    cr_assert_eq(decide(d, made, VERDICT_APPROVE, NULL), STATUS_OK);
    record = stored(d, made->id);
    record->expire_time = desk_ago(d, 1); /* no server ran for a day */
    cr_assert_eq(store_run(d->agents.store, d->call, STORE_WRITE, tamper_unit, record), STATUS_OK);
    cr_assert_eq(turn(e), 1);
    cr_assert_eq(stored(d, made->id)->state, PROPOSAL_STATE_EXPIRED);
    cr_assert_str_eq(desk_get_deal(d, deal->id)->stage, "discovery");
    close_engine(e);
}

DESK_TEST(proposal, an_ai_never_approves_whatever_its_roles)
{
    Deal *deal = desk_deal(d, desk_sound_deal(d));
    UpdateDealStageArgs args;
    Proposal p = moving(deal->id, "discovery", "proposal", &args), *made;

    cr_assert_eq(propose(d, &p, &made), STATUS_OK);
    d->call->principal.kind = ACTOR_AI;
    cr_assert_eq(decide(d, made, VERDICT_APPROVE, NULL), STATUS_DENIED);
    cr_assert_str_eq(d->call->fault.reason, "TOOL_DENIED");
}

/* Somebody with any roles proposes or decides any move of some deal, at random; people do not close
 * deals meanwhile. Whatever happens, all deals stay open. */
DESK_TEST(proposal, no_walk_of_proposals_closes_a_deal)
{
    enum { DEALS = 4, STEPS = 600, OPEN_MAX = 16 };
    static const char *const stages[] = {"discovery", "proposal", "negotiation", "commitment",
                                         "won",       "lost",     "closed_won",  "paradise"};
    static const uint32_t roles[] = {ROLE_BIT_ADMIN, ROLE_BIT_MANAGER, ROLE_BIT_REP, ROLE_BIT_AGENT,
                                     ROLE_BIT_AGENT | ROLE_BIT_ADMIN};
    struct job_engine *e = open_engine(d);
    unsigned short seed[3] = {1, 2, 3};
    Proposal *open[OPEN_MAX] = {NULL};
    Deal *deals[DEALS];
    size_t n_executed = 0, n_asked_to_close = 0;

    for (size_t i = 0; i < DEALS; i++)
        deals[i] = desk_deal(d, desk_sound_deal(d));
    for (int step = 0; step < STEPS; step++) {
        size_t at = (size_t)nrand48(seed) % OPEN_MAX, to = (size_t)nrand48(seed) % 8;
        const char *id = deals[nrand48(seed) % DEALS]->id;
        UpdateDealStageArgs args;
        Proposal p = moving(id, desk_get_deal(d, id)->stage, stages[to], &args);

        d->call->principal.roles = roles[nrand48(seed) % 5];
        n_asked_to_close += to >= 4 && to <= 5;
        if (open[at])
            (void)!decide(d, open[at], nrand48(seed) % 8 ? VERDICT_APPROVE : VERDICT_REJECT, NULL);
        call_clear(d->call);
        enum status s = propose(d, &p, &open[at]);

        cr_assert(to < 4 || s != STATUS_OK, "%s was proposed", stages[to]);
        if (s != STATUS_OK)
            open[at] = NULL;
        call_clear(d->call);
        d->call->principal.roles = ROLE_BIT_ADMIN;
        n_executed += turn(e);
        for (size_t i = 0; i < DEALS; i++)
            cr_assert_eq(desk_get_deal(d, deals[i]->id)->stage_kind, STAGE_KIND_OPEN, "step %d",
                         step);
    }
    cr_assert_gt(n_executed, 50, "the walk goes somewhere");
    cr_assert_gt(n_asked_to_close, 50);
    close_engine(e);
}
