/* The send queue of a stream: packed messages in a ring, one batch in flight, the status in the
 * same batch as the last message. Bytes are counted; the handler that ignores the count loses its
 * stream. */
#include <assert.h>
#include <grpc/byte_buffer.h>
#include <stdlib.h>

#include "rpc/internal.h"

enum { RING_FIRST = 8 };

static bool queue_put(struct send_queue *q, grpc_byte_buffer *b)
{
    if (q->n == q->cap) {
        size_t cap = q->cap ? q->cap * 2 : RING_FIRST;
        grpc_byte_buffer **ring = calloc(cap, sizeof(grpc_byte_buffer *));

        if (!ring)
            return false;
        for (size_t i = 0; i < q->n; i++)
            ring[i] = q->ring[(q->first + i) & (q->cap - 1)];
        free(q->ring);
        q->ring = ring;
        q->cap = cap;
        q->first = 0;
    }
    q->ring[(q->first + q->n++) & (q->cap - 1)] = b;
    q->bytes += grpc_byte_buffer_length(b) + OUT_OVERHEAD_BYTES;
    return true;
}

static grpc_byte_buffer *queue_take(struct send_queue *q)
{
    grpc_byte_buffer *b = q->ring[q->first];

    q->first = (q->first + 1) & (q->cap - 1);
    q->n--;
    return b;
}

void rpc_send_queue_free(struct send_queue *q)
{
    while (q->n)
        grpc_byte_buffer_destroy(queue_take(q));
    free(q->ring);
    *q = (struct send_queue){0};
}

bool rpc_stream_is_sendable(const struct rpc_stream *s)
{
    if (s->busy || s->lost || s->status_sent)
        return false;
    if (s->coupled) /* its message went before: only the status may follow while it waits to read */
        return s->ending;
    return s->queue.n > 0 || s->ending || (s->headers_due && s->call.headers_left);
}

/* Its bytes count until it is sent. */
grpc_byte_buffer *rpc_stream_next(struct rpc_stream *s)
{
    grpc_byte_buffer *b = queue_take(&s->queue);

    s->in_flight_bytes = grpc_byte_buffer_length(b) + OUT_OVERHEAD_BYTES;
    return b;
}

/* Fills ops with headers and the next message; returns how many. Lock held. */
static size_t next_ops(struct rpc_stream *s, grpc_op *ops)
{
    struct rpc_call *c = &s->call;
    size_t n = 0;

    if (c->headers_left)
        ops[n++] = rpc_headers_op(c);
    if (s->queue.n) {
        c->sending = rpc_stream_next(s);
        ops[n] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE};
        ops[n].data.send_message.send_message = c->sending;
        if (s->queue.n) /* more follows: let the transport join them */
            ops[n].flags = GRPC_WRITE_BUFFER_HINT;
        n++;
    }
    return n;
}

void rpc_stream_pump(struct rpc_stream *s)
{
    struct rpc_call *c = &s->call;
    grpc_slice text = grpc_empty_slice();
    grpc_op ops[3];
    size_t n;
    bool last;

    pthread_mutex_lock(&s->lock);
    if (!rpc_stream_is_sendable(s)) {
        pthread_mutex_unlock(&s->lock);
        return;
    }
    n = next_ops(s, ops);
    last = s->ending && s->queue.n == 0;
    s->status_sent = last;
    s->busy = true;
    s->n_moves++;
    rpc_hold(c);
    pthread_mutex_unlock(&s->lock);
    if (last) /* decided: nobody changes fault or trailers any more */
        rpc_status_op(c, s->end_status, &ops[n++], &text);
    rpc_batch_held(c, ops, n, &c->on_sent);
    grpc_slice_unref(text);
}

void rpc_stream_sent(struct rpc_call *c, bool ok)
{
    struct rpc_stream *s = (struct rpc_stream *)c;

    if (c->sending)
        grpc_byte_buffer_destroy(c->sending);
    c->sending = NULL;
    pthread_mutex_lock(&s->lock);
    s->busy = false;
    if (!s->coupled) {
        s->queue.bytes -= s->in_flight_bytes;
        s->in_flight_bytes = 0;
    }
    if (!ok)
        s->lost = true;
    pthread_mutex_unlock(&s->lock);
    rpc_stream_pump(s);
    rpc_stream_run(s);
    rpc_hold_drop(c, 1);
}

void rpc_stream_abort(struct rpc_stream *s, enum status why)
{
    pthread_mutex_lock(&s->lock);
    s->lost = true;
    s->ending = true;
    s->end_status = why;
    pthread_mutex_unlock(&s->lock);
    atomic_fetch_add(&s->call.server->n_slow, 1);
    grpc_call_cancel_with_status(s->call.core, (grpc_status_code)why, s->call.ctx.fault.why, NULL);
}

size_t rpc_stream_send(struct rpc_stream *s, const ProtobufCMessage *m)
{
    struct rpc_call *c = &s->call;
    grpc_byte_buffer *bytes;
    size_t n_bytes, queued;
    bool queue;

    assert(m->descriptor == c->q.method->output);
    if (s->finish_wanted || s->send_failed != STATUS_OK)
        return 0;
    if ((s->send_failed = rpc_encode(c, m, &bytes, &n_bytes)) != STATUS_OK)
        return 0; /* ends the stream after this event */
    pthread_mutex_lock(&s->lock);
    queue = !s->lost && !s->ending;
    if (queue && !queue_put(&s->queue, bytes))
        queue = false;
    queued = s->queue.bytes;
    pthread_mutex_unlock(&s->lock);
    if (!queue) {
        grpc_byte_buffer_destroy(bytes);
        return queued;
    }
    if (queued > c->server->o.send_hard_bytes)
        rpc_stream_abort(s, call_fail_as(&c->ctx, STATUS_EXHAUSTED, "SLOW_READER",
                                         "more than %zu bytes wait for the client to read them",
                                         c->server->o.send_hard_bytes));
    else if (!(s->answers && s->in_message))
        rpc_stream_pump(s);
    return queued;
}
