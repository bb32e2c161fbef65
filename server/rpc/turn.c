/* Streams as actors: next_event() reads the facts and says what is due, a turn runs events until
 * none is, and whoever holds `running` takes the turn: the loop, or one worker at a time. */
#include <grpc/byte_buffer.h>

#include "rpc/internal.h"

enum { BUSY_RETRY_MS = 1000, IDLE_WRITABLE_MS = 10 };

static const int64_t ns_per_ms = 1000000;

enum event {
    EV_NONE,
    EV_ENTER, /* interceptors */
    EV_OPEN,
    EV_MESSAGE,
    EV_HALF_CLOSE,
    EV_WRITABLE,
    EV_EVICT,
    EV_DONE,
};

enum place { ON_LOOP, ON_WORKER };

static bool may_write(const struct rpc_stream *s)
{
    const struct rpc_method *m = s->call.method;

    if (!m->hooks->writable || (m->reads_one && !s->halved))
        return false;
    return (!s->sleeping || s->woken) && s->queue.bytes < s->call.server->o.send_low_bytes;
}

/* What to run now. Lock held. */
static enum event next_event(const struct rpc_stream *s)
{
    if (s->gone)
        return EV_NONE;
    if (s->closed && !s->busy && (s->status_sent || s->lost))
        return EV_DONE;
    if (s->lost)
        return EV_NONE;
    if (s->evict == EVICT_SLOW_READER || (s->evict != EVICT_NONE && !s->ending))
        return EV_EVICT;
    if (s->ending)
        return EV_NONE;
    if (!s->entered)
        return EV_ENTER;
    if (!s->opened)
        return EV_OPEN;
    if (s->in)
        return EV_MESSAGE;
    if (s->half_closed && !s->halved)
        return EV_HALF_CLOSE;
    return may_write(s) ? EV_WRITABLE : EV_NONE;
}

static enum place place_of(const struct rpc_stream *s, enum event e)
{
    if (e == EV_NONE || e == EV_EVICT || s->call.method->own)
        return ON_LOOP;
    if (e == EV_ENTER && s->call.server->before_blocks)
        return ON_WORKER;
    return s->call.method->row->execution == METHOD_ON_LOOP ? ON_LOOP : ON_WORKER;
}

static enum status deliver(struct rpc_stream *s)
{
    struct rpc_call *c = &s->call;
    const struct rpc_method *m = c->method;
    grpc_byte_buffer *bytes = s->in;
    ProtobufCMessage *in;
    enum status st;

    if ((st = rpc_decode(c, &s->scratch, bytes, &in)) == STATUS_OK &&
        (st = rpc_inspect(c, in)) == STATUS_OK)
        st = m->row->message(&c->ctx, m->handlers, m->self, s, in);
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
    enum status st = c->method->hooks->writable(&c->ctx, c->method->self, s);

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
    return c->deadline_ns && call_monotonic_ns(c) >= c->deadline_ns
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

static enum status run_event(struct rpc_stream *s, enum event e)
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
    case EV_DONE: end(s); return STATUS_OK;
    case EV_NONE: break;
    }
    return STATUS_OK;
}

/* Marks e as delivered before it runs. Lock held. */
static void note_start(struct rpc_stream *s, enum event e)
{
    s->entered |= e == EV_ENTER;
    s->opened |= e == EV_OPEN;
    s->halved |= e == EV_HALF_CLOSE;
    if (e == EV_WRITABLE)
        s->sleeping = s->woken = false; /* a wake from here on counts for the next wait */
}

/* Takes over what the handler asked for. */
static void note_end(struct rpc_stream *s, enum event e, enum status st)
{
    bool end_now;

    if (st == STATUS_OK)
        st = s->send_failed;
    arena_reset(&s->scratch);
    pthread_mutex_lock(&s->lock);
    end_now = !s->ending && e != EV_DONE && (st != STATUS_OK || s->finish_wanted);
    if (end_now) {
        s->ending = true;
        s->end_status = st;
    }
    if (s->wait_wanted) {
        s->sleeping = true;
        s->wake_ns = s->wait_ms < 0 ? 0 : rpc_monotonic_ns() + s->wait_ms * ns_per_ms;
        s->wait_wanted = false;
    }
    s->evict = e == EV_EVICT ? EVICT_NONE : s->evict;
    s->gone = e == EV_DONE;
    pthread_mutex_unlock(&s->lock);
    if (end_now)
        rpc_stream_pump(s);
}

/* Lock held, and released. `running` stays set: the other side goes on. */
static void hand_over(struct rpc_stream *s, enum place to)
{
    struct rpc_call *c = &s->call;

    if (to == ON_WORKER) {
        pthread_mutex_unlock(&s->lock);
        worker_pool_push(c->server->workers, &c->job);
        return;
    }
    s->handed = true;
    if (s->posted) {
        pthread_mutex_unlock(&s->lock);
        return;
    }
    s->posted = true;
    rpc_hold(c);
    pthread_mutex_unlock(&s->lock);
    rpc_batch_held(c, NULL, 0, &s->on_posted); /* an empty batch only queues its tag */
}

