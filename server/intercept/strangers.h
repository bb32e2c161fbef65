/*
 * strangers: how often addresses may show API keys that are nobody's. Each costs a read of the
 * store; an address that showed STRANGER_BURST of them is asked to wait, and what is not yet known
 * to be a tenant's key is refused unread until its bucket has a token again. Keys that are known
 * are never refused here, so what else comes from behind the same proxy is served.
 *
 * Memory is constant: addresses share STRANGER_SLOTS buckets by a keyed digest; two that meet share
 * one. Thread-safe without a lock.
 */
#ifndef INTERCEPT_STRANGERS_H
#define INTERCEPT_STRANGERS_H

#include "base/call.h"

enum {
    STRANGER_SLOTS = 1024,     /* a power of two */
    STRANGER_FAILURES_S = 100, /* per second and address, in the long run */
    STRANGER_BURST = 500,      /* at first */
};

struct strangers;

/* Seeded by the system's random source. NULL: no memory. */
struct strangers *strangers_new(void);
void strangers_free(struct strangers *s);

/* The address (host of a transport address, see lane_host) showed a key that is nobody's. */
void strangers_note(struct strangers *s, str host, int64_t now_ns);

/* Nanoseconds until the address may be heard again; 0: now. */
int64_t strangers_wait_ns(struct strangers *s, str host, int64_t now_ns);

#endif
