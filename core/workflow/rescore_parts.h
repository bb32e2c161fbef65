/* rescore_parts: what both halves of rescore.h share. */
#ifndef WORKFLOW_RESCORE_PARTS_H
#define WORKFLOW_RESCORE_PARTS_H

#include "ai/guarded_batch.h"
#include "internal/v1/rescore.h"
#include "store/spend.h"
#include "workflow/rescore.h"

enum { RESCORE_KEY_BYTES = AI_BATCH_KEY_BYTES };

/* A call of its own for one lead, as the job's. Release it. */
void rescore_call(struct call *own, const struct call *c, size_t bytes);

/* The failure of `own` becomes that of c. */
enum status rescore_failed(struct call *c, const struct call *own, enum status s);

/* What the service calls a lead: a digest, 64 hex digits. */
void rescore_key(int64_t tenant_id, struct uuid lead_id, char out[RESCORE_KEY_BYTES + 1]);

/* Of the job that takes a batch in: a tenant has one at a time, whatever day it is. */
#define RESCORE_KEY "batch"

/* Puts that job, or another one in its place. */
MUST_CHECK enum status rescore_put(struct tx *tx, const RescoreBatch *b, int64_t due_us);

#endif
