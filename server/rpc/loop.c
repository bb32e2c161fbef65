/* Loops: one thread and one completion queue each. The first serves alone; the others sleep outside
 * of their queues, where a second poller would only cost wake-ups, until a loop has no time left.
 */
#include <fcntl.h>
#include <grpc/support/time.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "rpc/internal.h"

enum {
    LOAD_EVENTS = 64, /* between two looks at the clock */
    LOAD_WINDOW_MS = 100,
    LOAD_WINDOWS = 3,  /* busy ones in a row before help comes */
    LOAD_PERCENT = 80, /* of a window without rest */
    LOAD_CALLS = 100,  /* new calls in a window that make help worth it */
    SCHEDSTAT_BYTES = 96,
};

static const int64_t ns_per_ms = 1000000;

void rpc_loop_add(struct rpc_loop *l, struct rpc_stream *s)
{
    s->prev = NULL;
    if ((s->next = l->streams) != NULL)
        s->next->prev = s;
    l->streams = s;
}

void rpc_loop_remove(struct rpc_loop *l, struct rpc_stream *s)
{
    *(s->prev ? &s->prev->next : &l->streams) = s->next;
    if (s->next)
        s->next->prev = s->prev;
}

/* How long this thread has run or wanted to: on a busy machine a loop without a moment's rest may
 * get little of the processor, and still needs help. Falls back to the time it ran. */
static int64_t wanted_ns(const struct rpc_loop *l)
{
    char text[SCHEDSTAT_BYTES], *end;
    ssize_t n = l->schedstat_fd < 0 ? 0 : pread(l->schedstat_fd, text, sizeof text - 1, 0);
    struct timespec t;
    long long ran;

    if (n > 0) {
        text[n] = 0;
        ran = strtoll(text, &end, 10);
        return ran + strtoll(end, NULL, 10); /* the second number is the time in the run queue */
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void wake_next(struct rpc_server *s)
{
    pthread_mutex_lock(&s->lock);
    if (s->n_awake < s->o.n_loops)
        s->n_awake++;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

/* Every few events: a loop that hardly rested for several windows gets help - if calls keep coming,
 * for another loop takes new calls only, and costs the streams of this one its polling. */
static void measure_load(struct rpc_loop *l)
{
    int64_t now, wanted, window;
    bool busy;

    if (++l->n_events % LOAD_EVENTS)
        return;
    now = rpc_monotonic_ns();
    window = now - l->load_wall_ns;
    if (window < LOAD_WINDOW_MS * ns_per_ms)
        return;
    wanted = wanted_ns(l);
    busy = (wanted - l->load_wanted_ns) * 100 > window * LOAD_PERCENT &&
           l->n_opened * LOAD_WINDOW_MS * ns_per_ms > LOAD_CALLS * window;
    l->n_busy_windows = busy ? l->n_busy_windows + 1 : 0;
    l->load_wall_ns = now;
    l->load_wanted_ns = wanted;
    l->n_opened = 0;
    if (l->n_busy_windows < LOAD_WINDOWS)
        return;
    l->n_busy_windows = 0;
    wake_next(l->server);
}

static void sweep(struct rpc_loop *l, int64_t ms)
{
    for (struct rpc_stream *s = l->streams, *next; s; s = next) {
        next = s->next; /* a sweep ends s at most, never its neighbour */
        rpc_stream_sweep(s, ms);
    }
}

static void run_timers(struct rpc_loop *l)
{
    int64_t now, period;

    if (l->n_timers == 0 && !l->streams)
        return;
    now = rpc_monotonic_ns();
    period = atomic_load(&l->server->draining) ? DRAIN_SWEEP_MS : SWEEP_MS;
    if (l->sweep_ns > now + period * ns_per_ms)
        l->sweep_ns = now + period * ns_per_ms; /* the drain began */
    for (struct rpc_stream *s; (s = rpc_timer_due(l, now)) != NULL;)
        rpc_stream_timer(s);
    if (now < l->sweep_ns)
        return;
    if (l->sweep_ns)
        sweep(l, period);
    l->sweep_ns = now + period * ns_per_ms;
}

/* When the queue must return at the latest. */
static gpr_timespec next_deadline(const struct rpc_loop *l)
{
    int64_t at;

    if (l->n_timers == 0 && !l->streams)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    at = l->sweep_ns;
    if (l->n_timers && l->timers[0]->timer_ns < at)
        at = l->timers[0]->timer_ns;
    return gpr_time_from_nanos(at, GPR_CLOCK_MONOTONIC);
}

/* False: the server stopped before this loop was needed. */
static bool await_turn(struct rpc_loop *l)
{
    struct rpc_server *s = l->server;
    bool awake;

    pthread_mutex_lock(&s->lock);
    while (s->n_awake <= l->index && !s->stopped)
        pthread_cond_wait(&s->changed, &s->lock);
    awake = s->n_awake > l->index;
    pthread_mutex_unlock(&s->lock);
    return awake;
}

static void post_requests(struct rpc_loop *l)
{
    struct rpc_server *s = l->server;

    for (size_t i = 0; i < s->n_methods; i++) {
        const struct rpc_method *m = &s->methods[i];
        int n = m->row->execution == METHOD_ON_LOOP ? POSTED_ON_LOOP : POSTED_ON_WORKER;

        while (n--)
            rpc_request_post(l, m);
    }
    for (int n = 0; n < POSTED_GENERIC; n++)
        rpc_request_post(l, NULL);
}

static void *loop_main(void *arg)
{
    struct rpc_loop *l = arg;

    if (await_turn(l))
        post_requests(l);
    l->load_wall_ns = rpc_monotonic_ns();
    l->schedstat_fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    l->load_wanted_ns = wanted_ns(l);
    for (;;) {
        grpc_event e = grpc_completion_queue_next(l->cq, next_deadline(l), NULL);
        struct rpc_tag *tag = e.tag;

        if (e.type == GRPC_QUEUE_SHUTDOWN)
            break;
        if (e.type == GRPC_OP_COMPLETE && tag == &l->server->on_shutdown)
            atomic_store(&l->server->shut, true);
        else if (e.type == GRPC_OP_COMPLETE) {
            ORDER_AFTER(tag);
            tag->run(tag->call, e.success);
        }
        run_timers(l);
        measure_load(l);
    }
    rpc_spares_free(l);
    free(l->timers);
    if (l->schedstat_fd >= 0)
        close(l->schedstat_fd);
    return NULL;
}

enum status rpc_loops_start(struct rpc_server *s)
{
    s->n_awake = 1;
    for (int i = 0; i < s->o.n_loops; i++) {
        if (pthread_create(&s->loops[i].thread, NULL, loop_main, &s->loops[i]) != 0)
            return STATUS_EXHAUSTED;
        s->loops[i].started = true;
    }
    return STATUS_OK;
}

void rpc_loops_join(struct rpc_server *s)
{
    pthread_mutex_lock(&s->lock);
    s->stopped = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    for (int i = 0; i < s->o.n_loops; i++)
        grpc_completion_queue_shutdown(s->loops[i].cq);
    for (int i = 0; i < s->o.n_loops; i++) {
        if (s->loops[i].started)
            pthread_join(s->loops[i].thread, NULL);
    }
}
