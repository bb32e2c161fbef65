/* One thread, one lock, one condition: the thread sleeps until a fetch is due or asked for, callers
 * sleep until it is done. */
#include "intercept/jwks.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/wait.h"
#include "intercept/jwks_load.h"
#include "intercept/jwks_plan.h"
#include "obs/log.h"

enum {
    NS_PER_MS = 1000000,
    LOOK_MS = 1000,             /* between two looks at the clock */
    LOAD_ARENA_BYTES = 2 << 20, /* a set, its text twice, and the discovery document */
    SOURCE_ARENA_BYTES = 64 << 10,
};

static const int64_t ns_per_s = 1000000000;

/* A kid that was not there when its issuer was asked. */
struct unknown {
    char kid[KID_BYTES_MAX + 1];
    int64_t until_ns;
};

struct jwks {
    struct jwks_shared *shared;
    struct arena arena; /* owns the texts of source */
    struct jwks_source source;
    struct jwks_stamp stamp; /* of the thread */
    atomic_bool stopping;
    pthread_t thread;

    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t changed;
    struct jwk_set *set; /* NULL: none yet */
    struct jwks_plan plan;
    bool wanted;      /* somebody waits for a fetch that has not begun */
    bool busy;        /* a fetch is under way */
    uint64_t n_ended; /* fetches, whatever came of them */
    struct unknown unknown[JWKS_UNKNOWN_MAX];
    size_t next_unknown;
};

static int64_t now_of(const struct jwks *j)
{
    const struct clock_ops *clock = j->shared->clock ? j->shared->clock : &system_clock;

    return clock->monotonic_ns(clock);
}

/* Real time, whatever the clock of the service says. */
static struct timespec after_ms(int64_t ms)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * NS_PER_MS;
    if (t.tv_nsec >= ns_per_s) {
        t.tv_sec++;
        t.tv_nsec -= ns_per_s;
    }
    return t;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static void count(struct series s)
{
    if (s.owner)
        series_add(s, 1);
}

static void note(struct jwks *j, struct call *c, const struct jwks_loaded *got, enum status s)
{
    char *issuer = arena_cstr(&c->arena, j->source.issuer);

    if (s != STATUS_OK) {
        count(j->shared->failed);
        log_warn(NULL, LOG_EVENT_ISSUER_FAILED, F_ID("issuer", issuer), F_WHY(&c->fault),
                 F_STR("reason", c->fault.reason));
    } else if (got->set) {
        count(j->shared->fetched);
        log_info(NULL, LOG_EVENT_ISSUER_LOADED, F_ID("issuer", issuer),
                 F_INT("keys", jwk_set_count(got->set)), F_INT("left_out", got->n_left_out));
    }
}

static void take_over(struct jwks *j, const struct jwks_loaded *got, enum status s)
{
    struct jwk_set *old = NULL;
    int64_t now_ns = now_of(j);

    pthread_mutex_lock(&j->lock);
    if (s == STATUS_OK)
        jwks_plan_loaded(&j->plan, now_ns, got->max_age_s);
    else
        jwks_plan_failed(&j->plan, now_ns);
    if (j->source.file.n)
        j->plan.next_ns = now_ns + JWKS_FILE_S * ns_per_s;
    if (s == STATUS_OK && got->set) {
        old = j->set;
        j->set = got->set;
        atomic_fetch_add(&j->shared->generation, 1);
    }
    j->busy = false;
    j->n_ended++;
    pthread_cond_broadcast(&j->changed);
    pthread_mutex_unlock(&j->lock);
    jwk_set_unref(old);
}

static void load(struct jwks *j)
{
    struct jwks_loaded got = {0};
    enum status s;
    struct call c;

    call_init(&c, NULL, LOAD_ARENA_BYTES);
    c.deadline_ns = call_monotonic_ns(&c) + (int64_t)JWKS_TIMEOUT_MS * NS_PER_MS;
    c.cancelled = &j->stopping;
    s = j->source.file.n ? jwks_load_file(&c, j->source.file, &j->stamp, &got)
                         : jwks_load_url(&c, j->shared->http, &j->source, &got);
    if (!atomic_load(&j->stopping))
        note(j, &c, &got, s);
    take_over(j, &got, s);
    call_release(&c);
}

