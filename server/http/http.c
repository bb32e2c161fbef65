/* libmicrohttpd with its own polling thread; everything it may use is bounded by its options. */
#include "http/http.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct http_server {
    struct http_options options;
    struct MHD_Daemon *daemon;
    struct arena arena; /* of the answer under construction: there is one thread */
};

static enum MHD_Result send_text(struct MHD_Connection *to, unsigned code, const char *type,
                                 str body)
{
    struct MHD_Response *r =
        MHD_create_response_from_buffer(body.n, (void *)body.p, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result queued;

    if (!r)
        return MHD_NO; /* closes the connection */
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (code == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    queued = MHD_queue_response(to, code, r);
    MHD_destroy_response(r);
    return queued;
}

static enum MHD_Result send_error(struct MHD_Connection *to, unsigned code)
{
    return send_text(to, code, "text/plain; charset=utf-8",
                     str_of(MHD_get_reason_phrase_for(code)));
}

static const struct http_route *find(const struct http_options *o, const char *path)
{
    for (size_t i = 0; i < o->n_routes; i++)
        if (strcmp(o->routes[i].path, path) == 0)
            return &o->routes[i];
    return NULL;
}

static enum MHD_Result serve(struct http_server *h, struct MHD_Connection *to, const char *path)
{
    const struct http_route *route = find(&h->options, path);
    enum MHD_Result sent;
    struct buf body;
    unsigned code;

    if (!route)
        return send_error(to, MHD_HTTP_NOT_FOUND);
    buf_init(&body, &h->arena, HTTP_BODY_BYTES_MAX);
    code = route->answer(h->options.self, &body);
    sent = buf_ok(&body) ? send_text(to, code, route->content_type, buf_str(&body))
                         : send_error(to, MHD_HTTP_INTERNAL_SERVER_ERROR);
    arena_reset(&h->arena);
    return sent;
}

/* Called once with the headers, then for each piece of a body, then to answer. */
static enum MHD_Result on_request(/* NOLINT(readability-function-size): their signature */
                                  void *self, struct MHD_Connection *to, const char *path,
                                  const char *verb, const char *version, const char *body,
                                  size_t *n_body, void **seen)
{
    static char headers_seen;

    (void)version;
    (void)body;
    if (!*seen) {
        *seen = &headers_seen;
        return MHD_YES;
    }
    if (*n_body) { /* nobody here reads bodies */
        *n_body = 0;
        return MHD_YES;
    }
    if (strcmp(verb, MHD_HTTP_METHOD_GET) != 0 && strcmp(verb, MHD_HTTP_METHOD_HEAD) != 0)
        return send_error(to, MHD_HTTP_METHOD_NOT_ALLOWED);
    return serve(self, to, path);
}

/* "host:port" with a numeric host, "[v6]:port". NULL: it is not. */
static struct addrinfo *resolve(const char *address)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    char host[64] = "";
    const char *colon = strrchr(address, ':');
    size_t n = colon ? (size_t)(colon - address) : 0;
    struct addrinfo *out = NULL;

    if (n >= 2 && address[0] == '[' && colon[-1] == ']') {
        address++;
        n -= 2;
    }
    if (n == 0 || n >= sizeof host)
        return NULL;
    memcpy(host, address, n);
    return getaddrinfo(host, colon + 1, &hints, &out) == 0 ? out : NULL;
}

static enum status start(struct call *c, struct http_server *h, const struct sockaddr *where)
{
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO;
    sigset_t all, before;

    if (where->sa_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
    /* clang-format off */
    h->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, h,
        MHD_OPTION_SOCK_ADDR, where,
        MHD_OPTION_LISTENING_ADDRESS_REUSE, 0U, /* a second server on the port must fail */
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_CONNECTION_BYTES,
        MHD_OPTION_END);
    /* clang-format on */
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!h->daemon)
        return call_fail(c, STATUS_EXISTS, "HTTP address %s cannot be bound: %s",
                         h->options.address, strerror(errno));
    return STATUS_OK;
}

enum status http_open(struct call *c, const struct http_options *o, struct http_server **out)
{
    struct addrinfo *where = resolve(o->address);
    struct http_server *h;
    enum status s;

    assert(o->n_routes <= HTTP_ROUTES_MAX);
    *out = NULL;
    if (!where)
        return call_fail(c, STATUS_INVALID, "HTTP address %s is not host:port with a numeric host",
                         o->address);
    h = calloc(1, sizeof *h);
    s = h ? STATUS_OK : call_fail(c, STATUS_EXHAUSTED, "no memory for the HTTP server");
    if (h) {
        h->options = *o;
        arena_init(&h->arena, 4 * (size_t)HTTP_BODY_BYTES_MAX);
        s = start(c, h, where->ai_addr);
    }
    freeaddrinfo(where);
    if (s == STATUS_OK)
        *out = h;
    else
        free(h);
    return s;
}

int http_port(const struct http_server *h)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT);

    return info ? info->port : 0;
}

void http_close(struct http_server *h)
{
    if (!h)
        return;
    MHD_stop_daemon(h->daemon);
    arena_release(&h->arena);
    free(h);
}
