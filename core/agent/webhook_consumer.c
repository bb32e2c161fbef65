/* Slices, so that a turn that runs out of time has got somewhere. */
#include "agent/webhook_consumer.h"

#include "agent/webhook_fan_out.h"

enum { SLICE_EVENTS = 32 };

static enum status handle(struct bus_consumer *self, struct call *c, struct bus_batch *b,
                          struct event_consumer *place)
{
    const struct webhook_consumer *w = (const struct webhook_consumer *)self;

    (void)place;
    while (b->n_done < b->n) {
        size_t n = b->n - b->n_done < SLICE_EVENTS ? b->n - b->n_done : SLICE_EVENTS;

        TRY(webhook_fan_out(c, w->agents, b->events + b->n_done, n));
        b->n_done += n;
    }
    return STATUS_OK;
}

void webhook_consumer_init(struct webhook_consumer *w, struct agents *a)
{
    *w = (struct webhook_consumer){.base = {.name = "webhooks", .handle = handle}, .agents = a};
}
