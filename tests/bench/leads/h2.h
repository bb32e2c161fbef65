/*
 * h2: gRPC calls over HTTP/2 for a load client: one thread, a few connections, epoll, nghttp2.
 *
 * The caller owns the calls and may start a call again from its `closed` callback. Any failure of
 * a connection ends the program: a benchmark with a hole in it is worth nothing.
 */
#ifndef BENCH_H2_H
#define BENCH_H2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct h2;
struct h2_conn;

/* Growing bytes, at most H2_MESSAGE_BYTES_MAX of unread ones. */
struct h2_bytes {
    uint8_t *data;
    size_t start, len, cap;
};

struct h2_call {
    struct h2_conn *conn;
    int32_t id;
    int grpc_status;       /* -1 until the trailers came */
    char grpc_message[96]; /* cut */
    struct h2_bytes out, in;
    bool deferred, finished;
    void *user; /* the caller's */
};

struct h2_handler {
    void (*message)(struct h2_call *call, const uint8_t *data, size_t n);
    void (*closed)(struct h2_call *call);
};

enum { H2_MESSAGE_BYTES_MAX = 16 << 20 };

/* Connects n times to "HOST:PORT" (numeric IPv4); `authorization` is sent with every call
 * unless it is NULL. */
struct h2 *h2_open(const char *address, int n, const char *authorization, struct h2_handler on);
void h2_close(struct h2 *h);

/* Starts a call on connection i. Messages follow with h2_send, the end with h2_finish. */
void h2_start(struct h2 *h, int i, struct h2_call *call, const char *path);
void h2_send(struct h2_call *call, const uint8_t *message, size_t n);
void h2_finish(struct h2_call *call);

/* Sends what waits, then handles what arrives within timeout_ms. */
void h2_poll(struct h2 *h, int timeout_ms);

/* As h2_poll, for clients that pace their messages to parts of a millisecond. */
void h2_poll_ns(struct h2 *h, uint64_t timeout_ns);

/* Frees the buffers of a call that is closed. */
void h2_release(struct h2_call *call);

#endif
