/*
 * Claims ask for no more than the workers will have begun before a good part of the lease is over:
 * what a run takes is measured. A kind that filled its claim has a backlog, and is claimed fairly
 * from then on, tenant by tenant, until a claim comes back short.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/kill_point.h"
#include "job/internal.h"
#include "obs/log.h"

enum {
    CLAIM_ARENA_BYTES = 64 << 20, /* of payloads; when they do not fit, fewer are claimed */
    CLAIM_TIMEOUT_MS = 10000,
    LEASE_PART = 8,  /* queue what is begun within this part of the lease */
    BATCH_PART = 2,  /* of a quota that is free before more is claimed: half; */
    CAPPED_PART = 8, /* of kinds where tenants have a cap */
    POLL_PARTS = 16, /* when something came from elsewhere, look this much more often */
};

/* Jobs of a kind that may be queued or running for each that runs. */
static size_t per_worker(const struct kind *k)
{
    int64_t n = k->row->lease_ms * 1000000 / LEASE_PART / (k->run_ns + 1);

    if (n < 1)
        n = 1;
    return n > JOB_HELD_PER_WORKER ? JOB_HELD_PER_WORKER : (size_t)n;
}

/* How many to claim of a kind; 0 until half of its quota is free, so that claims are batches. Where
 * tenants have all they may, that half may never be free: an eighth is enough for the others. */
static size_t claim_limit(const struct job_engine *e, const struct kind *k)
{
    size_t held = k->n_queued + k->n_running, most = k->limit * per_worker(k), room;
    size_t part = k->tenant_limit ? CAPPED_PART : BATCH_PART;

    if (held >= most || (most - held) * part < most || e->n_held >= e->held_most)
        return 0;
    room = e->held_most - e->n_held;
    most -= held;
    most = most < room ? most : room;
    return most < JOB_CLAIM_MAX ? most : JOB_CLAIM_MAX;
}

/* Milliseconds from now to us, rounded up; 0: it is past. */
static int64_t ms_until(int64_t now_us, int64_t us)
{
    return us <= now_us ? 0 : (us - now_us + 999) / 1000;
}

int64_t engine_claim_in_ms(struct job_engine *e)
{
    int64_t now_us = e->clock->now_us(e->clock), ms = e->pause_ms, kind_ms;

    for (size_t i = 0; i < e->n_kinds; i++) {
        const struct kind *k = &e->kinds[i];

        if (!k->next_us || !claim_limit(e, k))
            continue;
        kind_ms = ms_until(now_us, k->next_us);
        ms = kind_ms < ms ? kind_ms : ms;
    }
    if (e->kick_us != INT64_MAX && ms_until(now_us, e->kick_us) < ms)
        ms = ms_until(now_us, e->kick_us);
    return ms;
}

struct claiming {
    struct job_engine *engine;
    struct job_want wants[JOB_KINDS_MAX];
    uint64_t n_ended[JOB_KINDS_MAX]; /* of each kind, when the claim began */
    struct job_list list;
    struct tenant_name *tenants; /* [list.n_jobs] whose they are, in the call's arena */
};

static enum status claim_unit(struct call *c, struct tx *tx, void *arg)
{
    struct claiming *w = arg;
    const struct tenant_name *tenant;

    TRY(tx_job_claim(tx, w->wants, w->engine->n_kinds, &w->list));
    w->tenants = NEW(&c->arena, struct tenant_name, w->list.n_jobs + 1);
    if (!w->tenants)
        return call_nomem(c);
    for (size_t i = 0; i < w->list.n_jobs; i++) {
        TRY(tenant_names_get(&w->engine->names, tx, w->list.jobs[i].tenant_id, &tenant));
        w->tenants[i] = *tenant;
    }
    return STATUS_OK;
}

static void make_wants(struct job_engine *e, struct claiming *w)
{
    size_t room;

    pthread_mutex_lock(&e->lock);
    e->kick_us = INT64_MAX; /* what is put from now on kicks again */
    room = e->held_most > e->n_held ? e->held_most - e->n_held : 0;
    for (size_t i = 0; i < e->n_kinds; i++) {
        struct kind *k = &e->kinds[i];
        size_t limit = claim_limit(e, k);

        w->n_ended[i] = k->n_ended;
        limit = limit < room ? limit : room;
        room -= limit;
        w->wants[i] = (struct job_want){.kind = str_of(k->row->name),
                                        .limit = limit,
                                        .lease_us = k->row->lease_ms * 1000,
                                        .turn = k->turn,
                                        .tenant_most = k->tenant_limit * per_worker(k)};
    }
    pthread_mutex_unlock(&e->lock);
}

static str keep(char **at, str s)
{
    str kept = {*at, s.n};

    if (s.n)
        memcpy(*at, s.p, s.n);
    (*at)[s.n] = '\0';
    *at += s.n + 1;
    return kept;
}

