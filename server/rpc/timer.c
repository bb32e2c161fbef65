/* Timers: a binary heap per loop, each stream knows its slot. The C core has no alarm, so the loop
 * sleeps in its queue until the first of them. */
#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "rpc/internal.h"

int64_t rpc_monotonic_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void put(struct rpc_loop *l, size_t i, struct rpc_stream *s)
{
    l->timers[i] = s;
    s->timer_slot = i + 1;
}

static void sift_up(struct rpc_loop *l, size_t i, struct rpc_stream *s)
{
    for (size_t up; i > 0 && l->timers[up = (i - 1) / 2]->timer_ns > s->timer_ns; i = up)
        put(l, i, l->timers[up]);
    put(l, i, s);
}

static void sift_down(struct rpc_loop *l, size_t i, struct rpc_stream *s)
{
    for (size_t down; (down = 2 * i + 1) < l->n_timers; i = down) {
        if (down + 1 < l->n_timers && l->timers[down + 1]->timer_ns < l->timers[down]->timer_ns)
            down++;
        if (l->timers[down]->timer_ns >= s->timer_ns)
            break;
        put(l, i, l->timers[down]);
    }
    put(l, i, s);
}

void rpc_timer_clear(struct rpc_stream *s)
{
    struct rpc_loop *l = s->call.loop;
    size_t i = s->timer_slot;
    struct rpc_stream *last;

    if (i-- == 0)
        return;
    s->timer_slot = 0;
    if ((last = l->timers[--l->n_timers]) == s)
        return;
    if (i > 0 && l->timers[(i - 1) / 2]->timer_ns > last->timer_ns)
        sift_up(l, i, last);
    else
        sift_down(l, i, last);
}

bool rpc_timers_reserve(struct rpc_loop *l)
{
    size_t cap = l->cap_timers ? l->cap_timers * 2 : 64;
    struct rpc_stream **grown;

    if (l->n_streams < l->cap_timers)
        return true;
    if ((grown = realloc(l->timers, cap * sizeof(struct rpc_stream *))) == NULL)
        return false;
    l->timers = grown;
    l->cap_timers = cap;
    return true;
}

void rpc_timer_set(struct rpc_stream *s, int64_t at_ns)
{
    struct rpc_loop *l = s->call.loop;

    rpc_timer_clear(s);
    assert(l->n_timers < l->cap_timers); /* reserved before the stream began */
    s->timer_ns = at_ns;
    sift_up(l, l->n_timers++, s);
}

struct rpc_stream *rpc_timer_due(struct rpc_loop *l, int64_t now_ns)
{
    struct rpc_stream *s;

    if (l->n_timers == 0 || l->timers[0]->timer_ns > now_ns)
        return NULL;
    s = l->timers[0];
    rpc_timer_clear(s);
    return s;
}
