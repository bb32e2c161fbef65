/*
 * intercept: what happens around every call, as one table in a fixed order.
 *
 *   trace         traceparent and x-request-id are read and returned
 *   metrics       grpc_server_*, per method, from zero
 *   access log    one line per call
 *   audit         calls that were DENIED, by roles or by a handler, are on the tenant's trail too
 *   deadline      unary calls without one get one, long ones are cut
 *   authenticate  API key, token or certificate -> principal, again each second of a stream; health
 *                 and reflection are public
 *   rate limit    a token bucket per tenant, and a most of its open streams; calls that the next
 * row refuses count too authorise     the method's roles, without any it is nobody's; reps as far
 * as the policy says validate      the rules of the .proto, on each message idempotency   a request
 * id and its digest; a repetition of a running one is refused
 */
#ifndef INTERCEPT_INTERCEPT_H
#define INTERCEPT_INTERCEPT_H

#include "domain/access.h"
#include "intercept/auth.h"
#include "intercept/tenant_rate.h"
#include "obs/metrics.h"
#include "rpc/request.h"

struct intercept;

struct intercept_options {
    struct metrics *metrics;
    struct authenticator *keys;
    struct trust *trust;                   /* issuers and certificates; NULL: API keys only */
    const struct service *const *services; /* [n_services] all that are served, ours and public */
    size_t n_services;
    int64_t deadline_ms, deadline_max_ms; /* of unary calls */
    struct tenant_rate *rates;            /* of calls */
    int64_t tenant_streams;               /* a tenant may hold open, > 0 */
    /* The tenant's policy for reps, for callers that it decides about. May block. */
    enum status (*rep_scope)(void *context, struct call *c, RepScope *out);
    void *rep_scope_context;
    /* Told of every call that somebody made, when it ends. NULL: nobody counts. */
    void (*used)(void *context, const struct call *c, const char *method, bool failed);
    void *used_context;
    bool log_peer_identity; /* names in client certificates are of machines: log them */
    struct {
        void (*fn)(void *context, const struct call *c, enum status s); /* must not block */
        void *context;
    } refused; /* told of calls of a known tenant that were DENIED, and of its API keys that are not
                  good any more; fn NULL: nobody */
};

enum { INTERCEPT_SERVICES_MAX = 16 };

/* The context for rpc_options.context. Everything is borrowed until intercept_free. NULL: no
 * memory.
 */
struct intercept *intercept_new(const struct intercept_options *o);
void intercept_free(struct intercept *i);

/* For rpc_options.shed: calls of a tenant whose rate is used up, and keys that nobody knows from an
 * address that showed too many of them. */
enum status intercept_shed(struct rpc_request *q);

/* For rpc_options.lane. */
uint32_t intercept_lane(const struct rpc_request *q);

/* For rpc_options.interceptors. */
extern const struct rpc_interceptor intercept_rows[];
extern const size_t intercept_n_rows;

/* The cache of credentials, for whoever revokes keys. */
struct auth *intercept_auth(struct intercept *i);

#endif
