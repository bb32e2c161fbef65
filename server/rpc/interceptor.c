/* The interceptor table around one call: forward on the way in, backward on the way out. */
#include "rpc/internal.h"

static const struct rpc_interceptor *row(struct rpc_call *c, size_t i)
{
    c->q.state = &c->states[i];
    return &c->server->o.interceptors[i];
}

enum status rpc_enter(struct rpc_call *c)
{
    size_t n = c->method->own ? 0 : c->server->o.n_interceptors;

    while (c->n_entered < n) {
        const struct rpc_interceptor *r = row(c, c->n_entered);

        if (r->before)
            TRY(r->before(&c->q));
        c->n_entered++;
    }
    return STATUS_OK;
}

enum status rpc_again(struct rpc_call *c)
{
    for (size_t i = 0; i < c->n_entered; i++) {
        const struct rpc_interceptor *r = row(c, i);

        if (r->again)
            TRY(r->again(&c->q));
    }
    return STATUS_OK;
}

enum status rpc_inspect(struct rpc_call *c, const ProtobufCMessage *m)
{
    for (size_t i = 0; i < c->n_entered; i++) {
        const struct rpc_interceptor *r = row(c, i);

        if (r->message)
            TRY(r->message(&c->q, m));
    }
    return STATUS_OK;
}

void rpc_leave(struct rpc_call *c, enum status s)
{
    while (c->n_entered > 0) {
        const struct rpc_interceptor *r = row(c, --c->n_entered);

        if (r->after)
            r->after(&c->q, s);
    }
}
