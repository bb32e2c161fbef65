/*
 * webhook_queue: the jobs behind webhooks, for units that give them work. Private to webhooks.
 *
 * A webhook has WEBHOOK_LANES queues of deliveries and one job for each: a lane is worked off by
 * one job thread of one replica at a time, so a slow address holds up that many and no more, and
 * events about one record, which share a lane, are first tried in their order.
 */
#ifndef AGENT_WEBHOOK_QUEUE_H
#define AGENT_WEBHOOK_QUEUE_H

#include "store/job.h"

#define WEBHOOK_JOB_LANE  "webhook.lane"  /* key: WEBHOOK_ID/LANE */
#define WEBHOOK_JOB_SWEEP "webhook.sweep" /* key: WEBHOOK_ID; forgets old deliveries */

enum { WEBHOOK_LANES = 2 };

/* The lane of events about a record: 1 to WEBHOOK_LANES. */
uint32_t webhook_lane_of(struct uuid subject);

/* Has a lane looked at no later than due_us (0: now); lane 0: all of them. */
MUST_CHECK enum status webhook_wake(struct tx *tx, const char *webhook_id, uint32_t lane,
                                    int64_t due_us);

/* Has old deliveries, or all of a deleted webhook, forgotten at due_us (0: now). */
MUST_CHECK enum status webhook_sweep_later(struct tx *tx, const char *webhook_id, int64_t due_us);

/* The parts of a lane's key. False: it is no such key. */
MUST_CHECK bool webhook_lane_key(struct arena *a, str key, const char **webhook_id_out,
                                 uint32_t *lane_out);

#endif
