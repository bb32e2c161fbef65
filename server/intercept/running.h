/*
 * running: the requests with an id that this process works on now, so that a repetition that comes
 * too early is told at once, and waits for no worker, connection or row lock.
 *
 * Entries belong to their calls, so there are never more than calls. Thread-safe.
 */
#ifndef INTERCEPT_RUNNING_H
#define INTERCEPT_RUNNING_H

#include "base/uuid.h"

struct running;

/* A request; in memory of its call. */
struct running_entry {
    int64_t tenant_id;
    const void *method; /* its row */
    struct uuid request_id;
    struct running_entry *next; /* the table's */
};

struct running *running_new(void); /* NULL: no memory */
void running_free(struct running *r);

/* False: the same request (tenant, method, id) is in the table already, and *e is not. */
bool running_enter(struct running *r, struct running_entry *e);

/* Takes out an entry that running_enter took in. */
void running_leave(struct running *r, struct running_entry *e);

#endif
