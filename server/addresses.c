#include "server/addresses.h"

#include <string.h>

#include "base/banned.h"
#include "base/buf.h"

enum { TEXT_BYTES = 1024 };

enum status addresses_split(struct call *c, const char *text, struct addresses *out)
{
    str rest = str_of(text);

    while (rest.n) {
        str one = str_trim(str_cut(&rest, ','));

        if (out->n == RPC_ADDRESSES_MAX)
            return call_fail(c, STATUS_INVALID, "more than %d addresses", RPC_ADDRESSES_MAX);
        out->given[out->n] = arena_cstr(&c->arena, one);
        if (!out->given[out->n++])
            return call_nomem(c);
    }
    return STATUS_OK;
}

/* The address with its real port. */
static void put_address(struct buf *b, const char *address, int port)
{
    const char *colon = strrchr(address, ':');

    if (port && colon)
        buf_printf(b, "%.*s:%d", (int)(colon - address), address, port);
    else
        buf_put(b, str_of(address));
}

enum status addresses_name(struct call *c, struct addresses *a, const struct rpc_server *rpc,
                           const struct http_place *place)
{
    struct buf all, first, http;

    buf_init(&all, &c->arena, TEXT_BYTES);
    buf_init(&first, &c->arena, TEXT_BYTES);
    buf_init(&http, &c->arena, TEXT_BYTES);
    for (size_t i = 0; i < a->n; i++) {
        buf_put(&all, i ? STR(",") : STR(""));
        put_address(&all, a->given[i], rpc_server_port(rpc, i));
    }
    put_address(&first, a->given[0], rpc_server_port(rpc, 0));
    put_address(&http, place->address, place->port);
    if (!buf_ok(&all) || !buf_ok(&first) || !buf_ok(&http))
        return call_nomem(c);
    a->all = buf_str(&all).p;
    a->first = buf_str(&first).p;
    a->http = buf_str(&http).p;
    return STATUS_OK;
}
