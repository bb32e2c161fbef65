/*
 * outbox: reading events to the end and cleaning up behind the readers, beside tx_event and
 * tx_event_list of store/store.h.
 *
 * A consumer is a reader with a name and a durable cursor. All replicas run the same consumers; a
 * lease says which replica reads now, and a fence that grows with each holder keeps one that lost
 * its lease from moving the cursor. An event may therefore be handled twice, by the old holder and
 * the new one: consumers know events by their id or their place.
 *
 * All of it but tx_event_check and tx_event_erase runs in store_run_system.
 */
#ifndef STORE_OUTBOX_H
#define STORE_OUTBOX_H

#include "store/store.h"

enum {
    CONSUMER_NAME_BYTES = 64,
    CONSUMER_NOTE_BYTES = 2048, /* what a consumer keeps beside its cursor */
    EVENT_TRIM_MAX = 500,       /* events taken out in one unit: a short one */
    EVENT_BACKLOG_MAX = 100000, /* counted up to here */
};

struct event_consumer {
    const char *name;       /* [a-z_.-], at most CONSUMER_NAME_BYTES; static. With a '.' in front it
                               is a lease only: its cursor holds no event back */
    struct event_cursor at; /* everything up to here is done */
    str note;               /* at most CONSUMER_NOTE_BYTES; read into c->arena */
    int64_t fence;          /* 0: somebody else holds it */
};

/*
 * Takes the consumer for lease_us, or goes on holding it.
 *
 *   consumer   in: name, and the fence held so far or 0. out: the rest, as stored; a new consumer
 *              starts at the first event of all
 *
 * OK with fence 0: another replica holds it and its lease runs.
 */
MUST_CHECK enum status tx_consumer_claim(struct tx *tx, int64_t lease_us,
                                         struct event_consumer *consumer);

/* Stores at and note, and extends the lease. CONFLICT, CONSUMER_LOST: another replica took over. */
MUST_CHECK enum status tx_consumer_move(struct tx *tx, int64_t lease_us,
                                        const struct event_consumer *consumer);

/* Lets others take it at once. Nothing happens when it was lost. */
MUST_CHECK enum status tx_consumer_release(struct tx *tx, const struct event_consumer *consumer);

struct event_backlog {
    int64_t n;         /* events behind the cursor, at most EVENT_BACKLOG_MAX are counted */
    int64_t oldest_us; /* create time of the first of them; 0: there is none */
};
MUST_CHECK enum status tx_event_backlog(struct tx *tx, struct event_cursor after,
                                        struct event_backlog *out);

/* The id of the event at this place. NOT_FOUND. */
MUST_CHECK enum status tx_event_id(struct tx *tx, struct event_cursor at, struct uuid *out);

/*
 * Takes the oldest events out: those made before before_us that every consumer has passed which
 * moved or was held since idle_us. A consumer not seen since then is gone and holds nothing back.
 *
 *   n_out   events taken out, at most EVENT_TRIM_MAX: call again while it is that many
 */
MUST_CHECK enum status tx_event_trim(struct tx *tx, int64_t before_us, int64_t idle_us,
                                     size_t *n_out);

/* OK when no event of the tenant (system units: of all) behind `after` was taken out; OUT_OF_RANGE,
 * EVENTS_TRIMMED. */
MUST_CHECK enum status tx_event_check(struct tx *tx, struct event_cursor after);

/* Empties the data of all events so far about this record of the tenant: for the erasure of a
 * person. The events stay, as EVENT_ERASED. Cost: the record's events. */
MUST_CHECK enum status tx_event_erase(struct tx *tx, enum record_kind kind, str subject_id);

#endif
