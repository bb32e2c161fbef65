/* An open hash table, handed over as a whole at each flush; what cannot be stored is put back. */
#include "agent/usage.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "agent/instant.h"
#include "obs/log.h"
#include "store/usage.h"

enum { SLOTS_FULL = USAGE_SLOTS / 4 * 3 };
enum { FLUSH_ARENA_BYTES = 16 << 20, FLUSH_DEADLINE_MS = 10000, NS_PER_MS = 1000000 };

struct slot {
    struct usage_row row; /* .method NULL: free; .actor points to the text below */
    char actor[SUBJECT_BYTES + 1];
};

struct usage {
    struct store *store;
    pthread_t thread;
    pthread_mutex_t flushing; /* one flush at a time; taken before `lock` */
    pthread_mutex_t lock;     /* guards the rest */
    pthread_cond_t wake;
    bool stop;
    size_t n;
    struct slot *slots; /* owned, [USAGE_SLOTS] */
};

static uint64_t hash_of(const struct usage_row *r)
{
    uint64_t h = 0xcbf29ce484222325U ^ (uint64_t)r->tenant_id ^ (uint64_t)r->day << 40;

    for (const char *p = r->method; *p; p++)
        h = (h ^ (unsigned char)*p) * 0x100000001b3U;
    for (const char *p = r->actor; *p; p++)
        h = (h ^ (unsigned char)*p) * 0x100000001b3U;
    return h ^ h >> 32;
}

static bool is_same(const struct usage_row *a, const struct usage_row *b)
{
    return a->tenant_id == b->tenant_id && a->day == b->day && strcmp(a->method, b->method) == 0 &&
           strcmp(a->actor, b->actor) == 0;
}

/* With the lock held. Three quarters full is full: the search stays short. */
static void add(struct usage *u, const struct usage_row *r)
{
    size_t i = hash_of(r) % USAGE_SLOTS;

    while (u->slots[i].row.method && !is_same(&u->slots[i].row, r))
        i = (i + 1) % USAGE_SLOTS;
    if (!u->slots[i].row.method) {
        if (u->n == (size_t)SLOTS_FULL)
            return;
        u->n++;
        u->slots[i].row = *r;
        snprintf(u->slots[i].actor, sizeof u->slots[i].actor, "%s", r->actor);
        u->slots[i].row.actor = u->slots[i].actor;
        return;
    }
    u->slots[i].row.calls += r->calls;
    u->slots[i].row.failed += r->failed;
}

void usage_count(struct usage *u, const struct call *c, const char *method, bool failed)
{
    struct usage_row r = {.tenant_id = c->principal.tenant_id,
                          .day = call_now_us(c) / MOMENT_DAY_US,
                          .method = method,
                          .actor = c->principal.subject,
                          .calls = 1,
                          .failed = failed};

    if (r.tenant_id <= 0)
        return;
    pthread_mutex_lock(&u->lock);
    add(u, &r);
    pthread_mutex_unlock(&u->lock);
}

static int compare(const void *a, const void *b)
{
    const struct usage_row *x = a, *y = b;
    int order = (x->tenant_id > y->tenant_id) - (x->tenant_id < y->tenant_id);

    order = order ? order : (x->day > y->day) - (x->day < y->day);
    order = order ? order : strcmp(x->method, y->method);
    return order ? order : strcmp(x->actor, y->actor);
}

struct flush {
    struct usage_row *rows;
    size_t n;
};

static enum status flush_unit(struct call *c, struct tx *tx, void *arg)
{
    struct flush *k = arg;

    (void)c;
    return tx_usage_add(tx, k->rows, k->n);
}

/* The table, emptied, as sorted rows of the call. */
static enum status take(struct call *c, struct usage *u, struct flush *out)
{
    struct slot *fresh = calloc(USAGE_SLOTS, sizeof *fresh), *full = NULL;

    if (!fresh)
        return call_nomem(c);
    pthread_mutex_lock(&u->lock);
    full = u->slots;
    u->slots = fresh;
    u->n = 0;
    pthread_mutex_unlock(&u->lock);
    out->rows = NEW(&c->arena, struct usage_row, USAGE_SLOTS);
    for (size_t i = 0; i < USAGE_SLOTS && out->rows; i++) {
        if (!full[i].row.method)
            continue;
        out->rows[out->n] = full[i].row;
        out->rows[out->n++].actor = arena_cstr(&c->arena, str_of(full[i].actor));
        if (!out->rows[out->n - 1].actor)
            out->n--;
    }
    free(full);
    if (!out->rows)
        return call_nomem(c);
    qsort(out->rows, out->n, sizeof *out->rows, compare);
    return STATUS_OK;
}

static enum status flush(struct call *c, struct usage *u)
{
    struct flush k = {NULL, 0};
    enum status s;

    pthread_mutex_lock(&u->flushing);
    s = take(c, u, &k);
    if (s == STATUS_OK && k.n)
        s = store_run_system(u->store, c, STORE_TAKE, flush_unit,
                             &k); /* adding conflicts with nobody */
    if (s != STATUS_OK && k.rows) {
        pthread_mutex_lock(&u->lock);
        for (size_t i = 0; i < k.n; i++)
            add(u, &k.rows[i]);
        pthread_mutex_unlock(&u->lock);
    }
    pthread_mutex_unlock(&u->flushing);
    return s;
}

/* In a call of its own; what fails is tried again at the next turn. */
static void flush_alone(struct usage *u)
{
    struct call c;

    call_init(&c, NULL, FLUSH_ARENA_BYTES);
    c.deadline_ns = call_monotonic_ns(&c) + (int64_t)FLUSH_DEADLINE_MS * NS_PER_MS;
    if (flush(&c, u) != STATUS_OK)
        log_warn(&c, LOG_EVENT_USAGE_STALLED, F_WHY(&c.fault));
    call_release(&c);
}

