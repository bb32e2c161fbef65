/*
 * relay: a consumer of the bus that appends every event to Redis Streams, for other processes.
 *
 * Stream sales:events:{N} holds the events of the tenants whose number modulo the shards is N, in
 * commit order. The id of an entry is the event's place in commit order (<txid>-<seq>), so Redis
 * itself refuses a second copy: appending is safe to repeat, and an entry is never followed by an
 * earlier one. Fields: id, type, tenant, envelope (event/envelope.h, JSON, thin).
 *
 * What fails, and what then happens:
 *   Redis down, slow, full (OOM), read-only   nothing moves; events wait in the outbox
 *   reply lost, relay killed, two relays      the same entries again, refused by Redis
 *   Redis came back without its last entries  seen at the next connection, before anything is
 *                                             appended: sent again from the outbox, as far back as
 *                                             it reaches (what is older: log stream.truncated)
 *   a stream was deleted while connected      seen at the next append (NOMKSTREAM); the same
 *   the streams are of another database       refused, EVENTS_FOREIGN, until they are deleted
 *
 * Entries are dropped when a stream is longer than asked for and every consumer group has
 * acknowledged them: an unacknowledged entry never is. A group that nobody reads any more must be
 * destroyed, or Redis fills up.
 */
#ifndef EVENT_RELAY_H
#define EVENT_RELAY_H

#include "cache/redis.h"
#include "event/bus.h"

enum { RELAY_SHARDS_MAX = 64 };

struct relay;

struct relay_options {
    struct store *store;
    const char *redis_url;
    const char *redis_url_path; /* see redis_options; NULL: none */
    int n_shards;               /* 1 to RELAY_SHARDS_MAX; all replicas the same */
    int64_t n_entries;          /* a stream is not shortened below it */
};

/* INVALID: the URL. Connects at the first event. */
MUST_CHECK enum status relay_new(struct call *c, const struct relay_options *o, struct relay **out);

/* For bus_subscribe; lives as long as the relay. */
struct bus_consumer *relay_consumer(struct relay *r);

/* The last exchange with Redis went well. Any thread. */
bool relay_is_up(struct relay *r);

/* After bus_free. NULL is allowed. */
void relay_free(struct relay *r);

#endif
