/* What unary and streaming calls share: a call object waits posted in the core, becomes a call, is
 * admitted or refused, and is torn down on its loop when the last batch has come back. */
#include <assert.h>
#include <grpc/byte_buffer.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <stdlib.h>

#include "rpc/internal.h"

enum { NS_PER_S = 1000000000, BUSY_RETRY_MS = 1000 };

static const struct service no_service = {.name = ""};
static const struct method no_method = {.name = "", .path = ""};

static void on_new(struct rpc_call *c, bool ok);
static void on_close(struct rpc_call *c, bool ok);
static void on_refused(struct rpc_call *c, bool ok);

static bool is_stream(const struct rpc_method *m)
{
    return m && m->hooks;
}

static bool is_own(const struct rpc_call *c)
{
    return c->method && c->method->own;
}

static struct rpc_call *call_take(struct rpc_loop *l, const struct rpc_method *m)
{
    struct rpc_call *c;

    if (is_stream(m)) {
        struct rpc_stream *s = calloc(1, sizeof *s);

        return s ? &s->call : NULL;
    }
    if ((c = l->spare_calls) != NULL) { /* keeps an arena block and the metadata array warm */
        l->spare_calls = c->next_spare;
        l->n_spare_calls--;
        return c;
    }
    return calloc(1, sizeof *c);
}

static void call_prepare(struct rpc_call *c, struct rpc_loop *l, const struct rpc_method *m)
{
    grpc_metadata_array metadata = c->metadata;
    struct arena arena = c->ctx.arena;

    *c = (struct rpc_call){
        .server = l->server,
        .loop = l,
        .method = m,
        .metadata = {.capacity = metadata.capacity, .metadata = metadata.metadata},
        .headers_left = true,
        .on_new = {on_new, c},
        .on_close = {on_close, c},
        .on_sent = {on_refused, c},
    };
    call_init(&c->ctx, l->server->o.clock, l->server->o.arena_bytes);
    if (arena.limit) {
        c->ctx.arena = arena;
        arena_reset(&c->ctx.arena);
    }
    c->q = (struct rpc_request){
        .method = m ? m->row : &no_method,
        .service = m ? m->service : &no_service,
        .call = &c->ctx,
        .context = l->server->o.context,
    };
    c->ctx.cancelled = &c->cancelled;
    c->ctx.method = c->q.method->path[0] == '/' ? c->q.method->path + 1 : c->q.method->path;
    if (!m)
        grpc_call_details_init(&c->details);
    if (is_stream(m))
        rpc_stream_init((struct rpc_stream *)c);
}

void rpc_request_post(struct rpc_loop *l, const struct rpc_method *m)
{
    struct rpc_server *s = l->server;
    struct rpc_call *c;
    grpc_call_error e;

    if (atomic_load(&s->draining) || (c = call_take(l, m)) == NULL)
        return;
    call_prepare(c, l, m);
    atomic_fetch_add(&s->n_posted, 1);
    if (!m)
        e = grpc_server_request_call(s->core, &c->core, &c->details, &c->metadata, l->cq, l->cq,
                                     &c->on_new);
    else
        e = grpc_server_request_registered_call(s->core, m->registered, &c->core, &c->deadline,
                                                &c->metadata, m->reads_one ? &c->in : NULL, l->cq,
                                                l->cq, &c->on_new);
    if (e == GRPC_CALL_OK) {
        l->n_posted[m ? (size_t)(m - s->methods) : s->n_methods]++;
        return;
    }
    c->core = NULL;
    rpc_call_recycle(c);
    atomic_fetch_sub(&s->n_posted, 1);
}

void rpc_hold(struct rpc_call *c)
{
    atomic_fetch_add_explicit(&c->holds, 1, memory_order_relaxed);
}

void rpc_batch_held(struct rpc_call *c, const grpc_op *ops, size_t n, struct rpc_tag *tag)
{
    grpc_call *core = c->core;
    grpc_call_error e;

    assert(core);
    ORDER_BEFORE(tag); /* once the batch is started, c may be gone on its loop */
    e = grpc_call_start_batch(core, ops, n, tag, NULL);
    if (e != GRPC_CALL_OK) /* only a mistake in this folder can cause it */
        rpc_log(c->server, RPC_LOG_ERROR, "start_batch: %s", grpc_call_error_to_string(e));
    assert(e == GRPC_CALL_OK);
}

void rpc_batch(struct rpc_call *c, const grpc_op *ops, size_t n, struct rpc_tag *tag)
{
    rpc_hold(c);
    rpc_batch_held(c, ops, n, tag);
}

/* Absolute time on the call's own clock, which may be a fake one. */
static int64_t deadline_of(const struct rpc_call *c, int64_t now_ns)
{
    gpr_timespec left;

    if (gpr_time_cmp(c->deadline, gpr_inf_future(c->deadline.clock_type)) == 0)
        return 0;
    left = gpr_time_sub(c->deadline, gpr_now(c->deadline.clock_type));
    if (left.tv_sec >= INT32_MAX)
        return 0;
    return now_ns + left.tv_sec * NS_PER_S + left.tv_nsec;
}

static void call_open(struct rpc_call *c)
{
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    char *peer;

    if (!c->method)
        c->deadline = c->details.deadline;
    c->q.started_ns = c->q.handling_ns = call_monotonic_ns(&c->ctx);
    c->ctx.deadline_ns = deadline_of(c, c->q.started_ns);
    if ((peer = grpc_call_get_peer(c->core)) != NULL) {
        char *copy = arena_cstr(&c->ctx.arena, str_of(peer));

        c->ctx.peer = copy ? copy : "";
        gpr_free(peer);
    }
    atomic_store_explicit(&c->holds, 1, memory_order_relaxed);
    op.data.recv_close_on_server.cancelled = &c->core_cancelled;
    rpc_batch(c, &op, 1, &c->on_close);
}

