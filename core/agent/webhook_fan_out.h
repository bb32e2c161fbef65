/* webhook_fan_out: from events to deliveries, one for each event and webhook that wants it. */
#ifndef AGENT_WEBHOOK_FAN_OUT_H
#define AGENT_WEBHOOK_FAN_OUT_H

#include "agent/context.h"

enum { WEBHOOK_FAN_OUT_EVENTS = 20 }; /* in one unit: 1000 deliveries at most */

/*
 * Stores what is to be delivered and has it sent, in units of the events' tenants. The id of a
 * delivery follows from event and webhook: events that come again change nothing.
 *
 *   events   [n_events <= PAGE_SIZE_MAX], of any tenants, in commit order
 *
 * Cost: one read per tenant, one write per WEBHOOK_FAN_OUT_EVENTS events that somebody wants. As
 * store_run: after a failure give all of them again. Events of a tenant with stored rows that do
 * not open (DATA_LOSS) are passed over and logged: others wait behind them.
 */
MUST_CHECK enum status webhook_fan_out(struct call *c, struct agents *a, const struct event *events,
                                       size_t n_events);

#endif
