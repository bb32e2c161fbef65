/*
 * webhook_lane: works off one queue of deliveries to one address.
 *
 * Each attempt is one POST, signed at its time; what came of it is stored in a unit that holds the
 * job's fence, so a delivery may be sent twice (we died in between) but never lost. What answers
 * mean and when it is tried again: domain/webhook_policy.h.
 */
#ifndef AGENT_WEBHOOK_LANE_H
#define AGENT_WEBHOOK_LANE_H

#include "agent/context.h"
#include "job/engine.h"

enum {
    WEBHOOK_RUN_MS = 10000,    /* no new attempt after: other addresses want the thread */
    WEBHOOK_RUN_ATTEMPTS = 32, /* ... and at most so many */
    WEBHOOK_LEASE_MS = 30000,  /* of the job, from each attempt on */
    WEBHOOK_SHED_MS = 1000,    /* without a place (agent/webhook_share.h): again after this */
};

/* Runs a job of kind WEBHOOK_JOB_LANE, leased for at least WEBHOOK_LEASE_MS, under a call of its
 * tenant, and ends it. As store_run; CONFLICT JOB_FENCE: another has it now. */
MUST_CHECK enum status webhook_lane_run(struct call *c, struct agents *a, struct job *job);

/* For the engine; self is the agents. */
extern const struct job_kind webhook_lane_kind;

#endif
