/* The table, and the state behind it. */
#include "intercept/intercept.h"

#include <assert.h>
#include <stdlib.h>

#include "intercept/rows.h"

enum { SERIES_BYTES_MAX = 4 << 20 };

/* clang-format off */
const struct rpc_interceptor intercept_rows[] = {
    /* name           before               message           after          may_block  again */
    {"trace",         trace_before,        NULL,             NULL,          false,     NULL},
    {"metrics",       metrics_before,      metrics_message,  metrics_after, false,     NULL},
    {"access log",    NULL,                NULL,             log_after,     false,     NULL},
    {"audit",         NULL,                NULL,             audit_after,   false,     NULL},
    {"deadline",      deadline_before,     NULL,             NULL,          false,     NULL},
    {"authenticate",  authenticate_before, NULL,             NULL,          true,      authenticate_again},
    {"rate limit",    rate_before,         NULL,             rate_after,    false,     NULL},
    {"authorise",     authorise_before,    NULL,             NULL,          true,      authorise_again},
    {"validate",      NULL,                validate_message, NULL,          false,     NULL},
    {"idempotency",   NULL,                once_message,     once_after,    false,     NULL},
};
/* clang-format on */

const size_t intercept_n_rows = sizeof intercept_rows / sizeof *intercept_rows;

bool is_public(const struct service *s)
{
    static const char *const names[] = {"grpc.health.v1.Health",
                                        "grpc.reflection.v1.ServerReflection",
                                        "grpc.reflection.v1alpha.ServerReflection"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(s->name, names[i]) == 0)
            return true;
    return false;
}

struct intercept *intercept_new(const struct intercept_options *o)
{
    struct intercept *i = calloc(1, sizeof *i);

    assert(o->n_services <= INTERCEPT_SERVICES_MAX);
    assert(o->tenant_streams > 0);
    assert(o->deadline_ms > 0 && o->deadline_max_ms >= o->deadline_ms);
    if (!i)
        return NULL;
    i->options = *o;
    arena_init(&i->arena, SERIES_BYTES_MAX);
    i->auth = auth_new(o->keys, o->trust);
    i->running = running_new();
    i->lanes = lanes_new();
    i->strangers = strangers_new();
    i->streams = open_streams_new(o->tenant_streams);
    if (!i->auth || !i->running || !i->lanes || !i->strangers || !i->streams ||
        !metrics_register(i)) {
        intercept_free(i);
        return NULL;
    }
    return i;
}

void intercept_free(struct intercept *i)
{
    if (!i)
        return;
    auth_free(i->auth);
    running_free(i->running);
    lanes_free(i->lanes);
    strangers_free(i->strangers);
    open_streams_free(i->streams);
    arena_release(&i->arena);
    free(i);
}

uint32_t intercept_lane(const struct rpc_request *q)
{
    const struct intercept *i = q->context;

    return lanes_find(i->lanes, rpc_request_header(q, "authorization"), str_of(q->call->peer));
}

struct auth *intercept_auth(struct intercept *i)
{
    return i->auth;
}
