/* link: one TCP or TLS connection whose every step ends by a given time. */
#ifndef CACHE_LINK_H
#define CACHE_LINK_H

#include "base/call.h"
#include "cache/target.h"

struct link;

/* What TLS needs beside the target; NULL for plain TCP. */
struct link_tls;

/* UNAVAILABLE: the system's authorities cannot be read. *out is NULL for a target without TLS. */
MUST_CHECK enum status link_tls_new(struct call *c, const struct target *t, struct link_tls **out);
void link_tls_free(struct link_tls *tls);

/*
 * Connects.
 *
 *   until_ns   by the call's monotonic clock; no wait goes beyond it
 *
 * All three: UNAVAILABLE with REDIS_DOWN (open), REDIS_LOST or REDIS_SLOW; CANCELLED, DEADLINE.
 */
MUST_CHECK enum status link_open(struct call *c, const struct target *t, struct link_tls *tls,
                                 int64_t until_ns, struct link **out);
MUST_CHECK enum status link_write(struct call *c, struct link *l, int64_t until_ns, str bytes);

/* At least one byte, at most *n, which then counts them. */
MUST_CHECK enum status link_read(struct call *c, struct link *l, int64_t until_ns, void *room,
                                 size_t *n);

/* The other side has closed, or sent what nobody asked for. */
bool link_is_stale(struct link *l);

void link_close(struct link *l); /* NULL is allowed */

#endif