static void *run(void *self)
{
    struct jwks *j = self;

    pthread_mutex_lock(&j->lock);
    while (!atomic_load(&j->stopping)) {
        struct timespec until = after_ms(LOOK_MS);

        if (j->wanted || jwks_plan_is_due(&j->plan, now_of(j))) {
            j->wanted = false;
            j->busy = true;
            jwks_plan_tried(&j->plan, now_of(j));
            pthread_mutex_unlock(&j->lock);
            load(j);
            pthread_mutex_lock(&j->lock);
        } else {
            pthread_cond_timedwait(&j->changed, &j->lock, &until);
        }
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

/* ---- callers --------------------------------------------------------------------------------- */

static bool is_usable(const struct jwks *j)
{
    return j->set && jwks_plan_is_usable(&j->plan, now_of(j));
}

/* The set counts for as long as the caller looks at its key. Lock held. */
static bool look(struct jwks *j, str kid, enum jws_alg alg, struct jwks_key *out)
{
    const struct jwk *key = is_usable(j) ? jwk_set_find(j->set, kid, alg) : NULL;

    *out = (struct jwks_key){0};
    if (key)
        *out = (struct jwks_key){jwk_set_ref(j->set), key};
    return key != NULL;
}

static bool is_unknown(const struct jwks *j, str kid)
{
    int64_t now_ns = now_of(j);

    for (size_t i = 0; i < JWKS_UNKNOWN_MAX; i++)
        if (j->unknown[i].until_ns > now_ns && str_eq(kid, str_of(j->unknown[i].kid)))
            return true;
    return false;
}

static void add_unknown(struct jwks *j, str kid)
{
    struct unknown *u = &j->unknown[j->next_unknown++ % JWKS_UNKNOWN_MAX];

    assert(kid.n <= KID_BYTES_MAX);
    *u = (struct unknown){.until_ns = now_of(j) + JWKS_UNKNOWN_S * ns_per_s};
    memcpy(u->kid, kid.p ? kid.p : "", kid.n);
}

/* A fetch could bring the key. Lock held. */
static bool may_help(const struct jwks *j, str kid)
{
    if (is_usable(j) && is_unknown(j, kid))
        return false;
    if (j->busy || j->wanted)
        return j->plan.n_failures == 0; /* nobody waits for one who did not answer last time */
    return jwks_plan_may_ask(&j->plan, now_of(j));
}

/* Until a fetch has ended, or the call's time is over. Lock held. */
static void await_fetch(struct jwks *j, const struct call *c)
{
    int64_t left_ns = call_left_ns(c, (int64_t)JWKS_WAIT_MS * NS_PER_MS);
    struct timespec until = after_ms(left_ns / NS_PER_MS);
    uint64_t before = j->n_ended;
    int error = 0;

    j->wanted |= !j->busy;
    pthread_cond_broadcast(&j->changed);
    wait_begins();
    while (j->n_ended == before && error == 0)
        error = pthread_cond_timedwait(&j->changed, &j->lock, &until);
    wait_ends();
}

/* Whether the caller may be one of the few that wait. */
static bool enter(struct jwks_shared *shared)
{
    if (atomic_fetch_add(&shared->n_waiters, 1) < shared->waiters_max)
        return true;
    atomic_fetch_sub(&shared->n_waiters, 1);
    return false;
}

static enum status no_keys(struct call *c)
{
    call_retry_after(c, LOOK_MS);
    return call_fail_as(c, STATUS_UNAVAILABLE, "ISSUER_KEYS",
                        "the keys of the token's issuer cannot be had now");
}

enum status jwks_find(struct jwks *j, struct call *c, str kid, enum jws_alg alg,
                      struct jwks_key *out)
{
    bool found, crowded = false, usable;

    pthread_mutex_lock(&j->lock);
    found = look(j, kid, alg, out);
    if (!found && may_help(j, kid)) {
        crowded = !enter(j->shared);
        if (!crowded) {
            await_fetch(j, c);
            atomic_fetch_sub(&j->shared->n_waiters, 1);
            found = look(j, kid, alg, out);
            if (!found)
                add_unknown(j, kid);
        }
    }
    usable = is_usable(j);
    pthread_mutex_unlock(&j->lock);
    return found || (usable && !crowded) ? STATUS_OK : no_keys(c);
}

/* ---- life ------------------------------------------------------------------------------------ */

static bool copy_source(struct jwks *j, const struct jwks_source *source)
{
    j->source.file = arena_str(&j->arena, source->file);
    j->source.uri = arena_str(&j->arena, source->uri);
    j->source.issuer = arena_str(&j->arena, source->issuer);
    return j->source.file.p && j->source.uri.p && j->source.issuer.p;
}

struct jwks *jwks_open(struct jwks_shared *shared, const struct jwks_source *source)
{
    struct jwks *j = calloc(1, sizeof *j);
    pthread_condattr_t monotonic;

    if (!j)
        return NULL;
    j->shared = shared;
    arena_init(&j->arena, SOURCE_ARENA_BYTES);
    pthread_mutex_init(&j->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&j->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (copy_source(j, source) && pthread_create(&j->thread, NULL, run, j) == 0)
        return j;
    arena_release(&j->arena);
    free(j);
    return NULL;
}

void jwks_close(struct jwks *j)
{
    if (!j)
        return;
    atomic_store(&j->stopping, true);
    jwks_wake(j);
    pthread_join(j->thread, NULL);
    pthread_cond_destroy(&j->changed);
    pthread_mutex_destroy(&j->lock);
    jwk_set_unref(j->set);
    arena_release(&j->arena);
    free(j);
}

void jwks_wake(struct jwks *j)
{
    pthread_mutex_lock(&j->lock);
    pthread_cond_broadcast(&j->changed);
    pthread_mutex_unlock(&j->lock);
}
