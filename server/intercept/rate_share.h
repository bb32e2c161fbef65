/* rate_share: token buckets in Redis, for all servers together. */
#ifndef INTERCEPT_RATE_SHARE_H
#define INTERCEPT_RATE_SHARE_H

#include "base/call.h"
#include "base/secret.h"

struct rate_share;

/* INVALID: the URL is none. */
MUST_CHECK enum status rate_share_open(struct call *c, const struct secret_source *url,
                                       int timeout_ms, struct rate_share **out);
void rate_share_close(struct rate_share *s); /* NULL is fine */

struct rate_lease {
    int64_t tenant_id;
    const char *class;
    int64_t calls_per_second, burst, want; /* > 0 */
    int64_t granted;                       /* out: tokens taken, at most want */
    int64_t wait_us;                       /* out: none granted: until there is one */
};

/* False: Redis did not answer in time; the call's fault is as it was. */
bool rate_share_lease(struct rate_share *s, struct call *c, struct rate_lease *l);

#endif
