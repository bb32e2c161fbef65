/* events: the bus of this process with its consumers, as configured. */
#ifndef SERVER_EVENTS_H
#define SERVER_EVENTS_H

#include "agent/webhook_consumer.h"
#include "obs/metrics.h"
#include "server/config.h"
#include "store/store.h"

struct relay;

struct events {
    struct bus *bus;
    struct webhook_consumer webhooks;
    struct relay *relay; /* NULL: no Redis */
    struct series redis_up;
};

/* Starts the consumers. INVALID: the Redis URL. What it opened must be closed, also when it fails.
 */
MUST_CHECK enum status events_open(struct call *c, struct events *e, const struct config *config,
                                   struct agents *agents, struct metrics *metrics);

/* Ends them; places are stored. Before the store and the metrics close. Zeroed is fine. */
void events_close(struct events *e);

#endif
