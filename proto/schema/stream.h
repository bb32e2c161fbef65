/*
 * stream: what the handler of a streaming RPC is told, and what it may do. server/rpc implements
 * the functions; they are declared here because generated code wraps them with types.
 *
 * Events of one stream never overlap: each runs to its end before the next starts, on the loop
 * (METHOD_ON_LOOP) or on some worker (METHOD_ON_WORKER, may block). Between events a stream holds
 * no thread. Reading stops while an event runs or the send queue is above its low mark, so a slow
 * reader or a slow handler slows the peer down through HTTP/2 flow control; nothing queues without
 * bound.
 *
 * Every event but `done` returns a status: anything but STATUS_OK ends the stream with the fault
 * recorded in c. `c` lives as long as the stream and so does its arena; memory that only one event
 * needs comes from rpc_stream_scratch().
 */
#ifndef SCHEMA_STREAM_H
#define SCHEMA_STREAM_H

#include <protobuf-c/protobuf-c.h>

#include "base/call.h"

struct rpc_stream;

struct stream_hooks {
    /* Authenticated and admitted; no message yet. */
    enum status (*open)(struct call *c, void *self, struct rpc_stream *s);
    /* The client sent its last message. NULL: the stream ends OK once the queue is sent. For
     * server streaming it follows the one request and NULL just goes on to `writable`. */
    enum status (*half_close)(struct call *c, void *self, struct rpc_stream *s);
    /* The send queue has room: produce more. Called again and again until rpc_stream_finish,
     * or until rpc_stream_wait put the stream to sleep. NULL for streams that only answer. */
    enum status (*writable)(struct call *c, void *self, struct rpc_stream *s);
    /* Always last, exactly once, also after a failure: free what the state owns. */
    void (*done)(struct call *c, void *self, struct rpc_stream *s);
};

/* Queues one message (packed at once). Returns bytes now queued. Ignored after the end. */
size_t rpc_stream_send(struct rpc_stream *s, const ProtobufCMessage *m);

/* Ends the stream with OK after what is queued. */
void rpc_stream_finish(struct rpc_stream *s);

/* From `writable`: nothing to send now. It is called again after rpc_stream_wake or after_ms. */
void rpc_stream_wait(struct rpc_stream *s, int64_t after_ms);

/* Any thread that holds a reference: ends an rpc_stream_wait early. Wakes are not counted. */
void rpc_stream_wake(struct rpc_stream *s);

/* Keep the stream's memory beyond `done` for other threads. */
void rpc_stream_ref(struct rpc_stream *s);
void rpc_stream_unref(struct rpc_stream *s);

/* The handler's own state; initially NULL. */
void rpc_stream_set_state(struct rpc_stream *s, void *state);
void *rpc_stream_state(const struct rpc_stream *s);

/* An arena that is reset after every event. */
struct arena *rpc_stream_scratch(struct rpc_stream *s);

#endif
