/* One line per consumer of events; each has its file in core. */
#include "server/events.h"

#include "event/bus.h"
#include "event/relay.h"

static void collect(void *self)
{
    struct events *e = self;

    series_set(e->redis_up, relay_is_up(e->relay));
}

static enum status open_relay(struct call *c, struct events *e, const struct config *config,
                              struct store *store, struct metrics *metrics)
{
    if (!config->redis.text[0])
        return STATUS_OK;
    TRY(relay_new(c,
                  &(struct relay_options){.store = store,
                                          .redis_url = config->redis.text,
                                          .redis_url_path = config->redis.path,
                                          .n_shards = (int)config->event_shards,
                                          .n_entries = config->event_stream_entries},
                  &e->relay));
    e->redis_up = metrics_series(metrics, METRIC_REDIS_UP, NULL);
    metrics_collect(metrics, collect, e);
    bus_subscribe(e->bus, relay_consumer(e->relay));
    return STATUS_OK;
}

enum status events_open(struct call *c, struct events *e, const struct config *config,
                        struct agents *agents, struct metrics *metrics)
{
    TRY(bus_new(c,
                &(struct bus_options){
                    .store = agents->store, .metrics = metrics, .window_ms = config->event_window},
                &e->bus));
    TRY(open_relay(c, e, config, agents->store, metrics));
    webhook_consumer_init(&e->webhooks, agents);
    bus_subscribe(e->bus, &e->webhooks.base);
    return bus_start(e->bus, c);
}

void events_close(struct events *e)
{
    bus_free(e->bus);
    relay_free(e->relay);
    *e = (struct events){.bus = NULL};
}
