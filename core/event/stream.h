/* stream: the Redis streams that the relay writes, one exchange per function. Private to this
 * layer.
 */
#ifndef EVENT_STREAM_H
#define EVENT_STREAM_H

#include "event/relay.h"

struct streams {
    struct redis *redis;
    int n_shards;
    int64_t n_entries;
    uint64_t connection;                        /* the one that was checked; 0: check first */
    struct event_cursor tops[RELAY_SHARDS_MAX]; /* last entry known to be in each stream */
};

struct stream_entry {
    const struct event *event;
    str tenant, envelope;
};

/* Last ids of all streams now, zero for one that is not there; sets s->connection. */
MUST_CHECK enum status streams_look(struct streams *s, struct call *c, struct event_cursor *tops);

/* Field `id` of the entry at this place. NOT_FOUND: there is no such entry (any more). */
MUST_CHECK enum status streams_entry(struct streams *s, struct call *c, int shard,
                                     struct event_cursor at, str *id_out);

/*
 * Appends, each stream all or nothing, and moves s->tops. UNAVAILABLE: some streams may have
 * theirs; repeat. s->connection is 0 when the streams must be looked at first.
 */
MUST_CHECK enum status streams_append(struct streams *s, struct call *c,
                                      const struct stream_entry *entries, size_t n);

/* Drops from one stream what is acknowledged and beyond n_entries. */
MUST_CHECK enum status streams_shorten(struct streams *s, struct call *c, int shard);

static inline int stream_shard(const struct streams *s, int64_t tenant_id)
{
    return (int)(tenant_id % s->n_shards);
}

static inline bool cursor_is_before(struct event_cursor a, struct event_cursor b)
{
    return a.txid < b.txid || (a.txid == b.txid && a.seq < b.seq);
}

#endif
