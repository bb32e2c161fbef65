/*
 * jwks: the keys of one issuer, kept fresh by a thread of its own.
 *
 * All fetching happens on that thread, so there is never more than one for an issuer. A caller with
 * a key that is not known asks for a fetch and waits for it, at most waiters_max callers at a
 * time, within the deadline of their call; everybody else is answered from what is there.
 */
#ifndef INTERCEPT_JWKS_H
#define INTERCEPT_JWKS_H

#include <stdatomic.h>

#include "base/call.h"
#include "intercept/jwk_set.h"
#include "obs/metrics.h"

enum {
    JWKS_WAITERS_MAX = 4,   /* of all issuers, or less: workers are few */
    JWKS_WAIT_MS = 5500,    /* longest wait: that of a fetch, and a little */
    JWKS_TIMEOUT_MS = 5000, /* of one fetch, discovery included */
    JWKS_UNKNOWN_MAX = 64,  /* kids remembered as unknown, per issuer */
};

struct http_client;

/* What the issuers of one server share. */
struct jwks_shared {
    struct http_client *http;
    const struct clock_ops *clock; /* NULL: the system's */
    struct series fetched, failed; /* zeroed: not counted */
    int waiters_max;               /* 1 to JWKS_WAITERS_MAX */
    atomic_int n_waiters;
    atomic_ullong generation; /* counts changes of keys: what was verified by older ones is void */
};

/* Where keys come from: the first that is set. All text is copied. */
struct jwks_source {
    str file;   /* looked at every second */
    str uri;    /* fetched */
    str issuer; /* discovery: ISSUER/.well-known/openid-configuration names a jwks_uri, which must
                   share the origin of the issuer */
};

struct jwks;

/* Starts the thread, which begins with the first fetch. shared is borrowed. NULL: no memory or no
 * thread. */
struct jwks *jwks_open(struct jwks_shared *shared, const struct jwks_source *source);

/* Ends the thread, also in the middle of a fetch. Nobody may use it any more. NULL is allowed. */
void jwks_close(struct jwks *j);

/* Look at the clock again. */
void jwks_wake(struct jwks *j);

/* A key and the set that holds it. */
struct jwks_key {
    struct jwk_set *set;   /* to be unref'd */
    const struct jwk *key; /* NULL: there is no such key */
};

/* The key for a token. May wait, see above. UNAVAILABLE ISSUER_KEYS: there are no keys to say yes
 * or no by. */
MUST_CHECK enum status jwks_find(struct jwks *j, struct call *c, str kid, enum jws_alg alg,
                                 struct jwks_key *out);

#endif
