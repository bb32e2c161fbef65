/* addresses: where the server listens, as configured and as clients dial it. */
#ifndef SERVER_ADDRESSES_H
#define SERVER_ADDRESSES_H

#include "base/call.h"
#include "rpc/server.h"

/* All texts are in the call's arena. */
struct addresses {
    const char *given[RPC_ADDRESSES_MAX];
    size_t n;
    const char *all, *first, *http; /* with real ports; "first" is the first of "all" */
};

struct http_place {
    const char *address; /* as configured */
    int port;            /* the real one */
};

/* "a, b" to the addresses that the runtime wants; INVALID: more than RPC_ADDRESSES_MAX. */
MUST_CHECK enum status addresses_split(struct call *c, const char *text, struct addresses *out);

/* Fills the texts: rpc and the server of HTTP listen by now. */
MUST_CHECK enum status addresses_name(struct call *c, struct addresses *a,
                                      const struct rpc_server *rpc, const struct http_place *place);

#endif
