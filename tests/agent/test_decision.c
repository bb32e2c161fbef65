/* The ledger on a store: what is put can be read, by whom, and until when. */
#include <criterion/criterion.h>

#include "agent/decision.h"
#include "agent/desk.h"
#include "agent/lead.h"
#include "schema/wire.h"
#include "workflow/replay.h"

struct putting {
    struct desk *d;
    char *lead_id;
    size_t text_bytes; /* of the answer's insight */
    bool is_replayed;
    char *id;
};

static enum status put_unit(struct call *c, struct tx *tx, void *arg)
{
    struct putting *k = arg;
    LeadScore answer = LEAD_SCORE_INIT;
    Lead start = LEAD_INIT;
    Decision decision;

    answer.score = 71;
    answer.insight = NEW(&c->arena, char, k->text_bytes + 1);
    cr_assert_not_null(answer.insight);
    memset(answer.insight, 'x', k->text_bytes);
    start.full_name = "Grace Hopper";
    TRY(decision_new(c, &k->d->agents, DECISION_KIND_LEAD_SCORE, &decision));
    decision.lead_id = k->lead_id;
    k->id = decision.id;
    return decision_put(tx,
                        &(struct decision_draft){.decision = &decision,
                                                 .answer = &answer.base,
                                                 .replay = k->is_replayed ? &start.base : NULL});
}

static enum status put(struct putting *k)
{
    return store_run(k->d->agents.store, k->d->call, STORE_WRITE, put_unit, k);
}

static enum status explain(struct desk *d, char *id, Decision **out)
{
    ExplainDecisionRequest in = EXPLAIN_DECISION_REQUEST_INIT;
    ExplainDecisionResponse answer = EXPLAIN_DECISION_RESPONSE_INIT;
    enum status s;

    in.id = id;
    s = decision_explain(d->call, &d->agents, &in, &answer);
    *out = answer.decision;
    return s;
}

DESK_TEST(decision, is_read_as_it_was_put)
{
    struct putting k = {d, desk_lead(d, LEAD_STATUS_NEW)->id, 10, true, NULL};
    Decision *read;
    ProtobufCMessage *m;

    cr_assert_eq(put(&k), STATUS_OK, "%s", d->call->fault.why);
    cr_assert_eq(explain(d, k.id, &read), STATUS_OK, "%s", d->call->fault.why);
    cr_assert_str_eq(read->id, k.id);
    cr_assert_str_eq(read->lead_id, k.lead_id);
    cr_assert_str_eq(read->output_type, "sales.v1.LeadScore");
    cr_assert_str_eq(
        read->output_sha256,
        decision_sha256(&d->call->arena, (str){(char *)read->output.data, read->output.len}));
    cr_assert_not_null(read->create_time);
    cr_assert_str_eq(read->actor->id, d->call->principal.subject);
    cr_assert_eq(wire_unpack(d->call, &d->call->arena, &sales__v1__lead_score__descriptor,
                             (str){(char *)read->output.data, read->output.len}, &m),
                 STATUS_OK);
    cr_assert_eq(((LeadScore *)m)->score, 71);
}

DESK_TEST(decision, is_out_of_reach_with_its_lead)
{
    struct putting k = {d, desk_lead(d, LEAD_STATUS_NEW)->id, 1, false, NULL};
    Decision *read;

    cr_assert_eq(put(&k), STATUS_OK, "%s", d->call->fault.why);
    d->call->reach = (struct reach){REACH_OWN, REACH_OWN, REACH_OWN, "rep.lead"};
    cr_assert_eq(explain(d, k.id, &read), STATUS_NOT_FOUND);
}

DESK_TEST(decision, of_another_tenant_is_not_found)
{
    struct putting k = {d, desk_lead(d, LEAD_STATUS_NEW)->id, 1, false, NULL};
    Decision *read;

    cr_assert_eq(put(&k), STATUS_OK, "%s", d->call->fault.why);
    d->call->principal.tenant_id++;
    cr_assert_eq(explain(d, k.id, &read), STATUS_NOT_FOUND);
}

DESK_TEST(decision, over_a_mebibyte_is_refused)
{
    struct putting k = {d, desk_lead(d, LEAD_STATUS_NEW)->id, DECISION_PART_BYTES, false, NULL};

    cr_assert_eq(put(&k), STATUS_EXHAUSTED);
    cr_assert_str_eq(d->call->fault.reason, "DECISION_SIZE");
}

DESK_TEST(decision, without_a_start_is_not_replayed)
{
    struct putting k = {d, desk_lead(d, LEAD_STATUS_NEW)->id, 1, false, NULL};
    ReplayDecisionRequest in = REPLAY_DECISION_REQUEST_INIT;
    ReplayDecisionResponse out = REPLAY_DECISION_RESPONSE_INIT;

    cr_assert_eq(put(&k), STATUS_OK, "%s", d->call->fault.why);
    in.id = k.id;
    cr_assert_eq(replay_run(d->call, &d->agents, &in, &out), STATUS_PRECONDITION);
    cr_assert_str_eq(d->call->fault.reason, "REPLAY_NONE");
}

DESK_TEST(decision, goes_with_the_person)
{
    struct putting k = {d, desk_lead(d, LEAD_STATUS_NEW)->id, 1, true, NULL};
    DeleteLeadRequest in = DELETE_LEAD_REQUEST_INIT;
    DeleteLeadResponse out = DELETE_LEAD_RESPONSE_INIT;
    Decision *read;

    cr_assert_eq(put(&k), STATUS_OK, "%s", d->call->fault.why);
    in.id = k.lead_id;
    cr_assert_eq(lead_delete(d->call, &d->agents, &in, &out), STATUS_OK, "%s", d->call->fault.why);
    cr_assert_eq(explain(d, k.id, &read), STATUS_NOT_FOUND);
}
