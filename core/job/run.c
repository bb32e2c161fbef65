/* One job from the queue to its end: a call for it, its handler, and what becomes of it. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/kill_point.h"
#include "job/internal.h"
#include "obs/log.h"
#include "obs/trace.h"

enum {
    SETTLE_ARENA_BYTES = 1 << 20,
    SETTLE_TIMEOUT_MS = 10000, /* to say what became of a job; then its lease runs out instead */
    RELEASE_UNIT_MAX = 128,    /* jobs given back in one unit */
    AVERAGE_PARTS = 8,         /* weight of the latest run in run_ns: 1 / 8 */
};

/* Failures that another attempt may not meet. */
static const bool is_transient[] = {
    [STATUS_CANCELLED] = true,   [STATUS_UNKNOWN] = true,          [STATUS_DEADLINE] = true,
    [STATUS_EXHAUSTED] = true,   [STATUS_CONFLICT] = true,         [STATUS_INTERNAL] = true,
    [STATUS_UNAVAILABLE] = true, [STATUS_UNAUTHENTICATED] = false,
};

/* What is to become of a job. */
struct end {
    struct job *job;
    enum outcome outcome;
    int64_t due_us;
    const char *reason;
};

struct item *engine_take(struct job_engine *e)
{
    for (size_t i = 0; i < e->n_kinds; i++) {
        struct kind *k = &e->kinds[(e->next_kind + i) % e->n_kinds];
        struct item *item = k->head;

        if (!item || k->n_running >= k->limit)
            continue;
        k->head = item->next;
        if (!k->head)
            k->tail = &k->head;
        k->n_queued--;
        k->n_running++;
        e->next_kind = (size_t)(k - e->kinds) + 1;
        return item;
    }
    return NULL;
}

/* Doubles from first_ms to most_ms, the upper half of it random: who failed together does not come
 * back together. A server that says when to come back is not asked before. */
static int64_t back_off_us(struct call *c, const struct job_kind *k, int64_t attempts)
{
    int64_t shift = attempts - 1 < 32 ? attempts - 1 : 32, ms = k->first_ms;
    uint64_t random;

    for (; shift > 0 && ms < k->most_ms; shift--)
        ms *= 2;
    ms = ms < k->most_ms ? ms : k->most_ms;
    c->clock->random(c->clock, &random, sizeof random);
    ms = ms - ms / 2 + (int64_t)(random % (uint64_t)(ms / 2 + 1));
    return (ms > c->fault.retry_after_ms ? ms : c->fault.retry_after_ms) * 1000;
}

/* A period after it was due, in step; after a long pause, from now on. */
static int64_t next_time_us(const struct call *c, const struct job_kind *k, const struct job *job)
{
    int64_t next_us = job->due_us + k->every_ms * 1000, now_us = call_now_us(c);

    return next_us > now_us ? next_us : now_us + k->every_ms * 1000;
}

static const char *reason_of(const struct call *c, enum status s)
{
    return c->fault.reason ? c->fault.reason : status_name(s);
}

/* The decision, from how the handler ended. */
static struct end decide(struct job_engine *e, struct call *c, struct item *item, enum status s)
{
    const struct job_kind *k = item->kind->row;
    struct job *job = &item->job;
    struct end end = {.job = job, .reason = reason_of(c, s)};
    bool may_retry = is_transient[s] && job->attempts < k->attempts_max;

    if (s == STATUS_OK)
        end.outcome = k->every_ms ? OUTCOME_AGAIN : OUTCOME_DONE;
    else if (s == STATUS_CONFLICT && str_eq(str_of(c->fault.reason), STR("JOB_FENCE")))
        end.outcome = OUTCOME_LOST;
    else if (s == STATUS_CANCELLED && atomic_load(&e->cancelled))
        end.outcome = OUTCOME_RELEASED;
    else if (may_retry)
        end.outcome = OUTCOME_RETRIED;
    else
        end.outcome = k->every_ms ? OUTCOME_AGAIN : OUTCOME_PARKED;
    if (end.outcome == OUTCOME_RETRIED)
        end.due_us = call_now_us(c) + back_off_us(c, k, job->attempts);
    if (end.outcome == OUTCOME_AGAIN)
        end.due_us = next_time_us(c, k, job);
    return end;
}

/* Its tenant is suspended: later, not all of them at once. */
static struct end wait_out(struct call *c, struct job *job)
{
    uint64_t random;
    int64_t ms;