static struct kind *kind_of(struct job_engine *e, str name)
{
    for (size_t i = 0; i < e->n_kinds; i++)
        if (str_eq(name, str_of(e->kinds[i].row->name)))
            return &e->kinds[i];
    return NULL;
}

/* A copy that outlives the claim. NULL: no memory; the lease then runs out and somebody takes it.
 */
static struct item *make_item(struct job_engine *e, const struct job *job,
                              const struct tenant_name *tenant)
{
    size_t bytes = job->kind.n + job->key.n + job->payload.n + job->reason.n + 4;
    struct item *item = malloc(sizeof *item + bytes);
    char *at;

    if (!item)
        return NULL;
    *item = (struct item){.kind = kind_of(e, job->kind), .job = *job};
    at = item->bytes;
    item->job.kind = keep(&at, job->kind);
    item->job.key = keep(&at, job->key);
    item->job.payload = keep(&at, job->payload);
    item->job.reason = keep(&at, job->reason);
    strncat(item->tenant, tenant->name, sizeof item->tenant - 1);
    assert(item->kind);
    item->must_wait = tenant->is_suspended && !item->kind->row->even_suspended;
    return item;
}

static void queue(struct job_engine *e, struct item *item)
{
    struct kind *k = item->kind;

    *k->tail = item;
    k->tail = &item->next;
    k->n_queued++;
    e->n_held++;
}

/* What the claim says about a kind: what is left, and whether somebody may be left out. */
static void learn(struct job_engine *e, struct kind *k, const struct job_want *w, uint64_t n_ended)
{
    int64_t now_us = e->clock->now_us(e->clock);
    bool is_full = w->limit && (w->n_claimed == w->limit || (w->is_capped && w->n_claimed > 0));

    k->is_capped = w->is_capped && !is_full; /* until one of theirs ends */
    if (w->limit)
        k->turn = is_full || w->is_capped ? w->next_turn : JOB_TURN_NONE;
    if (is_full || !w->limit || w->next_us > now_us)
        k->next_us = w->next_us;
    else /* others hold what was due, or it is ours now: leases end later than the next look */
        k->next_us = 0;
    if (k->is_capped && k->n_ended != n_ended) /* it may have been one of theirs */
        k->next_us = 1;
    if (e->metrics)
        series_set(k->oldest, w->oldest_us && w->oldest_us < now_us ? now_us - w->oldest_us : 0);
}

static void take_in(struct job_engine *e, const struct claiming *w)
{
    struct item *items[JOB_HELD_MAX], *item;
    size_t n = 0;

    for (size_t i = 0; i < w->list.n_jobs; i++)
        if ((item = make_item(e, &w->list.jobs[i], &w->tenants[i])) != NULL)
            items[n++] = item;
    pthread_mutex_lock(&e->lock);
    e->held_most = e->held_most * 2 < JOB_HELD_MAX ? e->held_most * 2 : JOB_HELD_MAX;
    for (size_t i = 0; i < n; i++)
        queue(e, items[i]);
    for (size_t i = 0; i < e->n_kinds; i++)
        learn(e, &e->kinds[i], &w->wants[i], w->n_ended[i]);
    if (n)
        e->pause_ms = e->poll_ms / POLL_PARTS + 1;
    else
        e->pause_ms = e->pause_ms * 2 < e->poll_ms ? e->pause_ms * 2 : e->poll_ms;
    pthread_cond_broadcast(&e->work);
    pthread_mutex_unlock(&e->lock);
}

/* The store is down, or the payloads do not fit: later, and fewer. */
static void stall(struct job_engine *e, const struct call *c)
{
    if (atomic_load(&e->is_over))
        return;
    log_warn(c, LOG_EVENT_JOBS_STALLED, F_WHY(&c->fault),
             F_STR("status", status_name(c->fault.status)));
    pthread_mutex_lock(&e->lock);
    if (c->fault.status == STATUS_EXHAUSTED && e->held_most > 1)
        e->held_most /= 2;
    e->pause_ms = e->poll_ms;
    for (size_t i = 0; i < e->n_kinds; i++)
        e->kinds[i].next_us = 0;
    pthread_mutex_unlock(&e->lock);
}

enum status engine_claim(struct job_engine *e, size_t *n_out)
{
    struct claiming w = {.engine = e};
    struct call c;
    enum status s;

    *n_out = 0;
    make_wants(e, &w);
    call_init(&c, e->clock, CLAIM_ARENA_BYTES);
    c.method = "job/claim";
    c.is_background = true;
    c.cancelled = &e->is_over;
    c.deadline_ns = call_monotonic_ns(&c) + (int64_t)CLAIM_TIMEOUT_MS * 1000000;
    s = store_run_system(e->store, &c, STORE_TAKE, claim_unit, &w);
    if (s == STATUS_OK) {
        if (w.list.n_jobs)
            kill_here(KILL_JOB_CLAIMED);
        take_in(e, &w);
        *n_out = w.list.n_jobs;
    } else {
        stall(e, &c);
    }
    call_release(&c);
    return s;
}
