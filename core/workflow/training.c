/* The request's side: put the job, look at what became of it. */
#include "workflow/training.h"

#include <stdio.h>

#include "agent/instant.h"
#include "agent/mutation.h"
#include "base/buf.h"
#include "internal/v1/records.h"
#include "schema/canonical.h"
#include "schema/wire.h"
#include "store/audit.h"
#include "store/job.h"
#include "store/records.h"
#include "store/seal.h"

struct beginning {
    const TrainModelRequest *in;
    TrainModelResponse *out; /* names the model: what a repetition is answered with */
};

static enum status refuse_running(struct call *c)
{
    call_retry_after(c, TRAINING_AGAIN_MS);
    return call_fail_as(c, STATUS_CONFLICT, "TRAINING_RUNNING",
                        "another training of this kind runs");
}

/* Nothing runs or waits; one that was given up makes room. */
static enum status check_free(struct call *c, struct tx *tx, ModelKind kind)
{
    struct job job;
    enum status s = tx_job_get(tx, STR(TRAINING_JOB), str_of(model_kind_name(kind)), &job);

    if (s == STATUS_NOT_FOUND) {
        call_clear(c);
        return STATUS_OK;
    }
    TRY(s);
    return job.state == JOB_PARKED ? STATUS_OK : refuse_running(c);
}

static enum status name_model(struct call *c, const struct beginning *k, Model **out)
{
    ModelCard *card = NEW(&c->arena, ModelCard, 1);
    Model *model = *out = NEW(&c->arena, Model, 1);

    if (!card || !model)
        return call_nomem(c);
    *card = (ModelCard)MODEL_CARD_INIT;
    *model = (Model)MODEL_INIT;
    card->model = model;
    model->kind = k->in->kind;
    if ((model->id = uuid_text(&c->arena, uuid_new(c))) == NULL)
        return call_nomem(c);
    k->out->card = card;
    k->out->message_case = TRAIN_MODEL_RESPONSE_MESSAGE_CARD;
    return STATUS_OK;
}

static enum status begin_unit(struct call *c, struct tx *tx, void *arg)
{
    struct beginning *k = arg;
    TrainingOrder order = TRAINING_ORDER_INIT;
    AuditEntry entry = AUDIT_ENTRY_INIT;
    Model *model;

    TRY(check_free(c, tx, k->in->kind));
    TRY(name_model(c, k, &model));
    order.model_id = entry.record_id = model->id;
    order.kind = k->in->kind;
    order.window = k->in->window;
    order.seed = k->in->seed;
    order.validate_only = k->in->validate_only;
    TRY(tx_job_put(tx, &(struct job_put){.kind = STR(TRAINING_JOB),
                                         .key = str_of(model_kind_name(order.kind)),
                                         .message = &order.base,
                                         .rule = JOB_REPLACE}));
    entry.record_kind = "model";
    return tx_audit(tx, &entry);
}

/* Streams are not identified on their way in: which request it is, is said here. */
static enum status identify(struct call *c, const TrainModelRequest *in)
{
    struct buf whole;
    str content;

    c->request_id = in->request_id;
    if (!canonical_pack(&c->arena, &in->base, "request_id", &content))
        return call_nomem(c);
    buf_init(&whole, &c->arena, content.n + SUBJECT_BYTES + 16);
    buf_printf(&whole, "%zu:%s;", strlen(c->principal.subject), c->principal.subject);
    buf_put(&whole, content);
    if (!buf_ok(&whole))
        return call_nomem(c);
    seal_sha256(buf_str(&whole), c->request_sha256);
    return STATUS_OK;
}

enum status training_begin(struct call *c, struct agents *a, const TrainModelRequest *in,
                           char model_id[UUID_TEXT_BYTES + 1])
{
    TrainModelResponse out = TRAIN_MODEL_RESPONSE_INIT;
    struct beginning k = {in, &out};

    model_id[0] = '\0';
    if (in->kind != MODEL_KIND_LEAD_WIN)
        return call_fail_as(c, STATUS_UNIMPLEMENTED, "MODEL_KIND",
                            "models of this kind are not learned by this version");
    TRY(identify(c, in));
    TRY(mutate(c, a, &(struct mutation){.unit = begin_unit, .arg = &k, .answer = &out.base}));
    if (!out.card || !out.card->model)
        return call_fail(c, STATUS_INTERNAL, "the stored answer names no model");
    snprintf(model_id, UUID_TEXT_BYTES + 1, "%s", out.card->model->id);
    return STATUS_OK;
}

struct looking {
    ModelKind kind;
    const char *model_id;
    struct training_view *out;
};

/* The job that makes this model; given up or gone is a failure. */
static enum status look_at_job(struct call *c, struct tx *tx, const struct looking *k)
{
    ProtobufCMessage *m;
    struct job job;
    enum status s = tx_job_get(tx, STR(TRAINING_JOB), str_of(model_kind_name(k->kind)), &job);

    if (s == STATUS_OK && !job.is_damaged) {
        TRY(wire_unpack(c, &c->arena, TRAINING_ORDER_DESCRIPTOR, job.payload, &m));
        if (strcmp(((TrainingOrder *)m)->model_id, k->model_id) != 0)
            s = STATUS_NOT_FOUND;
    }
    if (s != STATUS_OK && s != STATUS_NOT_FOUND)
        return s;
    call_clear(c);
    if (s == STATUS_NOT_FOUND)
        return call_fail_as(c, STATUS_INTERNAL, "TRAINING_FAILED", "the training was taken back");
    if (job.state == JOB_PARKED)
        return call_fail_as(c, STATUS_INTERNAL, "TRAINING_FAILED",
                            "the training was given up: %.*s", (int)job.reason.n, job.reason.p);
    return STATUS_OK;
}

static enum status look_unit(struct call *c, struct tx *tx, void *arg)
{
    struct looking *k = arg;
    ModelRecord *record;
    enum status s = tx_get_model(tx, str_of(k->model_id), &record);

    k->out->card = NULL;
    if (s == STATUS_OK)
        k->out->card = record->card;
    if (s != STATUS_NOT_FOUND)
        return s;
    call_clear(c);
    return look_at_job(c, tx, k);
}

enum status training_look(struct call *c, struct agents *a, ModelKind kind, const char *model_id,
                          struct training_view *out)
{
    struct looking k = {kind, model_id, out};

    *out = (struct training_view){.card = NULL};
    training_board_get(a->trainings, model_id, &out->step);
    return store_run(a->store, c, STORE_READ, look_unit, &k);
}
