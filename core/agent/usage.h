/*
 * usage: how much a tenant uses. Calls are counted in memory, USAGE_SLOTS rows at most, and added
 * to the store every USAGE_FLUSH_MS by a thread of its own: a server that is killed loses what came
 * since. Thread-safe.
 */
#ifndef AGENT_USAGE_H
#define AGENT_USAGE_H

#include "agent/context.h"
#include "sales/v1/admin.h"

enum {
    USAGE_SLOTS = 8192,    /* rows between two flushes; calls of more rows are counted for nobody */
    USAGE_FLUSH_MS = 5000, /* what a kill -9 may lose */
};

struct usage;

/* Starts the thread. EXHAUSTED: no memory or no thread. */
MUST_CHECK enum status usage_open(struct call *c, struct store *s, struct usage **out);

/* Adds what is left, ends the thread and frees. NULL is allowed. */
void usage_close(struct usage *u);

/* One call of the principal. method: static. Costs a lock and a look-up; never blocks on the store.
 */
void usage_count(struct usage *u, const struct call *c, const char *method, bool failed);

/* Sums over the time by the group asked for; days count as a whole. This server's calls are in it
 * up to now, others' up to their last flush. INVALID: the time ends before it starts. */
MUST_CHECK enum status usage_get(struct call *c, struct agents *a, const GetUsageRequest *in,
                                 GetUsageResponse *out);

#endif
