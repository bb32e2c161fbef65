/* webhook_consumer: the reader of the outbox that fans events out to webhooks. */
#ifndef AGENT_WEBHOOK_CONSUMER_H
#define AGENT_WEBHOOK_CONSUMER_H

#include "agent/context.h"
#include "event/bus.h"

struct webhook_consumer {
    struct bus_consumer base;
    struct agents *agents; /* borrowed */
};

void webhook_consumer_init(struct webhook_consumer *w, struct agents *a);

#endif