    c->clock->random(c->clock, &random, sizeof random);
    ms = JOB_SUSPENDED_MS + (int64_t)(random % JOB_SUSPENDED_MS);
    return (struct end){job, OUTCOME_AGAIN, call_now_us(c) + ms * 1000, NULL};
}

static enum status settle_unit(struct call *c, struct tx *tx, void *arg)
{
    const struct end *end = arg;

    (void)c;
    switch (end->outcome) {
    case OUTCOME_DONE: return tx_job_done(tx, end->job);
    case OUTCOME_AGAIN: return tx_job_again(tx, end->job, end->due_us);
    case OUTCOME_RETRIED: return tx_job_retry(tx, end->job, end->due_us, str_of(end->reason));
    case OUTCOME_PARKED: return tx_job_park(tx, end->job, str_of(end->reason));
    case OUTCOME_RELEASED: return tx_job_release(tx, end->job);
    case OUTCOME_LOST:
    case OUTCOMES: break;
    }
    return STATUS_OK;
}

/* Writes the decision down. When that fails the job stays leased, and is taken over later. */
static void settle(struct job_engine *e, struct end *end)
{
    struct call c;

    if (end->outcome == OUTCOME_LOST)
        return;
    call_init(&c, e->clock, SETTLE_ARENA_BYTES);
    c.is_background = true;
    c.deadline_ns = call_monotonic_ns(&c) + (int64_t)SETTLE_TIMEOUT_MS * 1000000;
    if (store_run_system(e->store, &c, STORE_WRITE, settle_unit, end) != STATUS_OK)
        end->outcome = OUTCOME_LOST;
    call_release(&c);
}

static void log_end(struct call *c, const struct item *item, const struct end *end, enum status s)
{
    const char *kind = item->kind->row->name;

    if (end->outcome == OUTCOME_PARKED || (end->outcome == OUTCOME_AGAIN && s != STATUS_OK))
        log_error(c, LOG_EVENT_JOB_FAILED, F_STR("kind", kind), F_STR("reason", end->reason),
                  F_WHY(&c->fault), F_INT("attempts", item->job.attempts),
                  F_BOOL("is_parked", end->outcome == OUTCOME_PARKED));
    else if (end->outcome == OUTCOME_RETRIED)
        log_info(c, LOG_EVENT_JOB_RETRIED, F_STR("kind", kind), F_STR("reason", end->reason),
                 F_WHY(&c->fault), F_INT("attempts", item->job.attempts),
                 F_MS("pause", (end->due_us - call_now_us(c)) / 1000));
    else if (end->outcome == OUTCOME_LOST)
        log_warn(c, LOG_EVENT_JOB_FENCED, F_STR("kind", kind),
                 F_INT("attempts", item->job.attempts));
}

static void begin_call(struct job_engine *e, const struct item *item, struct call *c)
{
    const struct job *job = &item->job;
    struct principal *p = &c->principal;

    call_init(c, e->clock, CALL_ARENA_BYTES);
    c->deadline_ns = call_monotonic_ns(c) + (job->lease_until_us - call_now_us(c)) * 1000;
    c->cancelled = &e->cancelled;
    c->is_background = true;
    c->method = item->kind->row->name;
    c->rule = "job";
    trace_start(&c->trace, e->clock);
    p->tenant_id = job->tenant_id;
    p->kind = ACTOR_SYSTEM;
    snprintf(p->tenant, sizeof p->tenant, "%s", item->tenant);
    snprintf(p->subject, sizeof p->subject, "job:%s", item->kind->row->name);
}

/* Runs the handler, unless there is a reason not to. False: it was too late to begin. */
static bool handle(struct call *c, struct item *item, enum status *out)
{
    const struct job_kind *k = item->kind->row;
    struct job *job = &item->job;

    if (job->is_damaged)
        *out = call_fail_as(c, STATUS_DATA_LOSS, "JOB_DAMAGED", "a job's payload does not open");
    else if (!k->every_ms && job->attempts > k->attempts_max) /* each of them ended a process */
        *out = call_fail_as(c, STATUS_PRECONDITION, "JOB_ATTEMPTS",
                            "a job was begun %lld times and never ended", (long long)job->attempts);
    else if (job->lease_until_us - call_now_us(c) < k->lease_ms * 1000 / 2)
        return false;
    else
        *out = k->handle(item->kind->self, c, job);
    kill_here(KILL_JOB_EFFECT);
    return true;
}

