/* Two lists: one fills under a lock, the other is written. */
#include "agent/refusal.h"

#include <assert.h>
#include <google/protobuf/timestamp.pb-c.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "obs/log.h"
#include "store/audit.h"

enum {
    METHOD_BYTES = 200,
    RULE_BYTES = 100,
    PEER_BYTES = 64,
    REQUEST_BYTES = 64,
    REASON_BYTES = 64,
    WRITE_S = 5,
    WRITE_BYTES = 16 << 20
};

struct refusal {
    struct principal who; /* without teams */
    enum status code;
    uint32_t count;
    int64_t time_us; /* of the first */
    struct trace trace;
    char method[METHOD_BYTES + 1], rule[RULE_BYTES + 1], peer[PEER_BYTES + 1],
        request_id[REQUEST_BYTES + 1], reason[REASON_BYTES + 1];
};

struct lost {
    int64_t tenant_id;
    uint32_t count;
};

struct list {
    struct refusal rows[REFUSALS_MAX];
    size_t n;
};

struct refusals {
    struct store *store;
    struct series lost_total;
    pthread_t thread;
    pthread_mutex_t lock; /* guards filling, losses, stop */
    pthread_cond_t wake;
    struct list *filling, *writing; /* owned; writing is the thread's */
    struct lost losses[REFUSAL_LOST_TENANTS];
    bool stop;
};

static void copy(char *out, size_t most, const char *text)
{
    str s = str_sub(str_of(text ? text : ""), 0, most);

    if (s.n)
        memcpy(out, s.p, s.n);
    out[s.n] = 0;
}

static bool alike(const struct refusal *r, const struct call *c, enum status s)
{
    return r->who.tenant_id == c->principal.tenant_id && r->code == s &&
           strcmp(r->who.subject, c->principal.subject) == 0 &&
           strncmp(r->method, c->method, METHOD_BYTES) == 0 &&
           strncmp(r->reason, c->fault.reason ? c->fault.reason : "", REASON_BYTES) == 0;
}

static void fill(struct refusal *r, const struct call *c, enum status s)
{
    *r = (struct refusal){
        .who = c->principal, .code = s, .count = 1, .time_us = call_now_us(c), .trace = c->trace};
    r->who.teams = NULL;
    r->who.n_teams = 0;
    copy(r->method, METHOD_BYTES, c->method);
    copy(r->rule, RULE_BYTES, c->rule);
    copy(r->peer, PEER_BYTES, c->peer);
    copy(r->request_id, REQUEST_BYTES, c->request_id);
    copy(r->reason, REASON_BYTES, c->fault.reason);
}

/* With the lock held. Tenants beyond the table are in the metric only. */
static void count_lost(struct refusals *r, int64_t tenant_id, uint32_t n)
{
    series_add(r->lost_total, n);
    for (size_t i = 0; i < REFUSAL_LOST_TENANTS; i++) {
        struct lost *l = &r->losses[i];

        if (l->tenant_id && l->tenant_id != tenant_id)
            continue;
        l->tenant_id = tenant_id;
        l->count += n;
        return;
    }
}

void refusals_note(struct refusals *r, const struct call *c, enum status s)
{
    struct list *l;
    size_t i = 0;

    if (c->principal.tenant_id <= 0)
        return;
    pthread_mutex_lock(&r->lock);
    l = r->filling;
    while (i < l->n && !alike(&l->rows[i], c, s))
        i++;
    if (i < l->n)
        l->rows[i].count++;
    else if (l->n < REFUSALS_MAX)
        fill(&l->rows[l->n++], c, s);
    else
        count_lost(r, c->principal.tenant_id, 1);
    if (l->n == 1)
        pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->lock);
}

/* The rows [from, n) of one tenant, and what was lost of it before. */
struct writing {
    const struct list *list;
    size_t from;
    uint32_t lost;
};

static enum status write_one(struct tx *tx, const struct refusal *r)
{
    Google__Protobuf__Timestamp t;
    AuditEntry e = AUDIT_ENTRY_INIT;
    struct call *c = tx_call(tx);

    c->principal = r->who;
    c->trace = r->trace;
    google__protobuf__timestamp__init(&t);
    t.seconds = r->time_us / 1000000;
    t.nanos = (int32_t)(r->time_us % 1000000) * 1000;
    e.time = &t;
    e.code = (int32_t)r->code;
    e.record_count = r->count > 1 ? r->count : 0;
    c->method = r->method;
    c->rule = r->rule;
    c->peer = r->peer;
    c->request_id = r->request_id;
    e.reason = (char *)r->reason;
    return tx_audit(tx, &e);
}

