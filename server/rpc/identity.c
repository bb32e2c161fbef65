/* Who the client's certificate says it is: the core's properties of the connection, copied. */
#include <grpc/grpc_security.h>
#include <grpc/grpc_security_constants.h>

#include "rpc/internal.h"

enum { NAMES_MAX = 64 }; /* alternative names that are looked at; real ones have a handful */

/* The first value; empty: none, or no memory. */
static str first(struct arena *a, const grpc_auth_context *context, const char *property)
{
    grpc_auth_property_iterator i = grpc_auth_context_find_properties_by_name(context, property);
    const grpc_auth_property *p = grpc_auth_property_iterator_next(&i);
    char *copy = p ? arena_cstr(a, (str){p->value, p->value_length}) : NULL;

    return copy ? (str){copy, p->value_length} : (str){0};
}

static bool copy_names(struct arena *a, const grpc_auth_context *context, struct rpc_identity *out)
{
    grpc_auth_property_iterator i =
        grpc_auth_context_find_properties_by_name(context, GRPC_X509_SAN_PROPERTY_NAME);
    const grpc_auth_property *p;
    str *names = NEW(a, str, NAMES_MAX);

    while (names && out->n_names < NAMES_MAX &&
           (p = grpc_auth_property_iterator_next(&i)) != NULL) {
        char *copy = arena_cstr(a, (str){p->value, p->value_length});

        if (!copy)
            return false;
        names[out->n_names++] = (str){copy, p->value_length};
    }
    out->names = names;
    return names != NULL;
}

bool rpc_request_peer_identity(struct rpc_request *q, struct rpc_identity *out)
{
    struct rpc_call *c = (struct rpc_call *)(void *)q; /* q is its first member */
    struct arena *a = &c->ctx.arena;
    grpc_auth_context *context = grpc_call_auth_context(c->core);
    bool known = context && grpc_auth_context_peer_is_authenticated(context);

    *out = (struct rpc_identity){0};
    if (known) {
        out->common_name = first(a, context, GRPC_X509_CN_PROPERTY_NAME);
        out->spiffe_id = first(a, context, GRPC_PEER_SPIFFE_ID_PROPERTY_NAME);
        known = copy_names(a, context, out);
    }
    if (context)
        grpc_auth_context_release(context);
    if (!known)
        *out = (struct rpc_identity){0};
    return known;
}
