/* One thread per consumer and one that cleans up; they share nothing but the wish to stop. */
#include "event/bus.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "event/runner.h"
#include "obs/log.h"

enum {
    US_PER_MS = 1000,
    MS_PER_S = 1000,
    NS_PER_MS = 1000000,
    SECONDS_PER_DAY = 86400,
    TRIM_ROUNDS_MAX = 2000, /* a million events at most per clean-up */
};

struct bus {
    struct bus_options options;
    struct runner runners[BUS_CONSUMERS_MAX];
    struct worker {
        pthread_t thread;
        struct bus *bus;
        struct runner *runner; /* NULL: cleans up */
    } workers[BUS_CONSUMERS_MAX + 1];
    size_t n_runners, n_threads;
    atomic_bool stopping;
    pthread_mutex_t lock; /* guards nothing but the wait for `stopping` */
    pthread_cond_t stop;
};

enum status bus_new(struct call *c, const struct bus_options *o, struct bus **out)
{
    struct bus *b = calloc(1, sizeof *b);
    pthread_condattr_t attr;

    *out = b;
    if (!b)
        return call_nomem(c);
    b->options = *o;
    pthread_mutex_init(&b->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&b->stop, &attr);
    pthread_condattr_destroy(&attr);
    return STATUS_OK;
}

void bus_subscribe(struct bus *b, struct bus_consumer *consumer)
{
    assert(b->n_runners < BUS_CONSUMERS_MAX && b->n_threads == 0);
    runner_init(&b->runners[b->n_runners++], &b->options, consumer, &b->stopping);
}

/* False: the bus stops. */
static bool sleep_ms(struct bus *b, int64_t ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / MS_PER_S;
    until.tv_nsec += ms % MS_PER_S * NS_PER_MS;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&b->lock);
    while (!atomic_load(&b->stopping) && pthread_cond_timedwait(&b->stop, &b->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&b->lock);
    return !atomic_load(&b->stopping);
}

static void *consume(void *arg)
{
    struct worker *w = arg;

    do
        runner_turn(w->runner);
    while (sleep_ms(w->bus, w->runner->wait_ms));
    runner_end(w->runner);
    return NULL;
}

struct trim {
    struct bus *bus;
    size_t n;
};

static enum status trim_unit(struct call *c, struct tx *tx, void *arg)
{
    struct trim *t = arg;
    int64_t now_us = call_now_us(c);
    struct event_consumer lease = {.name = ".trim"};

    t->n = 0;
    TRY(tx_consumer_claim(tx, 0, &lease)); /* one replica at a time: the row is locked */
    return tx_event_trim(tx, now_us - t->bus->options.window_ms * US_PER_MS,
                         now_us - (int64_t)BUS_GONE_DAYS * SECONDS_PER_DAY * 1000000, &t->n);
}

static void trim_all(struct bus *b)
{
    struct trim t = {.bus = b};
    size_t total = 0;
    enum status s = STATUS_OK;

    for (int i = 0; i < TRIM_ROUNDS_MAX && s == STATUS_OK && !atomic_load(&b->stopping); i++) {
        struct call c;

        runner_call(&c, &b->stopping);
        s = store_run_system(b->options.store, &c, STORE_WRITE, trim_unit, &t);
        if (s != STATUS_OK && !atomic_load(&b->stopping))
            log_warn(&c, LOG_EVENT_OUTBOX_TRIM_FAILED, F_WHY(&c.fault));
        call_release(&c);
        total += s == STATUS_OK ? t.n : 0;
        if (t.n < EVENT_TRIM_MAX)
            break;
    }
    if (total)
        log_info(NULL, LOG_EVENT_OUTBOX_TRIMMED, F_INT("events", total));
}

static void *clean_up(void *arg)
{
    struct worker *w = arg;

    while (sleep_ms(w->bus, BUS_TRIM_MS))
        trim_all(w->bus);
    return NULL;
}

enum status bus_start(struct bus *b, struct call *c)
{
    for (size_t i = 0; i <= b->n_runners; i++) {
        struct worker *w = &b->workers[i];
        bool is_last = i == b->n_runners;

        *w = (struct worker){.bus = b, .runner = is_last ? NULL : &b->runners[i]};
        if (pthread_create(&w->thread, NULL, is_last ? clean_up : consume, w) != 0)
            return call_fail(c, STATUS_EXHAUSTED, "no thread for the event bus");
        b->n_threads++;
    }
    return STATUS_OK;
}

void bus_free(struct bus *b)
{
    if (!b)
        return;
    pthread_mutex_lock(&b->lock);
    atomic_store(&b->stopping, true);
    pthread_cond_broadcast(&b->stop);
    pthread_mutex_unlock(&b->lock);
    for (size_t i = 0; i < b->n_threads; i++)
        pthread_join(b->workers[i].thread, NULL);
    pthread_cond_destroy(&b->stop);
    pthread_mutex_destroy(&b->lock);
    free(b);
}
