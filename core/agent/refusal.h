/*
 * refusal: refused calls on their way to the audit trail. Nothing was changed, so there is no
 * transaction to write in: a thread does it, in batches, a second later. A call never waits for it.
 *
 * What is alike within a second (who, what, with which outcome) becomes one entry with a count, so
 * that knocking at a closed door does not fill the trail. What does not fit or cannot be written is
 * counted in sales_audit_refusals_lost_total, and a later entry of the tenant says how many
 * ("refusals.lost").
 */
#ifndef AGENT_REFUSAL_H
#define AGENT_REFUSAL_H

#include "base/call.h"
#include "obs/metrics.h"

struct store;
struct refusals;

enum {
    REFUSALS_MAX = 512,        /* different ones that wait; ~1 kB each */
    REFUSAL_LOST_TENANTS = 64, /* tenants whose losses are counted one by one */
    REFUSAL_BATCH_MS = 1000,
};

/* store outlives it. NULL: no memory, or no thread. */
struct refusals *refusals_new(struct store *s, struct metrics *m);

/* Writes what waits, at most for some seconds, and frees. NULL is allowed. */
void refusals_free(struct refusals *r);

/* Notes that the call ended with `s`, by its principal, method, peer, request id, rule and reason.
 * Without a tenant: nothing happens. Thread-safe, never blocks on I/O. */
void refusals_note(struct refusals *r, const struct call *c, enum status s);

#endif
