/*
 * tenant_rate: a token bucket per tenant, without locks. Tenants beyond TENANT_RATE_SLOTS share
 * buckets, which is unfair to them but bounded.
 */
#ifndef INTERCEPT_TENANT_RATE_H
#define INTERCEPT_TENANT_RATE_H

#include "obs/bucket.h"

enum { TENANT_RATE_SLOTS = 1 << 14, TENANT_RATE_PROBES = 16 };

struct tenant_rate;

/* NULL: no memory. */
struct tenant_rate *tenant_rate_new(struct bucket_rate rate);
void tenant_rate_free(struct tenant_rate *t);

/* Takes a token of the tenant (id > 0): 0, or the nanoseconds until there is one. */
int64_t tenant_rate_take(struct tenant_rate *t, int64_t tenant_id, int64_t now_ns);

#endif
