/*
 * bus: runs consumers of the outbox in this process, each on a thread of its own.
 *
 * A consumer reads committed events of all tenants in commit order by a durable cursor, the same
 * way embedded and with PostgreSQL: it needs no Redis. It gets every event at least once, also
 * after a crash or when another replica takes over, and goes on where it stopped. Replicas share
 * the consumers by lease: one replica runs a consumer at a time, and another takes over within
 * BUS_LEASE_MS. A consumer that fails gets the same events again after a growing pause; nothing is
 * skipped, others are not held up, and events wait in the outbox, not in memory.
 *
 *     struct mailer { struct bus_consumer base; ... };
 *
 *     static enum status on_events(struct bus_consumer *self, struct call *c, struct bus_batch *b)
 *     {
 *         for (; b->n_done < b->n; b->n_done++)
 *             TRY(send(c, &b->events[b->n_done]));              // may be repeated: by event id
 *         return STATUS_OK;
 *     }
 *
 * A thread of the bus also takes events out of the outbox that every consumer has passed and that
 * are older than the window in which a watcher may resume.
 */
#ifndef EVENT_BUS_H
#define EVENT_BUS_H

#include "obs/metrics.h"
#include "store/outbox.h"

struct bus;

enum {
    BUS_CONSUMERS_MAX = 16,
    BUS_BATCH_MAX = 256,     /* events handed over at once; fewer when they are large */
    BUS_LEASE_MS = 6000,     /* until another replica takes over from a dead one */
    BUS_TURN_MS = 3000,      /* deadline of one batch: well inside the lease */
    BUS_POLL_MS_MIN = 10,    /* pause after an empty read, doubled up to ... */
    BUS_POLL_MS_MAX = 250,   /* ... this: what an event waits at most on an idle server */
    BUS_RETRY_MS_MIN = 50,   /* pause after a failure, doubled up to ... */
    BUS_RETRY_MS_MAX = 5000, /* ... this */
    BUS_TRIM_MS = 30000,     /* between two clean-ups */
    BUS_GONE_DAYS = 30,      /* a consumer that nobody ran for so long holds nothing back */
};

struct bus_batch {
    const struct event *events; /* [n], of any tenants, in commit order */
    size_t n;
    size_t n_done; /* out: the first so many need not come again, whatever the status */
};

/* Embedded first by its owner, who keeps it until bus_free. The functions run on one thread. */
struct bus_consumer {
    const char *name; /* static, [a-z_-]: the cursor is found again by it */

    /* Called before each read while this replica holds the consumer; may set place->at back, and
     * change place->note. NULL: nothing to do. */
    enum status (*prepare)(struct bus_consumer *self, struct call *c, struct event_consumer *place);

    /* The call is the system's (tenant 0), ends after BUS_TURN_MS and is cancelled when the bus
     * stops. note: as in prepare, stored with the cursor. */
    enum status (*handle)(struct bus_consumer *self, struct call *c, struct bus_batch *batch,
                          struct event_consumer *place);

    int64_t save_ms; /* the cursor is stored at most this often: what a crash may repeat. 0: after
                        each batch */
};

struct bus_options {
    struct store *store;     /* outlives the bus */
    struct metrics *metrics; /* the same; NULL: none */
    int64_t window_ms;       /* events stay at least so long */
};

MUST_CHECK enum status bus_new(struct call *c, const struct bus_options *o, struct bus **out);

/* Before bus_start; at most BUS_CONSUMERS_MAX. */
void bus_subscribe(struct bus *b, struct bus_consumer *consumer);

/* EXHAUSTED: no thread can be made. */
MUST_CHECK enum status bus_start(struct bus *b, struct call *c);

/* Ends the threads after the batch under way is cancelled, gives the leases back. NULL is allowed.
 */
void bus_free(struct bus *b);

#endif
