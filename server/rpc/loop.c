/* Loops: one thread and one completion queue each. The first serves alone; the others sleep outside
 * of their queues, where a second poller would only cost wake-ups, until a loop has no time left.
 *
 * Helpers take unary calls. One that is not needed any more asks for no more calls. The core cannot
 * take back the requests posted before, so until these are used up it looks into its queue between
 * naps.
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
    LOAD_WINDOWS = 3,    /* busy ones in a row before help comes */
    LOAD_PERCENT = 80,   /* of a window without rest */
    QUIET_CALLS_S = 100, /* new calls per second below which a helper retires */
    NAP_MS = 10,         /* how long the last calls of a retired loop may have to wait: at first, */
    NAP_MOST_MS = 40,    /* and when none came for some naps */
    SCHEDSTAT_BYTES = 96,
};

static const int64_t ns_per_ms = 1000000;

void rpc_loop_add(struct rpc_loop *l, struct rpc_stream *s)
{
    s->prev = NULL;
    if ((s->next = l->streams) != NULL)
        s->next->prev = s;
    l->streams = s;
    l->n_streams++;
}

void rpc_loop_remove(struct rpc_loop *l, struct rpc_stream *s)
{
    *(s->prev ? &s->prev->next : &l->streams) = s->next;
    if (s->next)
        s->next->prev = s->prev;
    l->n_streams--;
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

static bool is_retired(const struct rpc_loop *l)
{
    return l->index >= atomic_load_explicit(&l->server->n_awake, memory_order_relaxed);
}

/* The last loop that was woken goes back to sleep when few calls came to it for a while. */
static void retire_if_quiet(struct rpc_loop *l)
{
    struct rpc_server *s = l->server;
    int64_t now = rpc_monotonic_ns(), ms = (now - l->quiet_wall_ns) / ns_per_ms;

    if (ms < s->o.loop_quiet_ms)
        return;
    pthread_mutex_lock(&s->lock);
    if (s->n_awake == l->index + 1 && l->n_opened_quiet * 1000 < QUIET_CALLS_S * ms)
        s->n_awake--;
    pthread_mutex_unlock(&s->lock);
    l->quiet_wall_ns = now;
    l->n_opened_quiet = 0;
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
           l->n_opened * 1000 * ns_per_ms > l->server->o.loop_help_calls * window;
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
    int64_t at = INT64_MAX;

    if (l->n_timers || l->streams)
        at = l->sweep_ns;
    if (l->n_timers && l->timers[0]->timer_ns < at)
        at = l->timers[0]->timer_ns;
    if (l->index > 0 && !is_retired(l) &&
        at > l->quiet_wall_ns + l->server->o.loop_quiet_ms * ns_per_ms)
        at = l->quiet_wall_ns + l->server->o.loop_quiet_ms * ns_per_ms;
    return at == INT64_MAX ? gpr_inf_future(GPR_CLOCK_MONOTONIC)
                           : gpr_time_from_nanos(at, GPR_CLOCK_MONOTONIC);
}

/* Outside of the queue, until the loop is needed again or for a while. */
static void nap(struct rpc_loop *l, int ms)
{
    struct rpc_server *s = l->server;
    int64_t at = rpc_monotonic_ns() + ms * ns_per_ms;
    struct timespec until = {at / 1000000000, at % 1000000000};
    int error = 0;

    pthread_mutex_lock(&s->lock);
    while (s->n_awake <= l->index && !s->stopped && !error)
        error = pthread_cond_timedwait(&s->changed, &s->lock, &until);
    pthread_mutex_unlock(&s->lock);
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

/* Streams are the first loop's: one that lives long would keep a helper awake, and cost all others
 * their cheap polling. */
static int wanted_posts(const struct rpc_loop *l, const struct rpc_method *m)
{
    if (!m)
        return POSTED_GENERIC;
    if (m->hooks && l->index > 0)
        return 0;
    return m->row->execution == METHOD_ON_LOOP ? POSTED_ON_LOOP : POSTED_ON_WORKER;
}

/* All that are missing: at first, and when a retired loop is called back. */
static void post_requests(struct rpc_loop *l)
{
    struct rpc_server *s = l->server;

    for (size_t i = 0; i <= s->n_methods; i++) {
        const struct rpc_method *m = i < s->n_methods ? &s->methods[i] : NULL;

        for (int n = wanted_posts(l, m) - l->n_posted[i]; n > 0; n--)
            rpc_request_post(l, m);
    }
}

void rpc_request_taken(struct rpc_loop *l, const struct rpc_method *m)
{
    l->n_posted[m ? (size_t)(m - l->server->methods) : l->server->n_methods]--;
    l->n_opened++;
    l->n_opened_quiet++;
    if (is_retired(l))
        l->retired = true;
    else
        rpc_request_post(l, m);
}

/* After every event: does this loop stay, or come back? */
static void tend(struct rpc_loop *l, bool timeout)
{
    if (l->index == 0)
        return;
    if (is_retired(l)) {
        l->retired = true;
    } else if (l->retired) {
        l->retired = false;
        l->quiet_wall_ns = rpc_monotonic_ns();
        l->n_opened_quiet = 0;
        post_requests(l);
    } else if (timeout || l->n_events % LOAD_EVENTS == 0) {
        retire_if_quiet(l);
    }
}

static void *loop_main(void *arg)
{
    struct rpc_loop *l = arg;
    int nap_ms = NAP_MS;

    if (await_turn(l))
        post_requests(l);
    l->load_wall_ns = l->quiet_wall_ns = rpc_monotonic_ns();
    l->schedstat_fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    l->load_wanted_ns = wanted_ns(l);
    for (;;) {
        bool napping = is_retired(l) && l->n_live == 0 && !atomic_load(&l->server->draining);
        grpc_event e = grpc_completion_queue_next(
            l->cq, napping ? gpr_time_0(GPR_CLOCK_MONOTONIC) : next_deadline(l), NULL);
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
        if (!napping || e.type != GRPC_QUEUE_TIMEOUT)
            nap_ms = NAP_MS;
        else
            nap(l, nap_ms = nap_ms * 2 < NAP_MOST_MS ? nap_ms * 2 : NAP_MOST_MS);
        tend(l, e.type == GRPC_QUEUE_TIMEOUT);
    }
    rpc_spares_free(l);
    free(l->n_posted);
    free(l->timers);
    if (l->schedstat_fd >= 0)
        close(l->schedstat_fd);
    return NULL;
}

enum status rpc_loops_start(struct rpc_server *s)
{
    s->n_awake = 1;
    for (int i = 0; i < s->o.n_loops; i++) {
        s->loops[i].n_posted = calloc(s->n_methods + 1, sizeof *s->loops[i].n_posted);
        if (!s->loops[i].n_posted)
            return STATUS_EXHAUSTED;
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
