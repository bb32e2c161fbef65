/* The place is kept in memory and stored now and then: what a crash repeats is what was not stored.
 */
#include "event/runner.h"

#include <assert.h>

#include "obs/log.h"

enum {
    NS_PER_MS = 1000000,
    US_PER_MS = 1000,
    RENEW_MS = BUS_LEASE_MS / 3,
    COUNT_MS = 2000,   /* between two counts of the backlog */
    STANDBY_MS = 1000, /* between two looks whether the holder is gone */
    DOUBLINGS_MAX = 16,
};

void runner_call(struct call *c, const atomic_bool *stopping)
{
    call_init(c, NULL, CALL_ARENA_BYTES);
    c->cancelled = stopping;
    c->deadline_ns = call_monotonic_ns(c) + (int64_t)BUS_TURN_MS * NS_PER_MS;
}

void runner_init(struct runner *r, const struct bus_options *o, struct bus_consumer *consumer,
                 const atomic_bool *stopping)
{
    const char *labels[] = {consumer->name};

    *r = (struct runner){.store = o->store,
                         .consumer = consumer,
                         .stopping = stopping,
                         .has_metrics = o->metrics != NULL,
                         .place = {.name = consumer->name},
                         .limit = BUS_BATCH_MAX};
    if (!o->metrics)
        return;
    r->lag = metrics_series(o->metrics, METRIC_OUTBOX_LAG, labels);
    r->backlog = metrics_series(o->metrics, METRIC_OUTBOX_BACKLOG, labels);
    r->handled = metrics_series(o->metrics, METRIC_EVENT_RELAYED, labels);
}

/* The note lives in the runner between turns. */
static void keep_note(struct runner *r)
{
    str note = r->place.note;

    assert(note.n <= sizeof r->note);
    if (note.n && note.p != r->note)
        memmove(r->note, note.p, note.n);
    r->place.note = (str){r->note, note.n};
}

static enum status claim_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_consumer_claim(tx, (int64_t)BUS_LEASE_MS * US_PER_MS, arg);
}

static enum status move_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_consumer_move(tx, (int64_t)BUS_LEASE_MS * US_PER_MS, arg);
}

static enum status release_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_consumer_release(tx, arg);
}

/* Becomes or stays the holder, if it can. What is in memory is newer than what a renewal reads. */
static enum status hold(struct runner *r, struct call *c)
{
    int64_t now_ns = call_monotonic_ns(c);
    struct event_consumer stored = {.name = r->place.name, .fence = r->place.fence};

    if (r->place.fence && now_ns - r->renewed_ns < (int64_t)RENEW_MS * NS_PER_MS)
        return STATUS_OK;
    TRY(store_run_system(r->store, c, STORE_WRITE, claim_unit, &stored));
    r->renewed_ns = now_ns;
    if (stored.fence == r->place.fence)
        return STATUS_OK;
    if (stored.fence)
        log_debug(c, LOG_EVENT_CONSUMER_STARTED, F_ID("consumer", stored.name),
                  F_INT("fence", stored.fence));
    r->place = stored;
    r->is_dirty = false;
    keep_note(r);
    return STATUS_OK;
}

static enum status save(struct runner *r, struct call *c)
{
    enum status s;

    if (!r->is_dirty)
        return STATUS_OK;
    s = store_run_system(r->store, c, STORE_WRITE, move_unit, &r->place);
    if (s == STATUS_CONFLICT)
        r->place.fence = 0;
    TRY(s);
    r->saved_ns = r->renewed_ns = call_monotonic_ns(c);
    r->is_dirty = false;
    return STATUS_OK;
}

static enum status save_if_due(struct runner *r, struct call *c)
{
    int64_t save_ns = r->consumer->save_ms * NS_PER_MS;

    return call_monotonic_ns(c) - r->saved_ns >= save_ns ? save(r, c) : STATUS_OK;
}

struct reading {
    struct event_cursor after;
    size_t limit;
    struct event_page page;
};

static enum status read_unit(struct call *c, struct tx *tx, void *arg)
{
    struct reading *k = arg;

    (void)c;
    return tx_event_list(tx, k->after, k->limit, &k->page);
}

/* Large events: fewer at once, down to one. */
static enum status read_events(struct runner *r, struct call *c, struct event_page *out)
{
    struct reading k = {.after = r->place.at, .limit = r->limit};
    enum status s = store_run_system(r->store, c, STORE_READ, read_unit, &k);

    *out = k.page;
    if (s == STATUS_EXHAUSTED && r->limit > 1) {
        r->limit /= 2;
        return s;
    }
    if (s == STATUS_OK && k.page.n_events < k.limit)
        r->limit = BUS_BATCH_MAX;
    return s;
}

