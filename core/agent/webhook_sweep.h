/* webhook_sweep: forgets deliveries: old ones, and those of a webhook that was deleted. */
#ifndef AGENT_WEBHOOK_SWEEP_H
#define AGENT_WEBHOOK_SWEEP_H

#include "agent/context.h"
#include "job/engine.h"

enum {
    WEBHOOK_KEEP_DAYS = 30,  /* the log of a month; attempts end after four days */
    WEBHOOK_SWEEP_MAX = 200, /* deliveries in one unit */
};

/* Runs a job of kind WEBHOOK_JOB_SWEEP under a call of its tenant, and ends it: daily while there
 * is the webhook. As store_run. */
MUST_CHECK enum status webhook_sweep_run(struct call *c, struct agents *a, struct job *job);

/* For the engine; self is the agents. */
extern const struct job_kind webhook_sweep_kind;

#endif
