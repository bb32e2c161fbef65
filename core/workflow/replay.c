#include "workflow/replay.h"

#include "agent/decision.h"
#include "schema/difference.h"
#include "schema/wire.h"
#include "workflow/lead_decision.h"
#include "workflow/recommend.h"

enum { PATHS_MAX = 100 }; /* as ReplayDecisionResponse says */

static const struct replay_row {
    DecisionKind kind;
    replay_fn run;
} rows[] = {
    {DECISION_KIND_LEAD_SCORE, lead_decision_replay},
    {DECISION_KIND_RECOMMENDATION, recommend_replay},
};

static replay_fn replay_of(DecisionKind kind)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].kind == kind)
            return rows[i].run;
    return NULL;
}

static enum status compare(struct call *c, const ProtobufCMessageDescriptor *type, str before,
                           ReplayDecisionResponse *out)
{
    str after = {(char *)out->output.data, out->output.len};
    struct difference d = {.paths = NEW(&c->arena, char *, PATHS_MAX), .most = PATHS_MAX};

    out->identical = str_eq(before, after);
    if (out->identical)
        return STATUS_OK;
    if (!d.paths)
        return call_nomem(c);
    TRY(difference_find(
        c, &(struct difference_sides){.type = type, .before = before, .after = after}, &d));
    out->differing_fields = d.paths;
    out->n_differing_fields = d.n;
    return STATUS_OK;
}

enum status replay_run(struct call *c, struct agents *a, const ReplayDecisionRequest *in,
                       ReplayDecisionResponse *out)
{
    ProtobufCMessage *answer;
    DecisionRecord *record;
    replay_fn fn;
    str bytes;

    TRY(decision_read(c, a, in->id, &record));
    fn = replay_of(record->decision->kind);
    if (!fn || !record->replay.len)
        return call_fail_as(c, STATUS_PRECONDITION, "REPLAY_NONE",
                            "a decision of this kind is not replayed");
    TRY(fn(c, a, record, &answer));
    if (!wire_pack(&c->arena, answer, &bytes))
        return call_nomem(c);
    out->output = (ProtobufCBinaryData){bytes.n, (uint8_t *)bytes.p};
    if ((out->output_sha256 = decision_sha256(&c->arena, bytes)) == NULL)
        return call_nomem(c);
    return compare(c, answer->descriptor,
                   (str){(char *)record->decision->output.data, record->decision->output.len}, out);
}