static bool wait_for_turn(struct usage *u)
{
    struct timespec until;
    bool stop;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += USAGE_FLUSH_MS / 1000;
    pthread_mutex_lock(&u->lock);
    if (!u->stop)
        pthread_cond_timedwait(&u->wake, &u->lock, &until);
    stop = u->stop;
    pthread_mutex_unlock(&u->lock);
    return !stop;
}

static void *run(void *arg)
{
    while (wait_for_turn(arg))
        flush_alone(arg);
    return NULL;
}

enum status usage_open(struct call *c, struct store *s, struct usage **out)
{
    struct usage *u = calloc(1, sizeof *u);
    pthread_condattr_t monotonic;

    *out = NULL;
    if (!u || !(u->slots = calloc(USAGE_SLOTS, sizeof *u->slots))) {
        free(u);
        return call_nomem(c);
    }
    u->store = s;
    pthread_mutex_init(&u->flushing, NULL);
    pthread_mutex_init(&u->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&u->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&u->thread, NULL, run, u) != 0) {
        free(u->slots);
        free(u);
        return call_fail(c, STATUS_EXHAUSTED, "no thread for the counting of usage");
    }
    *out = u;
    return STATUS_OK;
}

void usage_close(struct usage *u)
{
    if (!u)
        return;
    pthread_mutex_lock(&u->lock);
    u->stop = true;
    pthread_cond_signal(&u->wake);
    pthread_mutex_unlock(&u->lock);
    pthread_join(u->thread, NULL);
    flush_alone(u);
    free(u->slots);
    free(u);
}

struct reading {
    int64_t from, to;
    enum usage_group by;
    struct usage_sum *rows, *total;
    size_t n_rows, n_total;
};

static enum status read_unit(struct call *c, struct tx *tx, void *arg)
{
    struct reading *k = arg;

    (void)c;
    TRY(tx_usage_sum(tx, (struct usage_days){k->from, k->to}, USAGE_TOTAL, k->total, &k->n_total));
    return tx_usage_sum(tx, (struct usage_days){k->from, k->to}, k->by, k->rows, &k->n_rows);
}

/* Days of the request; without one this month. */
static enum status choose_days(struct call *c, const TimeRange *t, struct reading *k)
{
    int64_t now = call_now_us(c), first;
    char date[DATE_TEXT_BYTES + 1];

    date_of(now, date);
    date[DATE_TEXT_BYTES - 2] = '0';
    date[DATE_TEXT_BYTES - 1] = '1';
    if (!date_parse((str){date, DATE_TEXT_BYTES}, &first))
        return call_fail(c, STATUS_INTERNAL, "the clock shows no date");
    k->from = t && t->start_time ? instant_us(t->start_time) / MOMENT_DAY_US : first;
    k->to = t && t->end_time ? (instant_us(t->end_time) - 1) / MOMENT_DAY_US : now / MOMENT_DAY_US;
    if (k->from <= k->to)
        return STATUS_OK;
    call_detail(c, FAULT_FIELD, "time.range", STR("time.end_time"), "behind start_time");
    return call_fail_as(c, STATUS_INVALID, "VALIDATION", "the time ends before it starts");
}

static enum status tell_row(struct call *c, const struct usage_sum *s, bool by_day, UsageRow *out)
{
    char date[DATE_TEXT_BYTES + 1];

    *out = (UsageRow)USAGE_ROW_INIT;
    out->calls = (uint64_t)s->calls;
    out->failed_calls = (uint64_t)s->failed;
    date_of(s->day * MOMENT_DAY_US, date);
    out->key = arena_cstr(&c->arena, by_day ? str_of(date) : s->text);
    return out->key ? STATUS_OK : call_nomem(c);
}

static enum status tell(struct call *c, const struct reading *k, const TenantPolicy *policy,
                        GetUsageResponse *out)
{
    UsageRow *rows = NEW(&c->arena, UsageRow, k->n_rows + 1);

    out->rows = NEW(&c->arena, UsageRow *, k->n_rows + 1);
    if (!rows || !out->rows)
        return call_nomem(c);
    for (size_t i = 0; i < k->n_rows; i++) {
        TRY(tell_row(c, &k->rows[i], k->by == USAGE_BY_DAY, &rows[i]));
        out->rows[i] = &rows[i];
    }
    out->n_rows = k->n_rows;
    out->total = &rows[k->n_rows];
    out->budget_micro_usd = policy->ai ? policy->ai->monthly_budget_micro_usd : 0;
    TRY(tell_row(c, &k->total[0], false, out->total));
    return STATUS_OK;
}

enum status usage_get(struct call *c, struct agents *a, const GetUsageRequest *in,
                      GetUsageResponse *out)
{
    struct reading k = {.by = in->group_by == USAGE_GROUP_METHOD  ? USAGE_BY_METHOD
                              : in->group_by == USAGE_GROUP_ACTOR ? USAGE_BY_ACTOR
                                                                  : USAGE_BY_DAY};
    const TenantPolicy *policy;

    TRY(choose_days(c, in->time, &k));
    TRY(policy_get(c, a->policies, &policy));
    k.rows = NEW(&c->arena, struct usage_sum, USAGE_ROWS_MAX);
    k.total = NEW(&c->arena, struct usage_sum, USAGE_ROWS_MAX);
    if (!k.rows || !k.total)
        return call_nomem(c);
    if (a->usage)
        TRY(flush(c, a->usage));
    TRY(store_run(a->store, c, STORE_READ, read_unit, &k));
    if (in->group_by == USAGE_GROUP_AI_MODEL)
        k.n_rows = 0; /* no model has been asked yet */
    return tell(c, &k, policy, out);
}
