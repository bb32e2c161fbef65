/*
 * http_loop: many requests at once, on one thread of its own, each told as it goes: for a peer that
 * answers slowly or in pieces. Only for URLs of the configuration (HTTP_OPERATOR). HTTP/2 where the
 * peer offers it over TLS, connections kept and shared. The manners are those of http.h.
 *
 * The thread belongs to whoever opened the loop: `tick` runs on it after each round and decides
 * what to begin; everything but http_loop_wake is for that thread alone, so the owner needs no lock
 * for what only ticks and sinks touch.
 */
#ifndef INTEGRATION_HTTP_LOOP_H
#define INTEGRATION_HTTP_LOOP_H

#include "integration/http.h"

struct http_loop;
struct http_transfer;

enum { HTTP_LOOP_IDLE_MS = 1000 }; /* longest time between two ticks */

struct http_loop_options {
    const char *user_agent;
    const char *ca_file;         /* as http_options.ca_file */
    long connections_max;        /* > 0: to all peers together */
    int64_t (*tick)(void *self); /* milliseconds until it wants to run again; < 0: never again, the
                                    loop ends, and no transfer may be left */
    void *self;
};

/* How a transfer ended. */
enum http_end {
    HTTP_END_WHOLE,   /* with a whole answer, whatever its status */
    HTTP_END_TIMEOUT, /* its time is over */
    HTTP_END_CONNECT, /* no connection: nothing was sent */
    HTTP_END_BROKEN,  /* the connection broke: the request may have arrived */
    HTTP_END_REFUSED, /* the sink wanted no more, or the header is over HTTP_HEADER_BYTES */
};

/* Who is told; none may begin or stop a transfer, but for done. */
struct http_sink {
    void *self;
    void (*status)(void *self, int status); /* first; an earlier one was of an interim answer */
    void (*field)(void *self, str name, str value);
    bool (*body)(void *self, str bytes);         /* false: no more */
    void (*done)(void *self, enum http_end end); /* last; the transfer is gone */
};

struct http_transfer_request {
    enum http_method method;
    const char *url;
    const struct http_field *fields; /* [n_fields]; copied, and wiped when it ends */
    size_t n_fields;
    str body;           /* borrowed until it ends */
    int64_t timeout_ms; /* > 0 */
};

/* Starts the thread. NULL: no memory or no thread. */
struct http_loop *http_loop_open(const struct http_loop_options *o);

/* From any thread: have tick run soon. */
void http_loop_wake(struct http_loop *l);

/* Waits until the thread has ended, which tick decides. NULL is allowed. */
void http_loop_close(struct http_loop *l);

/* Begins a transfer; `done` is called once, later. NULL: no memory, or a field with a line break;
 * nothing is called. */
struct http_transfer *http_loop_begin(struct http_loop *l, const struct http_transfer_request *q,
                                      const struct http_sink *sink);

/* Ends it now; nothing more is called. For tick. */
void http_loop_stop(struct http_loop *l, struct http_transfer *t);

#endif