/* Why the call cannot be served at all. STATUS_OK: it can. */
static enum status admit(struct rpc_call *c)
{
    struct rpc_server *s = c->server;
    long long n_own = atomic_load(&s->n_own), n_live = atomic_load(&s->n_live) - n_own;

    if (!c->method) {
        atomic_fetch_add(&s->n_unknown, 1);
        return call_fail_as(&c->ctx, STATUS_UNIMPLEMENTED, "UNKNOWN_METHOD",
                            "no such method on this server");
    }
    /* Health and reflection ask nobody who calls: they fill their own measure, not that of others,
     * and a probe that only asks is always answered. */
    if (c->method->own ? is_stream(c->method) && n_own > s->o.n_calls : n_live > s->o.n_calls) {
        atomic_fetch_add(&s->n_busy, 1);
        call_retry_after(&c->ctx, BUSY_RETRY_MS);
        return call_fail_as(&c->ctx, STATUS_EXHAUSTED, "TOO_MANY_CALLS",
                            "more than %d calls at once", s->o.n_calls);
    }
    if (rpc_metadata_bytes(c) > s->o.metadata_bytes)
        return call_fail_as(&c->ctx, STATUS_EXHAUSTED, "METADATA_TOO_LARGE",
                            "metadata of more than %zu bytes", s->o.metadata_bytes);
    return STATUS_OK;
}

static void on_new(struct rpc_call *c, bool ok)
{
    struct rpc_server *s = c->server;

    if (!ok) { /* the server is shutting down and hands its posted requests back */
        c->core = NULL;
        rpc_call_recycle(c);
        atomic_fetch_sub(&s->n_posted, 1);
        return;
    }
    if (is_own(c))
        atomic_fetch_add(&s->n_own, 1);
    atomic_fetch_add(&s->n_live, 1);
    atomic_fetch_add_explicit(&s->n_calls, 1, memory_order_relaxed);
    c->loop->n_live++;
    rpc_request_taken(c->loop, c->method); /* first of all: the next call must find a request */
    atomic_fetch_sub(&s->n_posted, 1);
    call_open(c);
    c->job.lane = s->o.lane ? s->o.lane(&c->q) : 0;
    if (admit(c) != STATUS_OK || (s->o.shed && s->o.shed(&c->q) != STATUS_OK) ||
        (is_stream(c->method) && !rpc_timers_reserve(c->loop) && call_nomem(&c->ctx) != STATUS_OK))
        rpc_call_refuse(c);
    else if (is_stream(c->method))
        rpc_stream_begin((struct rpc_stream *)c);
    else
        rpc_unary_begin(c);
}

static void on_close(struct rpc_call *c, bool ok)
{
    (void)ok;
    if (c->core_cancelled) {
        atomic_store(&c->cancelled, true);
        atomic_fetch_add_explicit(&c->server->n_cancelled, 1, memory_order_relaxed);
    }
    if (is_stream(c->method) && c->on_sent.run != on_refused)
        rpc_stream_closed((struct rpc_stream *)c);
    rpc_hold_drop(c, 1);
}

void rpc_call_refuse(struct rpc_call *c)
{
    grpc_op ops[2] = {rpc_headers_op(c)};
    grpc_slice text;

    c->on_sent.run = on_refused;
    rpc_status_op(c, c->ctx.fault.status, &ops[1], &text);
    rpc_batch(c, ops, 2, &c->on_sent);
    grpc_slice_unref(text);
}

static void on_refused(struct rpc_call *c, bool ok)
{
    (void)ok;
    rpc_hold_drop(c, 2); /* of the batch and of the call's life */
}

void rpc_hold_drop(struct rpc_call *c, int n)
{
    struct rpc_server *s = c->server;
    bool own = is_own(c);

    if (atomic_fetch_sub(&c->holds, n) != n)
        return;
    grpc_call_unref(c->core);
    c->core = NULL;
    c->loop->n_live--;
    rpc_call_recycle(c);
    atomic_fetch_sub(&s->n_live, 1);
    if (own)
        atomic_fetch_sub(&s->n_own, 1);
}

void rpc_call_clear(struct rpc_call *c)
{
    if (c->in)
        grpc_byte_buffer_destroy(c->in);
    if (c->sending)
        grpc_byte_buffer_destroy(c->sending);
    c->in = c->sending = NULL;
    rpc_metadata_free(&c->headers);
    rpc_metadata_free(&c->trailers);
    if (!c->method)
        grpc_call_details_destroy(&c->details);
}

void rpc_call_free(struct rpc_call *c)
{
    grpc_metadata_array_destroy(&c->metadata);
    call_release(&c->ctx);
    free(c);
}

void rpc_call_recycle(struct rpc_call *c)
{
    struct rpc_loop *l = c->loop;

    assert(!c->core);
    rpc_call_clear(c);
    if (is_stream(c->method)) {
        struct rpc_stream *s = (struct rpc_stream *)c;

        if (s->in)
            grpc_byte_buffer_destroy(s->in);
        rpc_send_queue_free(&s->queue);
        rpc_stream_unref(s); /* others may keep the memory */
        return;
    }
    if (l->n_spare_calls == SPARE_CALLS_MAX) {
        rpc_call_free(c);
        return;
    }
    c->next_spare = l->spare_calls;
    l->spare_calls = c;
    l->n_spare_calls++;
}

void rpc_spares_free(struct rpc_loop *l)
{
    for (struct rpc_call *c = l->spare_calls, *next; c; c = next) {
        next = c->next_spare;
        rpc_call_free(c);
    }
    l->spare_calls = NULL;
    l->n_spare_calls = 0;
}
