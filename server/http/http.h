/*
 * http: a small HTTP/1.1 server for probes and scrapers: fixed GET routes, plain text answers.
 *
 * One thread serves all connections; HTTP_CONNECTIONS_MAX at once, each closed after
 * HTTP_IDLE_SECONDS without traffic. It is not meant for the open Internet: bind it to loopback or
 * to the pod's network.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/buf.h"
#include "base/call.h"

enum {
    HTTP_CONNECTIONS_MAX = 32,        /* scrapers and probes of one host are a handful */
    HTTP_IDLE_SECONDS = 10,           /* scrapers reconnect; sloths go */
    HTTP_CONNECTION_BYTES = 16 << 10, /* request line and headers */
    HTTP_BODY_BYTES_MAX = 16 << 20,   /* an answer */
    HTTP_ROUTES_MAX = 16,
};

struct http_route {
    const char *path; /* exact */
    const char *content_type;
    /* Writes the body, returns the status code. On the server's thread: must not block for long. */
    unsigned (*answer)(void *self, struct buf *body);
};

struct http_options {
    const char *address;             /* "127.0.0.1:9090", "[::1]:0"; numeric host */
    const struct http_route *routes; /* [n_routes], borrowed until http_close */
    size_t n_routes;
    void *self; /* handed to every route */
};

struct http_server;

/* INVALID: no such address. EXISTS: the address is taken or may not be bound. */
MUST_CHECK enum status http_open(struct call *c, const struct http_options *o,
                                 struct http_server **out);

/* The port in use: useful after binding port 0. */
int http_port(const struct http_server *h);

/* Closes all connections and ends the thread. NULL is fine. */
void http_close(struct http_server *h);

#endif