static enum status backlog_unit(struct call *c, struct tx *tx, void *arg)
{
    struct reading *k = arg;
    struct event_backlog backlog;

    (void)c;
    TRY(tx_event_backlog(tx, k->after, &backlog));
    k->limit = (size_t)backlog.n;
    k->page.next.txid = backlog.oldest_us;
    return STATUS_OK;
}

/* Lag and backlog, as far as anybody looks: now and then, and whenever there is nothing to do. */
static void measure(struct runner *r, struct call *c, bool is_idle)
{
    struct reading k = {.after = r->place.at, .limit = 0};
    int64_t now_ns = call_monotonic_ns(c);

    if (!r->has_metrics || (!is_idle && now_ns - r->counted_ns < (int64_t)COUNT_MS * NS_PER_MS))
        return;
    r->counted_ns = now_ns;
    if (!is_idle && store_run_system(r->store, c, STORE_READ, backlog_unit, &k) != STATUS_OK) {
        call_clear(c);
        return;
    }
    series_set(r->backlog, (int64_t)k.limit);
    series_set(r->lag, k.limit ? (call_now_us(c) - k.page.next.txid) / US_PER_MS : 0);
}

static enum status hand_over(struct runner *r, struct call *c, const struct event_page *page)
{
    struct bus_batch batch = {.events = page->events, .n = page->n_events};
    enum status s = r->consumer->handle(r->consumer, c, &batch, &r->place);

    assert(batch.n_done <= batch.n);
    if (batch.n_done) {
        r->place.at = page->events[batch.n_done - 1].cursor;
        r->is_dirty = true;
        if (r->has_metrics)
            series_add(r->handled, (int64_t)batch.n_done);
    }
    keep_note(r);
    return s;
}

static enum status work(struct runner *r, struct call *c, size_t *n_out)
{
    struct event_page page;

    *n_out = 0;
    TRY(hold(r, c));
    if (!r->place.fence)
        return STATUS_OK;
    if (r->consumer->prepare) {
        enum status s = r->consumer->prepare(r->consumer, c, &r->place);

        keep_note(r);
        TRY(s);
    }
    TRY(read_events(r, c, &page));
    *n_out = page.n_events;
    if (page.n_events)
        TRY(hand_over(r, c, &page));
    return save_if_due(r, c);
}

static int64_t doubled(int64_t ms, int64_t least, int64_t most)
{
    return ms < least ? least : ms * 2 > most ? most : ms * 2;
}

static void note_failure(struct runner *r, struct call *c, enum status s)
{
    r->wait_ms = doubled(r->n_failures ? r->wait_ms : 0, BUS_RETRY_MS_MIN, BUS_RETRY_MS_MAX);
    r->n_failures++;
    log_warn(c, LOG_EVENT_CONSUMER_FAILED, F_ID("consumer", r->place.name),
             F_STR("status", status_name(s)), F_STR("reason", c->fault.reason), F_WHY(&c->fault),
             F_INT("failures", r->n_failures), F_MS("retry", r->wait_ms));
}

static void note_success(struct runner *r, struct call *c, size_t n)
{
    if (r->n_failures)
        log_info(c, LOG_EVENT_CONSUMER_RECOVERED, F_ID("consumer", r->place.name),
                 F_INT("failures", r->n_failures));
    r->wait_ms = !r->place.fence ? STANDBY_MS
                 : n             ? 0
                 : r->n_failures ? BUS_POLL_MS_MIN
                                 : doubled(r->wait_ms, BUS_POLL_MS_MIN, BUS_POLL_MS_MAX);
    r->n_failures = 0;
}

void runner_turn(struct runner *r)
{
    struct call c;
    size_t n;
    enum status s;

    runner_call(&c, r->stopping);
    s = work(r, &c, &n);
    if (s == STATUS_OK)
        note_success(r, &c, n);
    else if (s == STATUS_EXHAUSTED && r->limit < BUS_BATCH_MAX && n == 0)
        r->wait_ms = 0; /* again, with fewer */
    else if (!atomic_load(r->stopping))
        note_failure(r, &c, s);
    call_clear(&c);
    measure(r, &c, !r->place.fence || (s == STATUS_OK && n == 0));
    call_release(&c);
}

void runner_end(struct runner *r)
{
    struct call c;

    if (!r->place.fence)
        return;
    runner_call(&c, NULL);
    if (save(r, &c) != STATUS_OK ||
        store_run_system(r->store, &c, STORE_WRITE, release_unit, &r->place) != STATUS_OK)
        log_warn(&c, LOG_EVENT_CONSUMER_FAILED, F_ID("consumer", r->place.name), F_WHY(&c.fault));
    call_release(&c);
}
