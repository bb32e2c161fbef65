/*
 * enrichment_refresh: the job that asks the provider outside about one mailbox or company, and
 * stores what it says (agent/enrichment.h has the times).
 *
 * The policy of now is asked again; where it does not allow it any more, the record goes. So does
 * nothing to a record that was erased meanwhile: the answer is thrown away.
 *
 *     OK, NOT_FOUND       stored, the job is done
 *     PENDING, LIMITED    the job runs again when the provider says, spread over a minute; a day
 *                         after the first question it gives up
 *     DENIED              given up for a day
 *     FAILED              again, with growing pauses, ENRICHMENT_ATTEMPTS times; then given up for
 * a day. Never parked: there is nothing for people to do
 */
#ifndef AGENT_ENRICHMENT_REFRESH_H
#define AGENT_ENRICHMENT_REFRESH_H

#include "agent/enrichment.h"
#include "job/engine.h"

enum { ENRICHMENT_ATTEMPTS = 5 };

/* For the engine; self is the agents. */
extern const struct job_kind enrichment_refresh_kind;

#endif
