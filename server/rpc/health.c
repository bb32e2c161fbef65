/* grpc.health.v1 on the runtime's own streams: a watcher sleeps until a state changes. */
#include "rpc/health.h"

#include <stdlib.h>

#include "grpc/health/v1/health.service.h"
#include "rpc/internal.h"

struct watcher {
    struct rpc_stream *stream;
    int service; /* index, WHOLE or UNKNOWN */
    HealthCheckResponse_ServingStatus told;
    struct watcher *prev, *next;
};

struct health {
    struct rpc_server *server;
    pthread_mutex_t lock;             /* guards everything below */
    enum rpc_health whole, *services; /* [server->n_services] */
    bool draining;
    struct watcher *watchers;
};

enum { WHOLE = -1, UNKNOWN = -2 };

static int find(const struct health *h, const char *name)
{
    if (name[0] == 0)
        return WHOLE;
    for (size_t i = 0; i < h->server->n_services; i++) {
        if (strcmp(h->server->services[i]->name, name) == 0)
            return (int)i;
    }
    return UNKNOWN;
}

/* Lock held. */
static HealthCheckResponse_ServingStatus state_of(const struct health *h, int service)
{
    if (service == UNKNOWN)
        return HEALTH_CHECK_RESPONSE_SERVICE_UNKNOWN;
    if (h->draining || h->whole == RPC_HEALTH_NOT_SERVING ||
        (service >= 0 && h->services[service] == RPC_HEALTH_NOT_SERVING))
        return HEALTH_CHECK_RESPONSE_NOT_SERVING;
    return HEALTH_CHECK_RESPONSE_SERVING;
}

static enum status check(struct call *c, void *self, const HealthCheckRequest *in,
                         HealthCheckResponse *out)
{
    struct health *h = self;
    int service = find(h, in->service);

    if (service == UNKNOWN)
        return call_fail_as(c, STATUS_NOT_FOUND, "UNKNOWN_SERVICE", "no such service here");
    pthread_mutex_lock(&h->lock);
    out->status = state_of(h, service);
    pthread_mutex_unlock(&h->lock);
    return STATUS_OK;
}

static enum status watch(struct call *c, void *self, struct rpc_stream *s,
                         const HealthCheckRequest *in)
{
    struct health *h = self;
    struct watcher *w = NEW(&c->arena, struct watcher, 1);

    if (!w)
        return call_nomem(c);
    w->stream = s;
    w->service = find(h, in->service);
    rpc_stream_set_state(s, w);
    pthread_mutex_lock(&h->lock);
    if ((w->next = h->watchers) != NULL)
        w->next->prev = w;
    h->watchers = w;
    pthread_mutex_unlock(&h->lock);
    return STATUS_OK;
}

static enum status watch_writable(struct call *c, void *self, struct rpc_stream *s)
{
    struct health *h = self;
    struct watcher *w = rpc_stream_state(s);
    HealthCheckResponse out = HEALTH_CHECK_RESPONSE_INIT;
    bool draining;

    (void)c;
    pthread_mutex_lock(&h->lock);
    out.status = state_of(h, w->service);
    draining = h->draining;
    pthread_mutex_unlock(&h->lock);
    if (out.status != w->told) /* `told` starts as UNKNOWN, which no state is */
        health_watch_send(s, &out);
    w->told = out.status;
    if (draining) /* it has heard what matters, and must not hold up the end */
        rpc_stream_finish(s);
    else
        rpc_stream_wait(s, -1);
    return STATUS_OK;
}

static void watch_done(struct call *c, void *self, struct rpc_stream *s)
{
    struct health *h = self;
    struct watcher *w = rpc_stream_state(s);

    (void)c;
    if (!w)
        return;
    pthread_mutex_lock(&h->lock);
    *(w->prev ? &w->prev->next : &h->watchers) = w->next;
    if (w->next)
        w->next->prev = w->prev;
    pthread_mutex_unlock(&h->lock);
}

static const struct health_handlers handlers = {
    .check = check,
    .watch = {.message = watch, .hooks = {.writable = watch_writable, .done = watch_done}},
};

/* Lock held: a watcher leaves the list before its stream's memory goes. */
static void tell_all(struct health *h)
{
    for (struct watcher *w = h->watchers; w; w = w->next)
        rpc_stream_wake(w->stream);
}

void rpc_health_set(struct rpc_server *s, const char *service, enum rpc_health state)
{
    struct health *h = s->health;
    int i = find(h, service);

    pthread_mutex_lock(&h->lock);
    if (i == WHOLE)
        h->whole = state;
    else if (i >= 0)
        h->services[i] = state;
    tell_all(h);
    pthread_mutex_unlock(&h->lock);
}

void health_drain(struct health *h)
{
    pthread_mutex_lock(&h->lock);
    h->draining = true;
    tell_all(h);
    pthread_mutex_unlock(&h->lock);
}

enum status health_new(struct rpc_server *s, size_t n_services, struct health **out)
{
    struct health *h = calloc(1, sizeof *h);

    *out = NULL;
    if (!h || (h->services = calloc(n_services, sizeof *h->services)) == NULL) {
        free(h);
        return STATUS_EXHAUSTED;
    }
    h->server = s;
    h->whole = RPC_HEALTH_NOT_SERVING;
    for (size_t i = 0; i < n_services; i++)
        h->services[i] = RPC_HEALTH_SERVING;
    pthread_mutex_init(&h->lock, NULL);
    *out = h;
    return STATUS_OK;
}

void health_free(struct health *h)
{
    if (!h)
        return;
    pthread_mutex_destroy(&h->lock);
    free(h->services);
    free(h);
}

struct service_binding health_binding(struct health *h)
{
    return (struct service_binding){&health_service, &handlers, h};
}
