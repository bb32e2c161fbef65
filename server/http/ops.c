/* The table of routes, each a few lines. */
#include "http/ops.h"

enum { OK = 200, INTERNAL_ERROR = 500, UNAVAILABLE = 503 };

static unsigned answer_metrics(void *self, struct buf *body)
{
    struct ops *ops = self;

    return metrics_render(ops->metrics, body) ? OK : INTERNAL_ERROR;
}

static unsigned answer_live(void *self, struct buf *body)
{
    (void)self;
    buf_put(body, STR("ok\n"));
    return OK;
}

static unsigned answer_ready(void *self, struct buf *body)
{
    struct ops *ops = self;
    const char *why = ops->why_not_ready(ops->self);

    buf_printf(body, "%s\n", why ? why : "ok");
    return why ? UNAVAILABLE : OK;
}

#define PLAIN "text/plain; charset=utf-8"

/* clang-format off */
static const struct http_route routes[] = {
    /* path       content type                                  answer */
    {"/metrics",  "text/plain; version=0.0.4; charset=utf-8",   answer_metrics},
    {"/healthz",  PLAIN,                                        answer_ready},
    {"/readyz",   PLAIN,                                        answer_ready},
    {"/livez",    PLAIN,                                        answer_live},
};
/* clang-format on */

enum status ops_open(struct call *c, const char *address, struct ops *ops, struct http_server **out)
{
    return http_open(c,
                     &(struct http_options){.address = address,
                                            .routes = routes,
                                            .n_routes = sizeof routes / sizeof *routes,
                                            .self = ops},
                     out);
}
