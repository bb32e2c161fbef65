/* Unary calls: everything from the interceptors to the packed reply happens in one go on one
 * thread, a worker unless the handler promised not to block; that thread also hands the reply to
 * the core. */
#include <grpc/byte_buffer.h>

#include "rpc/internal.h"

enum { BUSY_RETRY_MS = 1000 };

static void on_sent(struct rpc_call *c, bool ok)
{
    (void)ok;
    rpc_hold_drop(c, 2); /* of the batch and of the call's life */
}

static enum status serve(struct rpc_call *c)
{
    const struct rpc_method *m = c->method;
    ProtobufCMessage *in, *out;
    size_t bytes;

    TRY(rpc_enter(c));
    TRY(call_check(&c->ctx)); /* it may have waited for a worker longer than the client did */
    TRY(rpc_decode(c, &c->ctx.arena, c->in, &in));
    TRY(rpc_inspect(c, in));
    if ((out = arena_alloc(&c->ctx.arena, m->row->output->sizeof_message, alignof(max_align_t),
                           1)) == NULL)
        return call_nomem(&c->ctx);
    protobuf_c_message_init(m->row->output, out);
    TRY(m->row->unary(&c->ctx, m->handlers, m->self, in, out));
    if (c->ctx.answer.p)
        return rpc_encode_bytes(c, c->ctx.answer, &c->sending);
    return rpc_encode(c, out, &c->sending, &bytes);
}

static void answer(struct rpc_call *c, enum status s)
{
    grpc_op ops[3];
    grpc_slice text;
    size_t n = 0;

    ops[n++] = rpc_headers_op(c);
    if (s == STATUS_OK) {
        ops[n] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE};
        ops[n++].data.send_message.send_message = c->sending;
    }
    rpc_status_op(c, s, &ops[n++], &text);
    rpc_batch(c, ops, n, &c->on_sent); /* from here on the call belongs to its loop */
    grpc_slice_unref(text);
}

static void run(struct rpc_call *c)
{
    enum status s = serve(c);

    rpc_leave(c, s);
    answer(c, s);
}

static void run_job(struct job *j)
{
    struct rpc_call *c = (struct rpc_call *)((char *)j - offsetof(struct rpc_call, job));

    c->q.handling_ns = call_monotonic_ns(&c->ctx);
    run(c);
}

void rpc_unary_begin(struct rpc_call *c)
{
    struct rpc_server *s = c->server;
    bool quick = c->method->row->execution == METHOD_ON_LOOP && !s->before_blocks;

    c->on_sent.run = on_sent;
    if (quick || c->method->own) {
        run(c);
        return;
    }
    c->job.run = run_job;
    if (worker_pool_offer(s->workers, &c->job))
        return;
    atomic_fetch_add(&s->n_busy, 1);
    call_retry_after(&c->ctx, BUSY_RETRY_MS);
    (void)call_fail_as(&c->ctx, STATUS_EXHAUSTED, "TOO_MANY_CALLS", "%d calls wait for a worker",
                       s->o.n_queued);
    rpc_call_refuse(c);
}
