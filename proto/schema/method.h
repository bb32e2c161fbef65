/*
 * method: what the code generator knows about an RPC, as rows of const tables.
 *
 * One row per method, one table per service, made from the .proto files: path, streaming shape,
 * message types, validation rules, roles, REST mapping, and the typed entry into the handler.
 * Runtime, interceptors, client, reflection and docs all read these rows; nothing is said twice.
 */
#ifndef SCHEMA_METHOD_H
#define SCHEMA_METHOD_H

#include <protobuf-c/protobuf-c.h>

#include "base/call.h"
#include "schema/rules.h"
#include "schema/stream.h"

enum method_shape { METHOD_UNARY, METHOD_CLIENT_STREAM, METHOD_SERVER_STREAM, METHOD_BIDI };

enum method_execution {
    METHOD_ON_WORKER, /* may block: runs on the bounded worker pool */
    METHOD_ON_LOOP,   /* promises not to block: runs on the loop that owns the call */
};

struct http_rule {
    const char *verb; /* "GET", "POST", ... */
    const char *path; /* "/v1/leads/{id}/qualify" */
    const char *body; /* "*", a field name, or "" */
};

struct method {
    const char *name; /* "CreateLead" */
    const char *path; /* "/sales.v1.SalesAgent/CreateLead" */
    enum method_shape shape;
    enum method_execution execution;
    const ProtobufCMessageDescriptor *input, *output;
    const struct message_rules *rules; /* of the input; NULL: anything goes */
    uint32_t roles;               /* enum role_bit: who may call; 0: nobody (services of ours) */
    bool mutating;                /* request_id makes it idempotent */
    const struct http_rule *http; /* [n_http] */
    size_t n_http;

    /* Typed entries, generated. `handlers` is the service's struct of handlers. Exactly one of
     * `unary` and `message` is set, by shape. An empty slot answers STATUS_UNIMPLEMENTED. */
    size_t handler; /* where the handler stands in that struct, bytes */
    enum status (*unary)(struct call *c, const void *handlers, void *self,
                         const ProtobufCMessage *in, ProtobufCMessage *out);
    enum status (*message)(struct call *c, const void *handlers, void *self, struct rpc_stream *s,
                           const ProtobufCMessage *in);
    /* The untyped events of a streaming method; never NULL when `message` is set. */
    const struct stream_hooks *(*hooks)(const void *handlers);
};

struct service {
    const char *name; /* "sales.v1.SalesAgent" */
    const struct method *methods;
    size_t n_methods; /* in the order of the .proto */
};

/* The row of a full path ("/sales.v1.SalesAgent/GetLead") or NULL. */
const struct method *service_find(const struct service *s, const char *path);

/* Whether there is a handler for the method. `handlers`: as above. */
bool method_is_served(const struct method *m, const void *handlers);

#endif
