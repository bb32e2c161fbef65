/* Streams as actors: next_event() reads the facts and says what is due, a turn runs events until
 * none is, and whoever holds `running` takes the turn: the loop, or one worker at a time. */
#include <grpc/byte_buffer.h>

#include "rpc/internal.h"

enum { BUSY_RETRY_MS = 1000 };

static const int64_t ns_per_ms = 1000000;

enum place { ON_LOOP, ON_WORKER };

static bool may_write(const struct rpc_stream *s)
{
    const struct rpc_method *m = s->call.method;

    if (!m->hooks->writable || (m->reads_one && !s->halved))
        return false;
    return (!s->sleeping || s->woken) && s->queue.bytes < s->call.server->o.send_low_bytes;
}

/* What to run now. Lock held. */
static enum rpc_event next_event(const struct rpc_stream *s)
{
    if (s->gone)
        return EV_NONE;
    if (s->closed && !s->busy && !s->coupled && (s->status_sent || s->lost))
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
    if (s->look_due)
        return EV_AGAIN;
    if (s->in)
        return EV_MESSAGE;
    if (s->half_closed && !s->halved)
        return EV_HALF_CLOSE;
    return may_write(s) ? EV_WRITABLE : EV_NONE;
}

static enum place place_of(const struct rpc_stream *s, enum rpc_event e)
{
    if (e == EV_NONE || e == EV_EVICT || s->call.method->own)
        return ON_LOOP;
    if (e == EV_ENTER && s->call.server->before_blocks)
        return ON_WORKER;
    return s->call.method->row->execution == METHOD_ON_LOOP ? ON_LOOP : ON_WORKER;
}

/* Marks e as delivered before it runs. Lock held. */
static void note_start(struct rpc_stream *s, enum rpc_event e)
{
    s->entered |= e == EV_ENTER;
    s->opened |= e == EV_OPEN;
    s->halved |= e == EV_HALF_CLOSE;
    s->look_due &= e != EV_AGAIN;
    if (e == EV_WRITABLE)
        s->sleeping = s->woken = false; /* a wake from here on counts for the next wait */
}

/* Takes over what the handler asked for. */
static void note_end(struct rpc_stream *s, enum rpc_event e, enum status st)
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

/* A stream that only answers, on the loop, and just did: the answer and the next read share a
 * batch, which saves the core an eighth of its work per message. Nothing else can be sent before
 * the next message comes, but for the status. */
static bool may_couple(const struct rpc_stream *s)
{
    return s->answers && s->queue.n == 1 && !s->busy && wants_read(s);
}

/* What the last events queued must go out by itself. */
static bool must_pump(const struct rpc_stream *s)
{
    return s->queue.n > 0 && !may_couple(s) && rpc_stream_is_sendable(s);
}

/* Marks what is about to be read, and sent with it; returns the batch. Lock held. */
static size_t read_ops(struct rpc_stream *s, grpc_op ops[2])
{
    size_t n = 0;

    if (!wants_read(s))
        return 0;
    if (may_couple(s)) {
        s->answer = rpc_stream_next(s);
        s->coupled = true;
        s->n_moves++;
        ops[n] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE};
        ops[n++].data.send_message.send_message = s->answer;
    }
    s->reading = true;
    rpc_hold(&s->call);
    ops[n] = (grpc_op){.op = GRPC_OP_RECV_MESSAGE};
    ops[n++].data.recv_message.recv_message = &s->arriving;
    return n;
}

/* Nothing is due: read on, and let others run the stream. Lock held, and released. */
static void rest(struct rpc_stream *s, enum place here)
{
    bool timer = wants_timer(s);
    int64_t wake_ns = s->wake_ns;
    grpc_op ops[2];
    size_t n;

    if (timer && here == ON_WORKER) { /* timers are the loop's */
        hand_over(s, ON_LOOP);
        return;
    }
    s->running = false;
    n = read_ops(s, ops);
    pthread_mutex_unlock(&s->lock);
    if (timer)
        rpc_timer_set(s, wake_ns); /* on the loop, the only one to bury it meanwhile */
    if (n)
        rpc_batch_held(&s->call, ops, n, n == 2 ? &s->on_coupled : &s->on_recv);
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
        enum rpc_event e;
        enum place place;

        pthread_mutex_lock(&s->lock);
        e = next_event(s);
        place = e == EV_NONE || e == EV_EVICT ? here : place_of(s, e);
        if (s->gone) {
            bury(s, here);
            return;
        }
        if (e == EV_NONE && (flush_headers(s) || must_pump(s))) {
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
        note_end(s, e, rpc_stream_event(s, e));
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
