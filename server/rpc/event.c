/* The events of a stream, each run by whoever has its turn (turn.c) and without its lock. */
#include <grpc/byte_buffer.h>

#include "rpc/internal.h"

enum {
    BUSY_RETRY_MS = 1000,
    IDLE_WRITABLE_MS = 10,
    DEADLINE_SLACK_MS = 20, /* the client's own timer fires first, by the way the call took */
};

static const int64_t ns_per_ms = 1000000;

static enum status deliver(struct rpc_stream *s)
{
    struct rpc_call *c = &s->call;
    const struct rpc_method *m = c->method;
    grpc_byte_buffer *bytes = s->in;
    ProtobufCMessage *in;
    enum status st;

    s->in_message = true;
    if ((st = rpc_again(c)) == STATUS_OK &&
        (st = rpc_decode(c, &s->scratch, bytes, &in)) == STATUS_OK &&
        (st = rpc_inspect(c, in)) == STATUS_OK)
        st = m->row->message(&c->ctx, m->handlers, m->self, s, in);
    s->in_message = false;
    grpc_byte_buffer_destroy(bytes);
    pthread_mutex_lock(&s->lock);
    s->in = NULL;
    pthread_mutex_unlock(&s->lock);
    return st;
}

static enum status half_close(struct rpc_stream *s)
{
    struct rpc_call *c = &s->call;
    const struct rpc_method *m = c->method;

    if (m->reads_one && c->q.n_in == 0)
        return call_fail_as(&c->ctx, STATUS_INVALID, "REQUEST_MISSING", "no request message came");
    if (m->hooks->half_close)
        return m->hooks->half_close(&c->ctx, m->self, s);
    if (!m->reads_one || !m->hooks->writable)
        rpc_stream_finish(s);
    return STATUS_OK;
}

static enum status write_more(struct rpc_stream *s)
{
    struct rpc_call *c = &s->call;
    uint64_t n_out = c->q.n_out;
    enum status st = rpc_again(c);

    if (st == STATUS_OK)
        st = c->method->hooks->writable(&c->ctx, c->method->self, s);
    if (st == STATUS_OK && n_out == c->q.n_out && !s->finish_wanted && !s->wait_wanted)
        rpc_stream_wait(s, IDLE_WRITABLE_MS); /* a handler's mistake must not spin */
    return st;
}

static enum status evict(struct rpc_stream *s, enum rpc_eviction why)
{
    struct rpc_call *c = &s->call;

    if (why == EVICT_SLOW_READER) {
        rpc_stream_abort(s, call_fail_as(&c->ctx, STATUS_EXHAUSTED, "SLOW_READER",
                                         "the client read nothing for %d ms",
                                         c->server->o.slow_reader_ms));
        return STATUS_OK;
    }
    call_retry_after(&c->ctx, BUSY_RETRY_MS);
    return call_fail_as(&c->ctx, STATUS_UNAVAILABLE, "DRAINING", "the server is shutting down");
}

/* How the stream ended, for the interceptors. */
static enum status outcome(struct rpc_stream *s)
{
    struct call *c = &s->call.ctx;

    if (s->ending && (s->end_status != STATUS_OK || !s->lost))
        return s->end_status;
    call_clear(c);
    return c->deadline_ns && call_monotonic_ns(c) >= c->deadline_ns - DEADLINE_SLACK_MS * ns_per_ms
               ? call_fail(c, STATUS_DEADLINE, "the deadline of the call has passed")
               : call_fail(c, STATUS_CANCELLED, "the client cancelled the call");
}

static void end(struct rpc_stream *s)
{
    struct rpc_call *c = &s->call;

    if (s->opened && c->method->hooks->done)
        c->method->hooks->done(&c->ctx, c->method->self, s);
    rpc_leave(c, outcome(s));
}

enum status rpc_stream_event(struct rpc_stream *s, enum rpc_event e)
{
    struct rpc_call *c = &s->call;
    const struct stream_hooks *hooks = c->method->hooks;

    switch (e) {
    case EV_ENTER: return rpc_enter(c);
    case EV_OPEN: return hooks->open ? hooks->open(&c->ctx, c->method->self, s) : STATUS_OK;
    case EV_MESSAGE: return deliver(s);
    case EV_HALF_CLOSE: return half_close(s);
    case EV_WRITABLE: return write_more(s);
    case EV_EVICT: return evict(s, s->evict);
    case EV_AGAIN: return rpc_again(c);
    case EV_DONE: end(s); return STATUS_OK;
    case EV_NONE: break;
    }
    return STATUS_OK;
}
