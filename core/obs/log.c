/*
 * Two buffers: callers append to one, the writer swaps it for the empty other one and writes it out
 * in one go. So the lock is held for a copy of some hundred bytes, and a burst costs few system
 * calls.
 */
#include "obs/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "obs/bucket.h"
#include "obs/line.h"
#include "obs/trace.h"

static const struct {
    const char *name;
    struct bucket_rate rate;
} events[LOG_N_EVENTS] = {
#define X(id, name, per_second, burst) {name, {1000000000 / (per_second), burst}},
#include "obs/event.def"
#undef X
};

static const char *const level_names[LOG_N_LEVELS] = {
#define X(name, text) text,
    LOG_LEVEL_LIST(X)
#undef X
};

static struct {
    struct bucket buckets[LOG_N_EVENTS];
    _Atomic uint64_t suppressed[LOG_N_EVENTS];
    _Atomic uint64_t written, dropped;
    atomic_int level; /* LOG_N_LEVELS: closed */

    struct log_options options; /* constant while open */
    int fd;                     /* the writer's */
    pthread_t writer;

    pthread_mutex_t lock; /* guards front, n, stop, reopen */
    pthread_cond_t asked;
    char *front;
    size_t n;
    bool stop, reopen;

    char *back; /* the writer's, as is reported: drops already told */
    uint64_t reported;
} the = {
    .level = LOG_N_LEVELS, .lock = PTHREAD_MUTEX_INITIALIZER, .asked = PTHREAD_COND_INITIALIZER};

static int64_t monotonic_ns(const struct call *c)
{
    const struct clock_ops *clock = c ? c->clock : the.options.clock;

    return clock->monotonic_ns(clock);
}

static int64_t now_us(const struct call *c)
{
    const struct clock_ops *clock = c ? c->clock : the.options.clock;

    return clock->now_us(clock);
}

static void append(const struct line *l)
{
    bool fits;

    pthread_mutex_lock(&the.lock);
    fits = l->n <= the.options.buffer_bytes - the.n;
    if (fits) {
        memcpy(the.front + the.n, l->p, l->n);
        if (the.n == 0)
            pthread_cond_signal(&the.asked);
        the.n += l->n;
    }
    pthread_mutex_unlock(&the.lock);
    atomic_fetch_add_explicit(fits ? &the.written : &the.dropped, 1, memory_order_relaxed);
}

static void begin(struct line *l, int64_t time_us, enum log_level level, enum log_event event)
{
    line_begin(l);
    line_time(l, "ts", time_us);
    line_field(l, &(struct log_field)F_STR("level", level_names[level]));
    line_field(l, &(struct log_field)F_STR("event", events[event].name));
}

static void put_call(struct line *l, const struct call *c)
{
    if (trace_is_set(&c->trace)) {
        line_hex(l, "trace_id", c->trace.trace_id, sizeof c->trace.trace_id);
        line_hex(l, "span_id", c->trace.span_id, sizeof c->trace.span_id);
    }
    if (c->principal.tenant[0])
        line_field(l, &(struct log_field)F_STR("tenant", c->principal.tenant));
    if (c->method[0])
        line_field(l, &(struct log_field)F_STR("rpc", c->method));
}

void log_write(const struct call *c, enum log_level level, enum log_event event,
               const struct log_field *fields)
{
    struct line l;
    uint64_t held_back;

    assert(level < LOG_N_LEVELS && event < LOG_N_EVENTS);
    if ((int)level < atomic_load_explicit(&the.level, memory_order_acquire))
        return;
    if (bucket_take(&the.buckets[event], events[event].rate, monotonic_ns(c)) > 0) {
        atomic_fetch_add_explicit(&the.suppressed[event], 1, memory_order_relaxed);
        return;
    }
    begin(&l, now_us(c), level, event);
    if (c)
        put_call(&l, c);
    for (; fields->kind != LOG_END; fields++)
        line_field(&l, fields);
    held_back = atomic_exchange_explicit(&the.suppressed[event], 0, memory_order_relaxed);
    if (held_back)
        line_field(&l, &(struct log_field)F_INT("suppressed", held_back));
    line_end(&l);
    append(&l);
}

