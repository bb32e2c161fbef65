/*
 * ops: what operators ask over HTTP.
 *
 *   /metrics   Prometheus text
 *   /livez     200 while the process answers at all
 *   /readyz    200 when it can serve, else 503 and why; /healthz is the same
 */
#ifndef HTTP_OPS_H
#define HTTP_OPS_H

#include "http/http.h"
#include "obs/metrics.h"

struct ops {
    struct metrics *metrics;
    /* NULL when ready to serve, else one line of why not. Any thread, must not block for long. */
    const char *(*why_not_ready)(void *self);
    void *self;
};

/* Serves ops, borrowed until http_close, on address. Statuses as http_open. */
MUST_CHECK enum status ops_open(struct call *c, const char *address, struct ops *ops,
                                struct http_server **out);

#endif
