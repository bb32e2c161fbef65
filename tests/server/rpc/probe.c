/* The handlers of the probe, one per thing that the runtime must get right. */
#include "probe.h"

#include <stdio.h>
#include <time.h>

enum { NAP_MS = 5, BUSY_NS = 4000000, LOAD_BYTES_MAX = 8 << 20 };

static void nap(int ms)
{
    nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}

static enum status echo(struct call *c, void *self, const Note *in, Note *out)
{
    (void)self;
    if (strcmp(in->text, "busy") == 0)
        for (int64_t until = call_monotonic_ns(c) + BUSY_NS; call_monotonic_ns(c) < until;)
            continue;
    out->text = in->text;
    out->number = in->number;
    out->load = in->load;
    return STATUS_OK;
}

static enum status work(struct call *c, void *self, const WorkRequest *in, Note *out)
{
    struct probe *p = self;

    for (int ms = 0; ms < in->sleep_ms; ms += NAP_MS) {
        nap(NAP_MS);
        if (!in->stubborn && call_check(c) != STATUS_OK) {
            atomic_fetch_add(&p->n_gave_up, 1);
            return c->fault.status;
        }
    }
    if (in->arena_bytes && !arena_take(&c->arena, (size_t)in->arena_bytes))
        return call_nomem(c);
    out->load.len = (size_t)in->reply_bytes;
    out->load.data = arena_take(&c->arena, out->load.len + 1);
    if (!out->load.data)
        return call_nomem(c);
    memset(out->load.data, 'x', out->load.len);
    return STATUS_OK;
}

static enum status fail(struct call *c, void *self, const FailRequest *in, Note *out)
{
    char text[FAULT_WHY_BYTES], subject[32];

    (void)self;
    (void)out;
    memset(text, 'v', sizeof text);
    text[in->text_bytes < FAULT_WHY_BYTES ? in->text_bytes : FAULT_WHY_BYTES - 1] = 0;
    for (int i = 0; i < in->n_fields; i++) {
        snprintf(subject, sizeof subject, "field_%d", i);
        call_detail(c, FAULT_FIELD, "string.min_len", str_of(subject), "%s", text);
    }
    for (int i = 0; i < in->n_preconditions; i++)
        call_detail(c, FAULT_PRECONDITION, "GUARD", STR("deal"), "%s", text);
    call_detail(c, FAULT_METADATA, NULL, STR("colour"), "blue");
    call_retry_after(c, in->retry_ms);
    return call_fail_as(c, (enum status)in->code, in->reason[0] ? "TEST_REASON" : NULL, "%s",
                        in->why);
}

static enum status dig(struct call *c, void *self, const Deep *in, Note *out)
{
    (void)c;
    (void)self;
    for (; in; in = in->child)
        out->number++;
    return STATUS_OK;
}

/* Streams are counted from `open` to `done`, so a test sees every one end. */
static enum status stream_open(struct call *c, void *self, struct rpc_stream *s)
{
    struct probe *p = self;

    (void)c;
    (void)s;
    atomic_fetch_add(&p->n_open_streams, 1);
    return STATUS_OK;
}

static void stream_done(struct call *c, void *self, struct rpc_stream *s)
{
    struct probe *p = self;

    (void)c;
    (void)s;
    atomic_fetch_sub(&p->n_open_streams, 1);
}

static enum status sum_open(struct call *c, void *self, struct rpc_stream *s)
{
    int64_t *sum = NEW(&c->arena, int64_t, 1);

    rpc_stream_set_state(s, sum);
    return sum ? stream_open(c, self, s) : call_nomem(c);
}

static enum status sum_message(struct call *c, void *self, struct rpc_stream *s, const Note *in)
{
    int64_t *sum = rpc_stream_state(s);

    (void)c;
    (void)self;
    *sum += in->number;
    return STATUS_OK;
}

static enum status sum_end(struct call *c, void *self, struct rpc_stream *s)
{
    Note out = NOTE_INIT;

    (void)c;
    (void)self;
    out.number = *(int64_t *)rpc_stream_state(s);
    rpc_stream_send(s, &out.base);
    rpc_stream_finish(s);
    return STATUS_OK;
}

static enum status chat(struct call *c, void *self, struct rpc_stream *s, const Note *in)
{
    (void)c;
    (void)self;
    rpc_stream_send(s, &in->base);
    return STATUS_OK;
}

struct flood {
    int64_t n, i;
    int32_t bytes;
    bool greedy;
    uint8_t *load;
};

static enum status flood(struct call *c, void *self, struct rpc_stream *s, const FloodRequest *in)
{
    struct flood *f = NEW(&c->arena, struct flood, 1);

    (void)self;
    if (!f || in->bytes < 0 || in->bytes > LOAD_BYTES_MAX)
        return call_nomem(c);
    *f = (struct flood){in->n, 0, in->bytes, in->greedy, NULL};
    if ((f->load = arena_alloc(&c->arena, 1, 1, (size_t)in->bytes + 1)) == NULL)
        return call_nomem(c);
    rpc_stream_set_state(s, f);
    return STATUS_OK;
}

static enum status flood_more(struct call *c, void *self, struct rpc_stream *s)
{
    struct flood *f = rpc_stream_state(s);
    Note out = NOTE_INIT;

