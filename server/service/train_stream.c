/* TrainModel: puts the training and looks on, a few times a second, without holding a thread. The
 * training does not know of it and goes on when the client leaves. */
#include <stdio.h>
#include <stdlib.h>

#include "agent/instant.h"
#include "service/forecast.h"
#include "service/scope.h"
#include "workflow/training.h"

enum { LOOK_MS = 200, PROGRESS_EVERY_US = 1000000 };

struct train_stream {
    char model_id[UUID_TEXT_BYTES + 1];
    ModelKind kind;
    TrainingPhase phase; /* said last */
    int64_t started_us, said_us;
};

static enum status start(struct call *c, struct agents *a, struct train_stream *k,
                         const TrainModelRequest *in)
{
    k->kind = in->kind;
    k->started_us = call_now_us(c);
    return training_begin(c, a, in, k->model_id);
}

enum status train_model_message(struct call *c, void *self, struct rpc_stream *s,
                                const TrainModelRequest *in)
{
    struct train_stream *k = calloc(1, sizeof *k);
    struct scope scope;

    if (!k)
        return call_nomem(c);
    rpc_stream_set_state(s, k); /* freed in done() */
    scope_enter(&scope, c, s);
    return scope_leave(&scope, start(&scope.call, self, k, in));
}

static void send_card(struct rpc_stream *s, ModelCard *card)
{
    TrainModelResponse out = TRAIN_MODEL_RESPONSE_INIT;

    out.message_case = TRAIN_MODEL_RESPONSE_MESSAGE_CARD;
    out.card = card;
    forecast_train_model_send(s, &out);
    rpc_stream_finish(s);
}

/* At the start of each phase, and about once a second. */
static enum status send_progress(struct call *c, struct rpc_stream *s, struct train_stream *k,
                                 const struct training_step *step)
{
    TrainModelResponse out = TRAIN_MODEL_RESPONSE_INIT;
    TrainingProgress training = TRAINING_PROGRESS_INIT;
    Progress progress = PROGRESS_INIT;
    int64_t now_us = call_now_us(c);

    if (step->phase == k->phase && now_us - k->said_us < PROGRESS_EVERY_US)
        return STATUS_OK;
    k->phase = step->phase;
    k->said_us = now_us;
    progress.done = step->done;
    progress.total = step->total;
    TRY(duration_new(c, now_us - k->started_us, &progress.elapsed));
    training.phase = step->phase;
    training.progress = &progress;
    out.message_case = TRAIN_MODEL_RESPONSE_MESSAGE_PROGRESS;
    out.progress = &training;
    forecast_train_model_send(s, &out);
    return STATUS_OK;
}

static enum status produce(struct call *c, struct agents *a, struct rpc_stream *s)
{
    struct train_stream *k = rpc_stream_state(s);
    struct training_view view;

    TRY(training_look(c, a, k->kind, k->model_id, &view));
    if (view.card) {
        send_card(s, view.card);
        return STATUS_OK;
    }
    TRY(send_progress(c, s, k, &view.step));
    rpc_stream_wait(s, LOOK_MS);
    return STATUS_OK;
}

enum status train_model_writable(struct call *c, void *self, struct rpc_stream *s)
{
    struct scope scope;

    scope_enter(&scope, c, s);
    return scope_leave(&scope, produce(&scope.call, self, s));
}

void train_model_done(struct call *c, void *self, struct rpc_stream *s)
{
    (void)c;
    (void)self;
    free(rpc_stream_state(s));
}
