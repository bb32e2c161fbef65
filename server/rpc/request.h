/*
 * request: one call as the interceptors see it, from its arrival to its end.
 *
 * Interceptors are rows of one const table (rpc_options.interceptors). Around every call, unary or
 * stream, known to the schema and admitted:
 *
 *   before    first row first, before any byte of the request is parsed. Not STATUS_OK: the call
 *             ends with the fault in q->call, the handler is never entered.
 *   message   first row first, for each decoded request message, before the handler sees it. Not
 *             STATUS_OK: as above (a stream ends).
 *   again     streams, first row first, before each message, each time the handler may write, and
 *             every few seconds while neither happens: what held at `before` may hold no more. Not
 * STATUS_OK: the stream ends. Must not block on the loop (METHOD_ON_LOOP); on a worker it may, as
 * `before`. after     last row first, once, for the rows whose `before` succeeded. Unary: when the
 * outcome is known and the reply is packed, just before it is sent, so trailers may still be set.
 * Streams: when everything is sent or lost; trailers come too late then.
 *
 * The hooks of one call never overlap. Unary METHOD_ON_WORKER: all hooks run on the worker that
 * runs the handler. METHOD_ON_LOOP and streams: on the loop or on some worker; `before` runs on a
 * worker when any row says may_block.
 *
 * Calls that are refused before any interceptor (unknown method, too many calls) are only counted:
 * see rpc_server_stats.
 */
#ifndef RPC_REQUEST_H
#define RPC_REQUEST_H

#include "schema/method.h"

struct rpc_request {
    const struct method *method;
    const struct service *service;
    struct call *call; /* arena, deadline, fault; `before` fills principal and trace */
    void *context;     /* rpc_options.context */
    void **state; /* this row's own slot, NULL at `before`; the memory comes from call->arena */

    /* Times are of call->clock, monotonic; 0: has not happened. */
    int64_t started_ns;  /* the call arrived */
    int64_t handling_ns; /* a worker took it up (loop methods: same as started_ns) */
    int64_t last_in_ns, last_out_ns;

    uint64_t n_in, n_out;         /* messages received, queued for sending */
    uint64_t bytes_in, bytes_out; /* packed, without framing */
};

struct rpc_interceptor {
    const char *name;
    enum status (*before)(struct rpc_request *q);                             /* or NULL */
    enum status (*message)(struct rpc_request *q, const ProtobufCMessage *m); /* or NULL */
    void (*after)(struct rpc_request *q, enum status s);                      /* or NULL */
    bool may_block;                              /* `before` may wait for storage or the network */
    enum status (*again)(struct rpc_request *q); /* or NULL */
};

/* Request metadata by lower-case key; the first value, {0} when absent. Values of "-bin" keys are
 * raw bytes. Borrowed until the call ends. */
str rpc_request_header(const struct rpc_request *q, const char *key);

/* The i-th entry of the request metadata. False past the end. */
bool rpc_request_header_at(const struct rpc_request *q, size_t i, str *key_out, str *value_out);

/*
 * Adds response metadata. Headers leave with the first message or the status, trailers with the
 * status. Copies both. False, and nothing is added: the key or value is not legal in HTTP/2, it is
 * reserved for gRPC ("grpc-..."), RPC_METADATA_OUT_MAX entries exist, or it is too late.
 */
bool rpc_request_set_header(struct rpc_request *q, str key, str value);
bool rpc_request_set_trailer(struct rpc_request *q, str key, str value);

/* Who the client's certificate says it is, as its issuer vouches for it. All text is the client's:
 * fit to be compared, not to be printed as it is. */
struct rpc_identity {
    str common_name;  /* of the subject; empty: none */
    str spiffe_id;    /* its one URI name, when that is a SPIFFE id; empty: none */
    const str *names; /* [n_names] alternative names as text: DNS, URI, mail, address */
    size_t n_names;   /* the first 64 */
};

/* False: plaintext, clients are not asked for certificates, or no memory for the copy, which is in
 * the call's arena and ends with a zero byte. A new copy each time: ask once. */
bool rpc_request_peer_identity(struct rpc_request *q, struct rpc_identity *out);

/* The request behind a call or stream that this server handles: from here a handler reaches request
 * metadata and response headers. */
struct rpc_request *rpc_request_of(struct call *c);

enum { RPC_METADATA_OUT_MAX = 16 }; /* ours are about five: trace, rate limits, warnings */

#endif
