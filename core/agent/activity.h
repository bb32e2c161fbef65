/* activity: what happened with a lead or a deal. Appended, never changed. */
#ifndef AGENT_ACTIVITY_H
#define AGENT_ACTIVITY_H

#include "agent/context.h"
#include "sales/v1/sales_agent.h"

/*
 * Stores an activity with its event and moves the last_activity_time of its lead and deal forward.
 * An external_id that is on record returns what is there, created = false.
 *
 * INVALID: neither lead nor deal, or a time in the future. NOT_FOUND: the lead or deal.
 */
MUST_CHECK enum status activity_log(struct call *c, struct agents *a, const LogActivityRequest *in,
                                    LogActivityResponse *out);

/* The two parts of it, for units that log beside other things. What a request says as it is stored,
 * with time and actor; fails as activity_log. */
MUST_CHECK enum status activity_ready(struct call *c, const Activity *in, Activity **out);

/* Inside of a unit: stores what is ready. *out: it, or the one with its external_id that is on
 * record (created false). NOT_FOUND: the lead or deal. */
MUST_CHECK enum status activity_put(struct tx *tx, Activity *activity, Activity **out,
                                    bool *created_out);

MUST_CHECK enum status activity_list(struct call *c, struct agents *a,
                                     const ListActivitiesRequest *in, ListActivitiesResponse *out);

/* Who the call acts for, as records name it. */
MUST_CHECK enum status actor_of(struct call *c, Actor **out);

#endif
