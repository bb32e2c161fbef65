/*
 * feed: tells the watchers in this process that a tenant has new events in the outbox.
 *
 * It carries no events: a watcher that is told reads the outbox from its own cursor, so nothing is
 * lost or doubled when it is told too often, and a watcher of another replica only waits for its
 * own poll. Thread-safe.
 */
#ifndef AGENT_FEED_H
#define AGENT_FEED_H

#include <stdint.h>

#include "base/attr.h"

struct feed;

/* A watcher, embedded by its owner; unlinked before the owner goes away. */
struct feed_watcher {
    void (*wake)(struct feed_watcher *w); /* any thread, must not block or call the feed */
    int64_t tenant_id;
    struct feed_watcher *next, *prev;
};

MUST_CHECK struct feed *feed_new(void); /* NULL: out of memory */
void feed_free(struct feed *f);

void feed_join(struct feed *f, struct feed_watcher *w);

/* No wake runs after it returns. */
void feed_leave(struct feed *f, struct feed_watcher *w);

/* Something of the tenant was committed. Cost: the watchers in the tenant's bucket. */
void feed_tell(struct feed *f, int64_t tenant_id);

#endif
