/*
 * lane: whose work a call is, known before its credential is checked: workers take turns between
 * tenants, so that a flood of one holds up nobody else (rpc/worker.h).
 *
 * A credential that was good once is remembered by the end of its header, which is the random part
 * of a key or the signature of a token, as 32 bits of a keyed digest; its calls go to the lane of
 * its tenant. All others share the lane of their peer's address: made-up credentials do not get
 * lanes of their own. Without locks: an entry is one word, the newest wins.
 */
#ifndef INTERCEPT_LANE_H
#define INTERCEPT_LANE_H

#include "base/call.h"

enum { LANES_KNOWN = 4096 }; /* credentials remembered; a power of two */

struct lanes;

/* Seeded by the system's random source. NULL: no memory. */
struct lanes *lanes_new(void);
void lanes_free(struct lanes *l);

/* The credential belongs to the tenant. header: the value of `authorization`. */
void lanes_learn(struct lanes *l, str header, int64_t tenant_id);

/* The tenant that a credential belonged to when it was last good; 0: not remembered. A hint: 32
 * bits of a digest stand for the credential, so nothing may be allowed by it. */
int64_t lanes_tenant(const struct lanes *l, str header);

/* The lane of a call with this header (may be empty) from this transport address. */
uint32_t lanes_find(const struct lanes *l, str header, str peer);

/* The host of a transport address: 1.2.3.4:567 and [::1]:567 without the port; the path of a unix
 * socket is kept. */
str lane_host(str peer);

/* A keyed digest, good enough where a collision only makes two share something. */
uint64_t lane_digest(uint64_t seed, str s);

#endif
