/* runner: one consumer's turn after turn; what a thread of the bus does. Private to this layer. */
#ifndef EVENT_RUNNER_H
#define EVENT_RUNNER_H

#include <stdatomic.h>

#include "event/bus.h"

struct runner {
    struct store *store;
    struct bus_consumer *consumer;
    const atomic_bool *stopping;
    struct series lag, backlog, handled;
    bool has_metrics;

    struct event_consumer place; /* fence 0: another replica has it */
    char note[CONSUMER_NOTE_BYTES];
    bool is_dirty; /* place is ahead of the store */
    int64_t saved_ns, renewed_ns, counted_ns;
    size_t limit;    /* events to read at once */
    int n_failures;  /* in a row */
    int64_t wait_ms; /* before the next turn */
};

void runner_init(struct runner *r, const struct bus_options *o, struct bus_consumer *consumer,
                 const atomic_bool *stopping);

/* One turn: hold the lease, read, hand over, store the place. r->wait_ms says when the next is due.
 */
void runner_turn(struct runner *r);

/* Stores the place and gives the lease back. */
void runner_end(struct runner *r);

/* A call of the bus: system, with a deadline, cancelled by `stopping` unless that is NULL. */
void runner_call(struct call *c, const atomic_bool *stopping);

#endif