static void observe(struct job_engine *e, struct series s, int64_t ns)
{
    if (e->metrics)
        series_observe(s, ns);
}

/* The item is no more, and there may be room for others. run_ns 0: it says nothing. */
static void put_down(struct job_engine *e, struct item *item, enum outcome outcome, int64_t run_ns)
{
    struct kind *k = item->kind;

    pthread_mutex_lock(&e->lock);
    k->n_running--;
    k->n_ended++;
    e->n_held--;
    if (run_ns)
        k->run_ns += (run_ns - k->run_ns) / AVERAGE_PARTS;
    if (e->metrics) {
        series_add(k->results[outcome], 1);
        series_set(k->held, (int64_t)(k->n_queued + k->n_running));
    }
    if (k->is_capped)
        k->next_us = 1; /* it may have been one of theirs */
    if (k->next_us && engine_claim_in_ms(e) == 0)
        pthread_cond_signal(&e->claim);
    if (k->n_queued && k->limit < e->n_workers) /* it waited for its kind, not for a worker */
        pthread_cond_signal(&e->work);
    pthread_mutex_unlock(&e->lock);
    free(item);
}

/* What a handler did itself, in a unit that has committed. */
static const enum outcome outcome_of[] = {
    [JOB_END_DONE] = OUTCOME_DONE,        [JOB_END_AGAIN] = OUTCOME_AGAIN,
    [JOB_END_RETRY] = OUTCOME_RETRIED,    [JOB_END_PARK] = OUTCOME_PARKED,
    [JOB_END_RELEASE] = OUTCOME_RELEASED,
};

/* Runs the handler and ends the job, each unless there is no need. */
static enum outcome run(struct job_engine *e, struct call *c, struct item *item)
{
    enum status s = STATUS_OK;
    struct end end;

    if (item->must_wait)
        end = wait_out(c, &item->job);
    else if (!handle(c, item, &s))
        end = (struct end){.job = &item->job, .outcome = OUTCOME_RELEASED};
    else if (s == STATUS_OK && item->job.ended)
        return outcome_of[item->job.ended];
    else
        end = decide(e, c, item, s);
    settle(e, &end);
    log_end(c, item, &end, s);
    return end.outcome;
}

void engine_run(struct job_engine *e, struct item *item)
{
    struct kind *k = item->kind;
    enum outcome outcome;
    struct call c;
    int64_t ns;

    begin_call(e, item, &c);
    ns = call_monotonic_ns(&c);
    observe(e, k->delay, (call_now_us(&c) - item->job.due_us) * 1000);
    outcome = run(e, &c, item);
    kill_here(KILL_JOB_DONE);
    ns = call_monotonic_ns(&c) - ns;
    call_release(&c);
    observe(e, k->seconds, ns);
    put_down(e, item, outcome, ns);
}

struct release {
    struct item *items[RELEASE_UNIT_MAX];
    size_t n;
};

/* One whose lease was lost meanwhile must not keep the others. */
static enum status release_unit(struct call *c, struct tx *tx, void *arg)
{
    struct release *r = arg;

    for (size_t i = 0; i < r->n; i++) {
        enum status s = tx_job_release(tx, &r->items[i]->job);

        if (s == STATUS_CONFLICT && str_eq(str_of(c->fault.reason), STR("JOB_FENCE")))
            call_clear(c);
        else if (s != STATUS_OK)
            return s;
    }
    return STATUS_OK;
}

void engine_release_queued(struct job_engine *e)
{
    struct release r;
    struct call c;

    do {
        r.n = 0;
        pthread_mutex_lock(&e->lock);
        while (r.n < RELEASE_UNIT_MAX && (r.items[r.n] = engine_take(e)) != NULL)
            r.n++;
        pthread_mutex_unlock(&e->lock);
        call_init(&c, e->clock, SETTLE_ARENA_BYTES);
        c.is_background = true;
        c.deadline_ns = call_monotonic_ns(&c) + (int64_t)SETTLE_TIMEOUT_MS * 1000000;
        if (r.n && store_run_system(e->store, &c, STORE_WRITE, release_unit, &r) != STATUS_OK)
            log_warn(&c, LOG_EVENT_JOBS_STALLED, F_WHY(&c.fault));
        call_release(&c);
        for (size_t i = 0; i < r.n; i++)
            put_down(e, r.items[i], OUTCOME_RELEASED, 0);
    } while (r.n);
}