    (void)c;
    (void)self;
    out.load = (ProtobufCBinaryData){(size_t)f->bytes, f->load};
    do {
        if (f->i == f->n) {
            rpc_stream_finish(s);
            return STATUS_OK;
        }
        out.number = f->i++;
        rpc_stream_send(s, &out.base);
    } while (f->greedy);
    return STATUS_OK;
}

struct ticker {
    int32_t n, i, interval_ms;
};

static enum status tick(struct call *c, void *self, struct rpc_stream *s, const TickRequest *in)
{
    struct ticker *t = NEW(&c->arena, struct ticker, 1);

    (void)self;
    if (!t)
        return call_nomem(c);
    *t = (struct ticker){in->n, 0, in->interval_ms};
    rpc_stream_set_state(s, t);
    return STATUS_OK;
}

static enum status tick_more(struct call *c, void *self, struct rpc_stream *s)
{
    struct ticker *t = rpc_stream_state(s);
    Note out = NOTE_INIT;

    (void)c;
    (void)self;
    if (t->i == t->n) {
        rpc_stream_finish(s);
        return STATUS_OK;
    }
    out.number = t->i++;
    rpc_stream_send(s, &out.base);
    rpc_stream_wait(s, t->interval_ms);
    return STATUS_OK;
}

struct watcher {
    struct rpc_stream *stream;
    int64_t seen;
    struct watcher *prev, *next;
};

static enum status watch(struct call *c, void *self, struct rpc_stream *s, const Note *in)
{
    struct probe *p = self;
    struct watcher *w = NEW(&c->arena, struct watcher, 1);

    (void)in;
    if (!w)
        return call_nomem(c);
    w->stream = s;
    rpc_stream_set_state(s, w);
    pthread_mutex_lock(&p->lock);
    w->seen = p->number;
    if ((w->next = p->watchers) != NULL)
        w->next->prev = w;
    p->watchers = w;
    pthread_mutex_unlock(&p->lock);
    return STATUS_OK;
}

static enum status watch_more(struct call *c, void *self, struct rpc_stream *s)
{
    struct probe *p = self;
    struct watcher *w = rpc_stream_state(s);
    Note out = NOTE_INIT;

    (void)c;
    pthread_mutex_lock(&p->lock);
    out.number = p->number;
    pthread_mutex_unlock(&p->lock);
    if (out.number != w->seen)
        rpc_stream_send(s, &out.base);
    w->seen = out.number;
    rpc_stream_wait(s, -1);
    return STATUS_OK;
}

static void watch_done(struct call *c, void *self, struct rpc_stream *s)
{
    struct probe *p = self;
    struct watcher *w = rpc_stream_state(s);

    if (w) {
        pthread_mutex_lock(&p->lock);
        *(w->prev ? &w->prev->next : &p->watchers) = w->next;
        if (w->next)
            w->next->prev = w->prev;
        pthread_mutex_unlock(&p->lock);
    }
    stream_done(c, self, s);
}

static enum status poke(struct call *c, void *self, const Note *in, Note *out)
{
    struct probe *p = self;

    (void)c;
    pthread_mutex_lock(&p->lock);
    p->number = in->number;
    for (struct watcher *w = p->watchers; w; w = w->next) {
        rpc_stream_wake(w->stream);
        out->number++;
    }
    pthread_mutex_unlock(&p->lock);
    return STATUS_OK;
}

static enum status set_health(struct call *c, void *self, const Note *in, Note *out)
{
    struct probe *p = self;

    (void)c;
    (void)out;
    rpc_health_set(p->server, in->text,
                   in->number == 1 ? RPC_HEALTH_SERVING : RPC_HEALTH_NOT_SERVING);
    return STATUS_OK;
}

static enum status stats(struct call *c, void *self, const Note *in, StatsReply *out)
{
    struct probe *p = self;
    struct rpc_stats s = rpc_server_stats(p->server);

    (void)c;
    (void)in;
    out->n_live = s.n_live;
    out->n_calls = s.n_calls;
    out->n_unknown_method = s.n_unknown_method;
    out->n_busy = s.n_busy;
    out->n_undecodable = s.n_undecodable;
    out->n_slow_readers = s.n_slow_readers;
    out->n_cancelled = s.n_cancelled;
    out->n_loops = s.n_loops;
    out->n_open_streams = atomic_load(&p->n_open_streams);
    out->n_gave_up = atomic_load(&p->n_gave_up);
    out->n_entered = atomic_load(&p->n_entered);
    out->n_left = atomic_load(&p->n_left);
    out->last_status = atomic_load(&p->last_status);
    return STATUS_OK;
}

#define COUNTED .open = stream_open, .done = stream_done

const struct probe_handlers probe_handlers = {
    .echo = echo,
    .work = work,
    .fail = fail,
    .dig = dig,
    .sum = {sum_message, {.open = sum_open, .half_close = sum_end, .done = stream_done}},
    .chat = {chat, {COUNTED}},
    .loop_chat = {chat, {COUNTED}},
    .flood = {flood, {COUNTED, .writable = flood_more}},
    .tick = {tick, {COUNTED, .writable = tick_more}},
    .watch = {watch, {.open = stream_open, .writable = watch_more, .done = watch_done}},
    .loop_watch = {watch, {.open = stream_open, .writable = watch_more, .done = watch_done}},
    .poke = poke,
    .set_health = set_health,
    .stats = stats,
};