static bool write_all(const char *p, size_t n)
{
    while (n) {
        ssize_t done = write(the.fd, p, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        p += done;
        n -= (size_t)done;
    }
    return true;
}

static uint64_t count_lines(const char *p, size_t n)
{
    uint64_t lines = 0;

    for (size_t i = 0; i < n; i++)
        lines += p[i] == '\n';
    return lines;
}

static int open_path(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

/* A path that cannot be opened again keeps the old file: better there than nowhere. */
static void reopen_path(void)
{
    int fd = the.options.path ? open_path(the.options.path) : -1;

    if (fd < 0)
        return;
    close(the.fd);
    the.fd = fd;
}

/* Says how much was lost, once there is room to say it. */
static void report_drops(void)
{
    uint64_t dropped = atomic_load_explicit(&the.dropped, memory_order_relaxed);
    struct line l;

    if (dropped == the.reported)
        return;
    begin(&l, now_us(NULL), LOG_WARN, LOG_EVENT_LOG_DROPPED);
    line_field(&l, &(struct log_field)F_INT("lines", dropped - the.reported));
    line_end(&l);
    if (write_all(l.p, l.n))
        the.reported = dropped;
}

struct batch {
    size_t n; /* bytes in the.back */
    bool stop, reopen;
};

/* Waits for something to do. */
static struct batch next_batch(void)
{
    struct batch got;
    char *full;

    pthread_mutex_lock(&the.lock);
    while (the.n == 0 && !the.stop && !the.reopen)
        pthread_cond_wait(&the.asked, &the.lock);
    got = (struct batch){the.n, the.stop, the.reopen};
    full = the.front;
    the.front = the.back;
    the.back = full;
    the.n = 0;
    the.reopen = false;
    pthread_mutex_unlock(&the.lock);
    return got;
}

static void *write_lines(void *unused)
{
    struct batch b;

    (void)unused;
    do {
        b = next_batch();
        if (!write_all(the.back, b.n))
            atomic_fetch_add_explicit(&the.dropped, count_lines(the.back, b.n),
                                      memory_order_relaxed);
        report_drops();
        if (b.reopen)
            reopen_path();
    } while (!b.stop); /* nobody logs after log_close, so the batch that says stop is the last */
    return NULL;
}

/* With every signal blocked: they are the main thread's. */
static bool start_writer(void)
{
    sigset_t all, before;
    int failed;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&the.writer, NULL, write_lines, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed == 0;
}

static void release(void)
{
    if (the.options.path && the.fd >= 0)
        close(the.fd);
    free(the.front);
    free(the.back);
    the.front = the.back = NULL;
    the.n = 0;
    the.stop = the.reopen = false;
}

enum status log_open(struct call *c, const struct log_options *o)
{
    assert(o->level < LOG_N_LEVELS);
    if (atomic_load(&the.level) != LOG_N_LEVELS)
        return call_fail(c, STATUS_INVALID, "the log is open already");
    the.options = *o;
    if (!the.options.buffer_bytes)
        the.options.buffer_bytes = LOG_BUFFER_BYTES;
    if (!the.options.clock)
        the.options.clock = &system_clock;
    the.reported = atomic_load(&the.dropped);
    the.fd = o->path ? open_path(o->path) : o->fd;
    if (the.fd < 0)
        return call_fail(c, STATUS_UNAVAILABLE, "log file %s: %s", o->path, strerror(errno));
    the.front = malloc(the.options.buffer_bytes);
    the.back = malloc(the.options.buffer_bytes);
    if (!the.front || !the.back || !start_writer()) {
        release();
        return call_fail(c, STATUS_UNAVAILABLE, "no memory or thread for the log");
    }
    atomic_store_explicit(&the.level, (int)o->level, memory_order_release);
    return STATUS_OK;
}

void log_reopen(void)
{
    pthread_mutex_lock(&the.lock);
    the.reopen = true;
    pthread_cond_signal(&the.asked);
    pthread_mutex_unlock(&the.lock);
}

void log_close(void)
{
    if (atomic_exchange(&the.level, LOG_N_LEVELS) == LOG_N_LEVELS)
        return;
    pthread_mutex_lock(&the.lock);
    the.stop = true;
    pthread_cond_signal(&the.asked);
    pthread_mutex_unlock(&the.lock);
    pthread_join(the.writer, NULL);
    release();
}

struct log_counts log_counts(void)
{
    return (struct log_counts){atomic_load_explicit(&the.written, memory_order_relaxed),
                               atomic_load_explicit(&the.dropped, memory_order_relaxed)};
}

bool log_level_parse(str text, enum log_level *out)
{
    for (int i = 0; i < LOG_N_LEVELS; i++)
        if (str_eq(text, str_of(level_names[i]))) {
            *out = (enum log_level)i;
            return true;
        }
    *out = LOG_INFO;
    return false;
}
