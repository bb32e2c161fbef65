/*
 * WatchLeads: reads the outbox from its own cursor, in commit order. The feed wakes it when this
 * process commits something; a poll finds what other replicas commit. Between reads it holds no
 * thread.
 */
#include <stdlib.h>

#include "agent/instant.h"
#include "agent/lead_watch.h"
#include "service/sales_agent.h"
#include "service/scope.h"

enum {
    POLL_MS = 1000,          /* how late an event of another replica may come */
    HEARTBEAT_MS = 30 * 1000 /* the contract's default */
};

struct watch_stream {
    struct feed_watcher watcher; /* first: a watcher is a watch_stream */
    struct rpc_stream *stream;
    struct lead_watch *watch;
    int64_t heartbeat_ms, quiet_since_us;
};

static void wake(struct feed_watcher *w)
{
    rpc_stream_wake(((struct watch_stream *)w)->stream);
}

static enum status start(struct call *c, struct agents *a, struct rpc_stream *s,
                         const WatchLeadsRequest *in)
{
    struct watch_stream *k = calloc(1, sizeof *k);

    if (!k)
        return call_nomem(c);
    k->stream = s;
    k->heartbeat_ms = HEARTBEAT_MS;
    if (in->heartbeat_period)
        k->heartbeat_ms =
            in->heartbeat_period->seconds * 1000 + in->heartbeat_period->nanos / 1000000;
    k->quiet_since_us = call_now_us(c);
    k->watcher = (struct feed_watcher){.wake = wake, .tenant_id = c->principal.tenant_id};
    rpc_stream_set_state(s, k); /* freed in done() */
    TRY(lead_watch_open(c, a, in->filter, in->resume_token, &k->watch));
    feed_join(a->feed, &k->watcher);
    return STATUS_OK;
}

enum status watch_leads_message(struct call *c, void *self, struct rpc_stream *s,
                                const WatchLeadsRequest *in)
{
    struct scope scope;

    scope_enter(&scope, c, s);
    return scope_leave(&scope, start(&scope.call, self, s, in));
}

static enum status send_heartbeat(struct call *c, struct rpc_stream *s, struct watch_stream *k)
{
    WatchHeartbeat beat = WATCH_HEARTBEAT_INIT;
    WatchLeadsResponse out = WATCH_LEADS_RESPONSE_INIT;

    TRY(instant_now(c, &beat.time));
    TRY(lead_watch_token(c, k->watch, &out.resume_token));
    out.message_case = WATCH_LEADS_RESPONSE_MESSAGE_HEARTBEAT;
    out.heartbeat = &beat;
    sales_agent_watch_leads_send(s, &out);
    k->quiet_since_us = call_now_us(c);
    return STATUS_OK;
}

static enum status produce(struct call *c, struct agents *a, struct rpc_stream *s)
{
    struct watch_stream *k = rpc_stream_state(s);
    struct lead_watch_page page;
    int64_t left_ms;

    TRY(lead_watch_next(c, a, k->watch, &page));
    for (size_t i = 0; i < page.n_messages; i++)
        sales_agent_watch_leads_send(s, page.messages[i]);
    if (page.n_messages)
        k->quiet_since_us = call_now_us(c);
    if (page.more)
        return STATUS_OK;
    left_ms = k->heartbeat_ms - (call_now_us(c) - k->quiet_since_us) / 1000;
    if (left_ms <= 0) {
        TRY(send_heartbeat(c, s, k));
        left_ms = k->heartbeat_ms;
    }
    rpc_stream_wait(s, left_ms < POLL_MS ? left_ms : POLL_MS);
    return STATUS_OK;
}

enum status watch_leads_writable(struct call *c, void *self, struct rpc_stream *s)
{
    struct scope scope;

    scope_enter(&scope, c, s);
    return scope_leave(&scope, produce(&scope.call, self, s));
}

void watch_leads_done(struct call *c, void *self, struct rpc_stream *s)
{
    struct watch_stream *k = rpc_stream_state(s);
    struct agents *a = self;

    (void)c;
    if (!k)
        return;
    if (k->watch) {
        feed_leave(a->feed, &k->watcher);
        lead_watch_close(k->watch);
    }
    free(k);
}