static enum status write_unit(struct call *c, struct tx *tx, void *arg)
{
    const struct writing *w = arg;
    const struct refusal *first = &w->list->rows[w->from];

    for (size_t i = w->from; i < w->list->n; i++)
        if (w->list->rows[i].who.tenant_id == first->who.tenant_id)
            TRY(write_one(tx, &w->list->rows[i]));
    if (w->lost) {
        AuditEntry e = AUDIT_ENTRY_INIT;

        c->principal = (struct principal){.tenant_id = first->who.tenant_id};
        c->method = "refusals.lost";
        c->rule = c->peer = c->request_id = "";
        e.record_count = w->lost;
        TRY(tx_audit(tx, &e));
    }
    return STATUS_OK;
}

static uint32_t take_lost(struct refusals *r, int64_t tenant_id)
{
    uint32_t n = 0;

    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < REFUSAL_LOST_TENANTS; i++)
        if (r->losses[i].tenant_id == tenant_id) {
            n = r->losses[i].count;
            r->losses[i] = (struct lost){0};
            break;
        }
    pthread_mutex_unlock(&r->lock);
    return n;
}

static void put_lost(struct refusals *r, int64_t tenant_id, uint32_t n)
{
    pthread_mutex_lock(&r->lock);
    count_lost(r, tenant_id, n);
    pthread_mutex_unlock(&r->lock);
}

static uint32_t calls_of(const struct list *l, size_t from)
{
    uint32_t n = 0;

    for (size_t i = from; i < l->n; i++)
        if (l->rows[i].who.tenant_id == l->rows[from].who.tenant_id)
            n += l->rows[i].count;
    return n;
}

static void write_tenant(struct refusals *r, size_t from)
{
    int64_t tenant_id = r->writing->rows[from].who.tenant_id;
    struct writing w = {r->writing, from, take_lost(r, tenant_id)};
    struct call c;
    enum status s;

    call_init(&c, NULL, WRITE_BYTES);
    c.principal.tenant_id = tenant_id;
    c.deadline_ns = call_monotonic_ns(&c) + WRITE_S * INT64_C(1000000000);
    s = store_run(r->store, &c, STORE_WRITE, write_unit, &w);
    if (s != STATUS_OK) {
        LOG_AT(&c, LOG_ERROR, LOG_EVENT_AUDIT_DROPPED, F_STR("code", status_name(s)),
               F_STR("why", c.fault.why));
        put_lost(r, tenant_id, w.lost + calls_of(r->writing, from));
    }
    call_release(&c);
}

static bool is_first_of_tenant(const struct list *l, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (l->rows[i].who.tenant_id == l->rows[at].who.tenant_id)
            return false;
    return true;
}

static void write_all(struct refusals *r)
{
    for (size_t i = 0; i < r->writing->n; i++)
        if (is_first_of_tenant(r->writing, i))
            write_tenant(r, i);
    r->writing->n = 0;
}

/* Sleeps until there is something, then as long as a batch takes to fill. False: it is the end. */
static bool take(struct refusals *r)
{
    struct list *l;
    struct timespec until;
    bool go_on;

    pthread_mutex_lock(&r->lock);
    while (!r->stop && !r->filling->n)
        pthread_cond_wait(&r->wake, &r->lock);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += REFUSAL_BATCH_MS / 1000;
    while (!r->stop && pthread_cond_timedwait(&r->wake, &r->lock, &until) == 0)
        ;
    l = r->filling;
    r->filling = r->writing;
    r->writing = l;
    go_on = !r->stop || l->n;
    pthread_mutex_unlock(&r->lock);
    return go_on;
}

static void *work(void *arg)
{
    struct refusals *r = arg;

    while (take(r))
        write_all(r);
    return NULL;
}

struct refusals *refusals_new(struct store *s, struct metrics *m)
{
    struct refusals *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    r->store = s;
    r->lost_total = metrics_series(m, METRIC_REFUSALS_LOST, NULL);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->wake, NULL);
    r->filling = calloc(1, sizeof *r->filling);
    r->writing = calloc(1, sizeof *r->writing);
    if (r->filling && r->writing && pthread_create(&r->thread, NULL, work, r) == 0)
        return r;
    free(r->filling);
    free(r->writing);
    free(r);
    return NULL;
}

void refusals_free(struct refusals *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->wake);
    free(r->filling);
    free(r->writing);
    free(r);
}
