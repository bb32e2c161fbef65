#include "agent/decision.h"

#include "agent/activity.h"
#include "agent/instant.h"
#include "agent/server_info.h"
#include "base/encode.h"
#include "base/uuid.h"
#include "schema/wire.h"
#include "store/records.h"
#include "store/seal.h"

enum { VERSION_COMMIT = 12 }; /* digits of the commit that name a build */

char *decision_sha256(struct arena *a, str bytes)
{
    unsigned char digest[SEAL_DIGEST_BYTES];

    seal_sha256(bytes, digest);
    return hex_encode(a, digest, sizeof digest);
}

/* "0.4.1+1f0c3a9d2b7e". */
static char *code_version(struct call *c, const struct server_info *info)
{
    if (!info)
        return (char *)protobuf_c_empty_string;
    return arena_printf(&c->arena, "%s%s%.*s", info->version, *info->commit ? "+" : "",
                        VERSION_COMMIT, info->commit);
}

enum status decision_new(struct call *c, const struct agents *a, DecisionKind kind, Decision *out)
{
    *out = (Decision)DECISION_INIT;
    out->kind = kind;
    out->id = uuid_text(&c->arena, uuid_new(c));
    out->provenance = NEW(&c->arena, Provenance, 1);
    if (!out->id || !out->provenance)
        return call_nomem(c);
    *out->provenance = (Provenance)PROVENANCE_INIT;
    if ((out->provenance->code_version = code_version(c, a->info)) == NULL)
        return call_nomem(c);
    return actor_of(c, &out->actor);
}

static enum status pack(struct call *c, const ProtobufCMessage *m, ProtobufCBinaryData *out)
{
    str bytes;

    if (!wire_pack(&c->arena, m, &bytes))
        return call_nomem(c);
    if (bytes.n > DECISION_PART_BYTES)
        return call_fail_as(c, STATUS_EXHAUSTED, "DECISION_SIZE",
                            "what was decided, or from what, is over 1 MiB");
    *out = (ProtobufCBinaryData){bytes.n, (uint8_t *)bytes.p};
    return STATUS_OK;
}

enum status decision_put(struct tx *tx, const struct decision_draft *draft)
{
    struct call *c = tx_call(tx);
    Decision *d = draft->decision;
    DecisionRecord record = DECISION_RECORD_INIT;

    TRY(pack(c, draft->answer, &d->output));
    d->output_type = (char *)draft->answer->descriptor->name;
    d->output_sha256 = decision_sha256(&c->arena, (str){(char *)d->output.data, d->output.len});
    if (!d->output_sha256)
        return call_nomem(c);
    if (draft->replay)
        TRY(pack(c, draft->replay, &record.replay));
    record.decision = d;
    return tx_insert(tx, RECORD_DECISION, &record.base);
}

struct reading {
    const char *id;
    DecisionRecord *record;
};

static enum status read_unit(struct call *c, struct tx *tx, void *arg)
{
    struct reading *r = arg;
    ProtobufCMessage *m;

    (void)c;
    r->record = NULL;
    TRY(tx_get(tx, RECORD_DECISION, str_of(r->id), &m));
    r->record = (DecisionRecord *)m;
    return STATUS_OK;
}

enum status decision_read(struct call *c, struct agents *a, const char *id, DecisionRecord **out)
{
    struct reading r = {.id = id};
    enum status s = store_run(a->store, c, STORE_READ, read_unit, &r);

    *out = r.record;
    return s;
}

/* The shares are part of the answer and are not stored a second time. */
static enum status show_shares(struct call *c, Decision *d)
{
    ProtobufCMessage *m;

    if (strcmp(d->output_type, sales__v1__lead_score__descriptor.name) != 0)
        return STATUS_OK;
    TRY(wire_unpack(c, &c->arena, &sales__v1__lead_score__descriptor,
                    (str){(char *)d->output.data, d->output.len}, &m));
    d->contributions = ((LeadScore *)m)->contributions;
    d->n_contributions = ((LeadScore *)m)->n_contributions;
    return STATUS_OK;
}

enum status decision_explain(struct call *c, struct agents *a, const ExplainDecisionRequest *in,
                             ExplainDecisionResponse *out)
{
    DecisionRecord *record;

    TRY(decision_read(c, a, in->id, &record));
    out->decision = record->decision;
    return show_shares(c, out->decision);
}