static bool wants_read(const struct rpc_stream *s)
{
    if (s->call.method->reads_one || s->reading || s->half_closed || s->in || !s->opened)
        return false;
    return !s->ending && !s->lost && !s->closed &&
           s->queue.bytes < s->call.server->o.send_low_bytes;
}

/* A stream that is awake, or can write no more, must not be woken: its timer would fire for ever.
 */
static bool wants_timer(const struct rpc_stream *s)
{
    return s->sleeping && s->wake_ns && !s->woken && !s->ending && !s->lost;
}

/* Nothing is due: read on, and let others run the stream. Lock held, and released. */
static void rest(struct rpc_stream *s, enum place here)
{
    struct rpc_call *c = &s->call;
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    bool read = wants_read(s);
    bool timer = wants_timer(s);
    int64_t wake_ns = s->wake_ns;

    if (timer && here == ON_WORKER) { /* timers are the loop's */
        hand_over(s, ON_LOOP);
        return;
    }
    s->running = false;
    s->reading |= read;
    if (read)
        rpc_hold(c);
    pthread_mutex_unlock(&s->lock);
    if (timer)
        rpc_timer_set(s, wake_ns); /* on the loop, the only one to bury it meanwhile */
    op.data.recv_message.recv_message = &s->arriving;
    if (read)
        rpc_batch_held(c, &op, 1, &s->on_recv);
}

static bool flush_headers(struct rpc_stream *s)
{
    if (!s->opened || !s->call.headers_left || s->ending || s->lost || s->headers_due)
        return false;
    s->headers_due = true;
    return true;
}

/* After `done`, on the loop: the last that happens to a stream but for batches that come back. Lock
 * held, and released. */
static void bury(struct rpc_stream *s, enum place here)
{
    if (here == ON_WORKER) {
        hand_over(s, ON_LOOP);
        return;
    }
    pthread_mutex_unlock(&s->lock);
    rpc_timer_clear(s);
    rpc_loop_remove(s->call.loop, s);
    rpc_hold_drop(&s->call, 1); /* of the call's life */
}

/* Runs events; the caller has taken `running`. */
static void turn(struct rpc_stream *s, enum place here)
{
    for (int n = 0;; n++) {
        enum event e;
        enum place place;

        pthread_mutex_lock(&s->lock);
        e = next_event(s);
        place = e == EV_NONE || e == EV_EVICT ? here : place_of(s, e);
        if (s->gone) {
            bury(s, here);
            return;
        }
        if (e == EV_NONE && flush_headers(s)) {
            pthread_mutex_unlock(&s->lock);
            rpc_stream_pump(s);
            continue;
        }
        if (e == EV_NONE) {
            rest(s, here);
            return;
        }
        if (place != here || (n >= EVENTS_PER_TURN && here == ON_WORKER)) {
            hand_over(s, place);
            return;
        }
        note_start(s, e);
        pthread_mutex_unlock(&s->lock);
        note_end(s, e, run_event(s, e));
    }
}

void rpc_stream_job(struct job *j)
{
    turn((struct rpc_stream *)((char *)j - offsetof(struct rpc_call, job)), ON_WORKER);
}

void rpc_stream_run(struct rpc_stream *s)
{
    bool idle;

    pthread_mutex_lock(&s->lock);
    idle = !s->running && !s->gone;
    s->running |= idle;
    pthread_mutex_unlock(&s->lock);
    if (idle)
        turn(s, ON_LOOP);
}

void rpc_stream_posted(struct rpc_call *c, bool ok)
{
    struct rpc_stream *s = (struct rpc_stream *)c;
    bool mine;

    (void)ok;
    pthread_mutex_lock(&s->lock);
    mine = s->handed || (!s->running && !s->gone);
    s->posted = s->handed = false;
    s->running |= mine;
    pthread_mutex_unlock(&s->lock);
    if (mine)
        turn(s, ON_LOOP);
    rpc_hold_drop(c, 1);
}

void rpc_stream_begin(struct rpc_stream *s)
{
    struct rpc_call *c = &s->call;

    c->on_sent.run = rpc_stream_sent;
    c->job.run = rpc_stream_job;
    rpc_loop_add(c->loop, s);
    if (c->method->reads_one) {
        s->in = c->in;
        c->in = NULL;
        s->half_closed = true;
    }
    s->running = true;
    if (place_of(s, EV_ENTER) == ON_LOOP) {
        turn(s, ON_LOOP);
        return;
    }
    if (worker_pool_offer(c->server->workers, &c->job))
        return;
    atomic_fetch_add(&c->server->n_busy, 1);
    call_retry_after(&c->ctx, BUSY_RETRY_MS);
    s->ending = true;
    s->end_status = call_fail_as(&c->ctx, STATUS_EXHAUSTED, "TOO_MANY_CALLS",
                                 "%d calls wait for a worker", c->server->o.n_queued);
    rpc_stream_pump(s);
    turn(s, ON_LOOP);
}

void rpc_stream_wake(struct rpc_stream *s)
{
    enum place to = place_of(s, EV_WRITABLE);

    pthread_mutex_lock(&s->lock);
    s->woken = true;
    if (s->gone || s->running || !s->sleeping || (to == ON_LOOP && s->posted)) {
        pthread_mutex_unlock(&s->lock);
        return;
    }
    s->running = true;
    hand_over(s, to);
}
