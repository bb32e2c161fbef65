/*
 * tenant_rate: how many calls a tenant may make. A token bucket per tenant and class of calls.
 *
 * With Redis the buckets are those of all servers together: a server leases tokens for the next
 * RATE_LEASE_MS at once, so a busy tenant costs a round trip per lease and not per call. Without
 * it, or while it does not answer, each server counts for itself: a tenant may then have the rate
 * once per server, which errs on the side of serving.
 *
 * Local buckets need no lock. Tenants beyond TENANT_RATE_SLOTS share them, which is unfair to them
 * but bounded.
 */
#ifndef INTERCEPT_TENANT_RATE_H
#define INTERCEPT_TENANT_RATE_H

#include "base/call.h"
#include "schema/method.h"

enum {
    TENANT_RATE_SLOTS = 1 << 14,
    TENANT_RATE_PROBES = 16,
    RATE_LEASE_MS = 20,
    RATE_REDIS_MS = 25, /* a lease that takes longer is as good as none */
};

/* A class has this share of the tenant's rate and burst, beside the others. */
#define RATE_CLASS_LIST(X)                                                                         \
    /* class   text      percent */                                                                \
    X(READ, "read", 100)                                                                           \
    X(WRITE, "write", 50)                                                                          \
    X(STREAM, "stream", 5) /* opened; what flows in one is bounded by backpressure */

enum rate_class {
#define X(class, text, percent) RATE_##class,
    RATE_CLASS_LIST(X)
#undef X
        RATE_CLASSES
};

/* Of a call by its method's row. */
enum rate_class rate_class_of(const struct method *m);
const char *rate_class_text(enum rate_class class);

struct tenant_rate;

struct tenant_rate_options {
    int64_t calls_per_second, burst; /* > 0; of tenants whose policy says nothing */
    const char *redis_url;           /* "" or NULL: none; as in cache/redis.h */
    const char *redis_url_path;      /* of the file it is from; NULL: none */
};

/* NULL: no memory, or the URL is none; the fault in c says which. */
struct tenant_rate *tenant_rate_new(struct call *c, const struct tenant_rate_options *o);
void tenant_rate_free(struct tenant_rate *t);

struct rate_ask {
    int64_t tenant_id;        /* > 0 */
    int64_t calls_per_second; /* of the tenant's policy; 0: as the options say */
    enum rate_class class;
};

struct rate_answer {
    int64_t wait_ns;          /* until there is a token; 0: one was taken */
    int64_t calls_per_second; /* the limit that was applied */
};

/* Takes a token. May block for RATE_REDIS_MS. Records nothing in c. Thread-safe. */
struct rate_answer tenant_rate_take(struct tenant_rate *t, struct call *c,
                                    const struct rate_ask *ask);

/* What the last refusal of the class found, while it still holds; wait_ns 0: ask. Never blocks. */
struct rate_answer tenant_rate_closed(struct tenant_rate *t, int64_t tenant_id,
                                      enum rate_class class, int64_t now_ns);

#endif
