/*
 * training: TrainModel. A request puts a job; the job collects, learns, judges and publishes; the
 * stream of the request looks on, and nothing depends on its being there.
 *
 * One training per tenant and kind at a time. The same request id within 24 hours is the same
 * training. The model's id is chosen with the job, and the model is stored in the transaction that
 * ends the job: it is published once, however often the job had to start over.
 */
#ifndef WORKFLOW_TRAINING_H
#define WORKFLOW_TRAINING_H

#include "agent/context.h"
#include "agent/training_board.h"
#include "job/engine.h"
#include "sales/v1/forecast.h"

#define TRAINING_JOB "model.train"

enum {
    TRAINING_LEASE_MS = 45000, /* renewed while it works; a dead server's is taken over then */
    TRAINING_AGAIN_MS = 5000,  /* when to ask again while another training runs */
};

/*
 * Puts the job, once per request id. model_id is that of the model it will make.
 *
 * UNIMPLEMENTED, MODEL_KIND: not a kind that is learned here. CONFLICT, TRAINING_RUNNING: another
 * training of this kind runs; come back after TRAINING_AGAIN_MS. Otherwise as mutate().
 */
MUST_CHECK enum status training_begin(struct call *c, struct agents *a, const TrainModelRequest *in,
                                      char model_id[UUID_TEXT_BYTES + 1]);

struct training_view {
    struct training_step step; /* phase UNSPECIFIED: it waits, or runs on another server */
    ModelCard *card;           /* NULL: it is not over */
};

/* How far the training is. INTERNAL, TRAINING_FAILED: it was given up; fault.why says for what
 * reason. */
MUST_CHECK enum status training_look(struct call *c, struct agents *a, ModelKind kind,
                                     const char *model_id, struct training_view *out);

extern const struct job_kind training_kind; /* self: struct agents */

/* Puts a training of the tenant's when one is due (training_check.c); daily, per tenant. */
extern const struct job_kind training_check_kind; /* self: struct agents */

#endif
