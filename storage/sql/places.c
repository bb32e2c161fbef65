/*
 * Whenever the lock is free, nobody who waits could have a place: whoever leaves hands its place
 * on. So one who comes and may have a place takes it, and passes only those who may not.
 *
 * Each lane of the queue is one tenant's units of one kind: what keeps its head from a place keeps
 * all behind it.
 */
#include "sql/places.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/wait.h"
#include "sql/turns.h"

enum {
    TENANTS = 64,             /* shares; tenants whose numbers meet share one */
    WAIT_SLICE_NS = 50000000, /* how often a waiting caller looks whether it was cancelled */
};

enum kind { READS, WRITES, BACKGROUND, KINDS };

static_assert(TENANTS * KINDS <= TURNS_LANES, "a lane for each share and kind");

struct waiter {
    struct turns_item item; /* first: an item is a waiter */
    struct place place;
    bool has_place;
    pthread_cond_t granted;
};

struct places {
    size_t n, tenant_most, write_most, background_most;
    pthread_mutex_t lock; /* guards all that follows */
    pthread_condattr_t monotonic;
    size_t n_taken, n_writes, n_background, n_of[TENANTS];
    struct turns waiting;
};

static size_t at_least_one(size_t n)
{
    return n > 0 ? n : 1;
}

struct places *places_new(size_t n)
{
    size_t reserve = n < 4 ? 0 : at_least_one(n / PLACES_RESERVE_PART);
    size_t spare = at_least_one(n / PLACES_BACKGROUND_SPARE_PART);
    struct places *p = calloc(1, sizeof *p);

    assert(n > 0);
    if (!p)
        return NULL;
    p->n = n;
    p->tenant_most = p->write_most = n - reserve;
    p->background_most = at_least_one(n - spare);
    turns_init(&p->waiting);
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&p->monotonic);
    pthread_condattr_setclock(&p->monotonic, CLOCK_MONOTONIC);
    return p;
}

void places_free(struct places *p)
{
    if (!p)
        return;
    assert(!p->n_taken && !p->waiting.n);
    pthread_condattr_destroy(&p->monotonic);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static bool is_free_for(const struct places *p, const struct place *w)
{
    return p->n_taken < p->n && p->n_of[w->tenant] < p->tenant_most &&
           (!w->writes || p->n_writes < p->write_most) &&
           (!w->is_background || p->n_background < p->background_most);
}

static void take(struct places *p, const struct place *w)
{
    p->n_taken++;
    p->n_of[w->tenant]++;
    p->n_writes += w->writes;
    p->n_background += w->is_background;
}

static bool may(void *arg, const struct turns_item *item)
{
    return is_free_for(arg, &((const struct waiter *)item)->place);
}

/* With the lock held: places that are free go to those who may have them. */
static void grant(struct places *p)
{
    struct waiter *w;

    while ((w = (struct waiter *)turns_pop(&p->waiting, may, p)) != NULL) {
        take(p, &w->place);
        w->has_place = true;
        pthread_cond_signal(&w->granted);
    }
}

/* With the lock held. */
static void wait_a_slice(struct places *p, struct call *c, struct waiter *w)
{
    int64_t ns = call_left_ns(c, WAIT_SLICE_NS);
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    ns += until.tv_nsec + 1000;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_cond_timedwait(&w->granted, &p->lock, &until);
}

static enum status wait_for_place(struct places *p, struct call *c, const struct place *place)
{
    enum kind kind = place->is_background ? BACKGROUND : place->writes ? WRITES : READS;
    struct waiter w = {.item.lane = place->tenant * KINDS + kind, .place = *place};
    enum status s = STATUS_OK;

    pthread_cond_init(&w.granted, &p->monotonic);
    turns_push(&p->waiting, &w.item);
    while (!w.has_place && (s = call_check(c)) == STATUS_OK)
        wait_a_slice(p, c, &w);
    if (!w.has_place)
        turns_remove(&p->waiting, &w.item);
    pthread_cond_destroy(&w.granted);
    return s;
}

enum status places_take(struct places *p, struct call *c, const struct sql_unit *unit,
                        struct place *out)
{
    enum status s = STATUS_OK;

    *out = (struct place){.tenant = (uint32_t)((uint64_t)unit->tenant_id % TENANTS),
                          .writes = store_mode_writes(unit->mode),
                          .is_background = c->is_background};
    pthread_mutex_lock(&p->lock);
    if (is_free_for(p, out)) {
        take(p, out);
        pthread_mutex_unlock(&p->lock);
        return STATUS_OK;
    }
    pthread_mutex_unlock(&p->lock);
    wait_begins();
    pthread_mutex_lock(&p->lock);
    if (is_free_for(p, out)) /* meanwhile */
        take(p, out);
    else
        s = wait_for_place(p, c, out);
    pthread_mutex_unlock(&p->lock);
    wait_ends();
    return s;
}

void places_leave(struct places *p, const struct place *place)
{
    pthread_mutex_lock(&p->lock);
    p->n_taken--;
    p->n_of[place->tenant]--;
    p->n_writes -= place->writes;
    p->n_background -= place->is_background;
    grant(p);
    pthread_mutex_unlock(&p->lock);
}
