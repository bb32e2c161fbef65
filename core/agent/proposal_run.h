/*
 * proposal_run: what happens to proposals later, as jobs: an approved one runs, one that nobody
 * decided expires, a follow-up goes into the calendar outside.
 *
 * The run acts for whoever approved, with the roles and teams that they approved with, by the
 * policy and the reach of now; it asks every gate again. The effect, the state EXECUTED and the end
 * of the job are one transaction: the effect happens once, whatever dies. What is refused becomes
 * FAILED with the reason, and is not tried again; what is only in the way (store, deadline) is
 * tried again until the attempts are used up. Nothing runs after the proposal's expire_time.
 */
#ifndef AGENT_PROPOSAL_RUN_H
#define AGENT_PROPOSAL_RUN_H

#include "agent/context.h"
#include "job/engine.h"
#include "sales/v1/proposal.h"

#define PROPOSAL_JOB_RUN      "proposal.run"      /* key: id of the proposal */
#define PROPOSAL_JOB_EXPIRE   "proposal.expire"   /* the same */
#define PROPOSAL_JOB_CALENDAR "proposal.calendar" /* the same */

/* For the engine; self is the agents. */
extern const struct job_kind proposal_run_kind;
extern const struct job_kind proposal_expire_kind;
extern const struct job_kind proposal_calendar_kind;

/* In the unit that approves: puts the job, for the principal of the call. */
MUST_CHECK enum status proposal_run_later(struct tx *tx, const Proposal *p);

/* In the unit that proposes. */
MUST_CHECK enum status proposal_expire_later(struct tx *tx, const Proposal *p);

#endif
