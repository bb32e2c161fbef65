/* Streams: what the loop learns about them becomes facts under their lock (turn.c acts on them),
 * and what their handlers may ask for. */
#include <assert.h>
#include <grpc/byte_buffer.h>

#include "rpc/internal.h"

enum { QUIET_MS = 1000, QUIET_OWN_MS = 200 };

static void on_recv(struct rpc_call *c, bool ok)
{
    struct rpc_stream *s = (struct rpc_stream *)c;
    bool last = ok && !s->arriving && !grpc_call_failed_before_recv_message(c->core);

    pthread_mutex_lock(&s->lock);
    s->reading = false;
    s->half_closed |= last; /* a cancelled read looks the same, but must not end the input */
    s->n_moves++;
    s->in = s->arriving;
    s->arriving = NULL;
    pthread_mutex_unlock(&s->lock);
    rpc_stream_run(s);
    rpc_hold_drop(c, 1);
}

/* Both halves are done: the answer was taken, the next message is here. */
static void on_coupled(struct rpc_call *c, bool ok)
{
    struct rpc_stream *s = (struct rpc_stream *)c;

    grpc_byte_buffer_destroy(s->answer);
    s->answer = NULL;
    pthread_mutex_lock(&s->lock);
    s->coupled = false;
    s->queue.bytes -= s->in_flight_bytes;
    s->in_flight_bytes = 0;
    s->lost |= !ok;
    pthread_mutex_unlock(&s->lock);
    on_recv(c, ok);
}

void rpc_stream_closed(struct rpc_stream *s)
{
    pthread_mutex_lock(&s->lock);
    s->closed = true;
    if (s->call.core_cancelled || !s->status_sent)
        s->lost = true;
    pthread_mutex_unlock(&s->lock);
    rpc_stream_run(s);
}

void rpc_stream_timer(struct rpc_stream *s)
{
    int64_t later_ns;

    pthread_mutex_lock(&s->lock);
    later_ns = s->sleeping ? s->wake_ns : 0; /* it may have slept anew since the timer was set */
    s->woken |= s->sleeping && later_ns && later_ns <= rpc_monotonic_ns();
    if (s->woken || !s->sleeping)
        later_ns = 0;
    pthread_mutex_unlock(&s->lock);
    if (later_ns)
        rpc_timer_set(s, later_ns);
    else
        rpc_stream_run(s);
}

void rpc_stream_sweep(struct rpc_stream *s, int64_t ms)
{
    const struct rpc_server *server = s->call.server;
    bool moved, stalled, quiet, look;

    pthread_mutex_lock(&s->lock);
    moved = s->n_moves != s->swept_moves;
    s->swept_moves = s->n_moves;
    s->stalled_ms = s->busy && !moved ? s->stalled_ms + ms : 0;
    s->quiet_ms = !s->running && !moved && atomic_load(&server->draining) ? s->quiet_ms + ms : 0;
    stalled = s->stalled_ms >= server->o.slow_reader_ms;
    quiet = s->quiet_ms >= (s->call.method->own ? QUIET_OWN_MS : QUIET_MS);
    if (stalled || quiet)
        s->evict = stalled ? EVICT_SLOW_READER : EVICT_DRAINING;
    s->idle_ms = moved || s->running || s->call.method->own ? 0 : s->idle_ms + ms;
    look = s->idle_ms >= IDLE_LOOK_MS;
    if (look)
        s->idle_ms = 0;
    s->look_due |= look;
    pthread_mutex_unlock(&s->lock);
    if (stalled || quiet || look)
        rpc_stream_run(s);
}

void rpc_stream_init(struct rpc_stream *s)
{
    pthread_mutex_init(&s->lock, NULL);
    atomic_store(&s->refs, 1);
    s->answers = !s->call.method->hooks->writable &&
                 (s->call.method->own || s->call.method->row->execution == METHOD_ON_LOOP);
    arena_init(&s->scratch, s->call.server->o.arena_bytes);
    s->on_recv = (struct rpc_tag){on_recv, &s->call};
    s->on_coupled = (struct rpc_tag){on_coupled, &s->call};
    s->on_posted = (struct rpc_tag){rpc_stream_posted, &s->call};
}

void rpc_stream_finish(struct rpc_stream *s)
{
    s->finish_wanted = true;
}

void rpc_stream_wait(struct rpc_stream *s, int64_t after_ms)
{
    s->wait_wanted = true;
    s->wait_ms = after_ms > INT32_MAX ? -1 : after_ms;
}

void rpc_stream_ref(struct rpc_stream *s)
{
    atomic_fetch_add(&s->refs, 1);
}

void rpc_stream_unref(struct rpc_stream *s)
{
    if (atomic_fetch_sub(&s->refs, 1) != 1)
        return;
    assert(!s->call.core);
    arena_release(&s->scratch);
    pthread_mutex_destroy(&s->lock);
    rpc_call_free(&s->call);
}

void rpc_stream_set_state(struct rpc_stream *s, void *state)
{
    s->state = state;
}

void *rpc_stream_state(const struct rpc_stream *s)
{
    return s->state;
}

struct arena *rpc_stream_scratch(struct rpc_stream *s)
{
    return &s->scratch;
}
