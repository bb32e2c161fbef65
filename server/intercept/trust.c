/* One thread looks at the file; it alone makes and ends rules, so a reader only counts itself in
 * and out. Old rules end when their last reader is gone; until then no other change is taken. */
#include "intercept/trust.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "integration/http.h"
#include "intercept/jwks_load.h"
#include "obs/log.h"

enum { SNAPSHOT_ARENA_BYTES = 4 << 20, READ_ARENA_BYTES = 1 << 20, NS_PER_MS = 1000000 };

struct snapshot {
    struct trust_rules rules; /* first: readers hold its address */
    struct arena arena;
    atomic_int *n_readers;        /* in arena: readers see the rest as const */
    bool owns[TRUST_ISSUERS_MAX]; /* the keys of issuer i end with this snapshot */
};

struct trust {
    struct trust_options options;
    struct jwks_shared shared;
    char *path; /* owned */
    pthread_t thread;
    struct jwks_stamp stamp; /* of the file at the last look; of the thread */
    struct snapshot *old;    /* of the thread; NULL: none */

    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t changed;
    struct snapshot *now;
    bool stopping;
};

/* ---- snapshots ------------------------------------------------------------------------------- */

static void snapshot_free(struct snapshot *s)
{
    if (!s)
        return;
    assert(atomic_load(s->n_readers) == 0);
    for (size_t i = 0; i < s->rules.n_issuers; i++)
        if (s->owns[i])
            jwks_close(s->rules.issuers[i].keys);
    arena_release(&s->arena);
    free(s);
}

static bool same_source(const struct jwks_source *a, const struct jwks_source *b)
{
    return str_eq(a->file, b->file) && str_eq(a->uri, b->uri) && str_eq(a->issuer, b->issuer);
}

/* Takes the keys of an issuer that was there before, so that a change of its rules costs no fetch.
 */
static struct jwks *inherit(struct snapshot *from, const struct jwks_source *source)
{
    for (size_t i = 0; from && i < from->rules.n_issuers; i++)
        if (from->owns[i] && same_source(&from->rules.issuers[i].source, source)) {
            from->owns[i] = false;
            return from->rules.issuers[i].keys;
        }
    return NULL;
}

/* Gives every issuer its keys. False: no memory or no thread; s may own some already. */
static bool attach_keys(struct trust *t, struct snapshot *s, struct snapshot *before)
{
    for (size_t i = 0; i < s->rules.n_issuers; i++) {
        struct issuer *issuer = &s->rules.issuers[i];

        issuer->keys = inherit(before, &issuer->source);
        if (!issuer->keys)
            issuer->keys = jwks_open(&t->shared, &issuer->source);
        s->owns[i] = issuer->keys != NULL;
        if (!issuer->keys)
            return false;
    }
    return true;
}

/* What was inherited goes back when the heir does not live. */
static void give_back(struct snapshot *from, struct snapshot *to)
{
    for (size_t i = 0; i < from->rules.n_issuers; i++)
        for (size_t k = 0; to && k < to->rules.n_issuers; k++)
            if (from->owns[i] && from->rules.issuers[i].keys == to->rules.issuers[k].keys) {
                to->owns[k] = true;
                from->owns[i] = false;
            }
}

/* ---- the file -------------------------------------------------------------------------------- */

static enum status read_file(struct call *c, const char *path, struct jwks_stamp *stamp_out,
                             str *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    char *text = fd >= 0 ? arena_take(&c->arena, TRUST_BYTES_MAX + 1) : NULL;
    size_t n = 0;
    ssize_t got = 1;
    struct stat st;

    if (!text || fstat(fd, &st) != 0)
        got = -1;
    while (got > 0 && n <= TRUST_BYTES_MAX) {
        got = read(fd, text + n, TRUST_BYTES_MAX + 1 - n);
        n += got > 0 ? (size_t)got : 0;
    }
    if (got < 0)
        call_fail(c, STATUS_INVALID, "%s: %s", path, strerror(errno));
    else if (n > TRUST_BYTES_MAX)
        call_fail(c, STATUS_INVALID, "%s: over %d bytes", path, TRUST_BYTES_MAX);
    if (fd >= 0)
        close(fd);
    if (c->fault.status != STATUS_OK)
        return c->fault.status;
    *stamp_out = (struct jwks_stamp){st.st_dev, st.st_ino, st.st_size, st.st_ctim};
    *out = (str){text, n};
    return STATUS_OK;
}

/* Rules as the file has them now, with keys. */
static enum status snapshot_read(struct trust *t, struct call *c, struct snapshot *before,
                                 struct snapshot **out)
{
    struct snapshot *s = calloc(1, sizeof *s);
    char why[TRUST_WHY_BYTES];
    str json;

    *out = NULL;
    if (!s)
        return call_nomem(c);
    arena_init(&s->arena, SNAPSHOT_ARENA_BYTES);
    s->n_readers = NEW(&s->arena, atomic_int, 1);
    if (!s->n_readers) {
        free(s);
        return call_nomem(c);
    }
    if (read_file(c, t->path, &t->stamp, &json) == STATUS_OK) {
        if (!trust_parse(&s->arena, json, &s->rules, why))
            call_fail(c, STATUS_INVALID, "%s: %s", t->path, why);
        else if (!attach_keys(t, s, before))
            call_nomem(c);
    }
    if (c->fault.status != STATUS_OK) {
        give_back(s, before);
        snapshot_free(s);
        return c->fault.status;
    }
    *out = s;
    return STATUS_OK;
}

/* Whether the file is another one than at the last look. What cannot be read is said once. */
static bool is_stale(struct trust *t)
{
    struct jwks_stamp now = {0}, last = t->stamp;
    struct stat st;

    if (stat(t->path, &st) == 0)
        now = (struct jwks_stamp){st.st_dev, st.st_ino, st.st_size, st.st_ctim};
    t->stamp = now;
    return !jwks_same_stamp(&now, &last);
}

static void note(struct call *c, const struct snapshot *s)
{
    if (s)
        log_info(NULL, LOG_EVENT_TRUST_LOADED, F_INT("issuers", s->rules.n_issuers),
                 F_INT("certificates", s->rules.n_certificates));
    else
        log_error(NULL, LOG_EVENT_TRUST_REFUSED, F_WHY(&c->fault));
}

static void reload(struct trust *t)
{
    struct snapshot *fresh, *before = t->now; /* only this thread changes it */
    struct call c;

    call_init(&c, NULL, READ_ARENA_BYTES);
    if (snapshot_read(t, &c, before, &fresh) == STATUS_OK) {
        pthread_mutex_lock(&t->lock);
        t->now = fresh;
        pthread_mutex_unlock(&t->lock);
        atomic_fetch_add(&t->shared.generation, 1);
        t->old = before;
    }
    note(&c, fresh);
    call_release(&c);
}

static void look(struct trust *t)
{
    if (t->old && atomic_load(t->old->n_readers) == 0) {
        snapshot_free(t->old);
        t->old = NULL;
    }
    if (!t->old && is_stale(t))
        reload(t);
}

static void *run(void *self)
{
    struct trust *t = self;

    pthread_mutex_lock(&t->lock);
    while (!t->stopping) {
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += TRUST_LOOK_MS / 1000;
        pthread_cond_timedwait(&t->changed, &t->lock, &until);
        pthread_mutex_unlock(&t->lock);
        look(t);
        pthread_mutex_lock(&t->lock);
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

/* ---- callers --------------------------------------------------------------------------------- */

const struct trust_rules *trust_get(struct trust *t)
{
    struct snapshot *s;

    pthread_mutex_lock(&t->lock);
    s = t->now;
    atomic_fetch_add(s->n_readers, 1);
    pthread_mutex_unlock(&t->lock);
    return &s->rules;
}

void trust_put(const struct trust_rules *rules)
{
    const struct snapshot *s = (const struct snapshot *)(const void *)rules;

    atomic_fetch_sub(s->n_readers, 1);
}

uint64_t trust_generation(const struct trust *t)
{
    return atomic_load(&t->shared.generation);
}

void trust_wake(struct trust *t)
{
    const struct trust_rules *rules = trust_get(t);

    for (size_t i = 0; i < rules->n_issuers; i++)
        jwks_wake(rules->issuers[i].keys);
    trust_put(rules);
    pthread_mutex_lock(&t->lock);
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void count(struct trust *t, struct metrics *m)
{
    t->shared.fetched = metrics_series(m, METRIC_ISSUER_FETCHES, (const char *[]){"ok"});
    t->shared.failed = metrics_series(m, METRIC_ISSUER_FETCHES, (const char *[]){"failed"});
}

static int waiters_of(int64_t n_workers)
{
    int64_t half = n_workers / 2;

    if (n_workers == 0 || half > JWKS_WAITERS_MAX)
        return JWKS_WAITERS_MAX;
    return half > 0 ? (int)half : 1;
}

static struct trust *make(const struct trust_options *o)
{
    struct trust *t = calloc(1, sizeof *t);
    pthread_condattr_t monotonic;

    if (!t)
        return NULL;
    t->options = *o;
    t->path = strdup(o->path);
    t->shared.clock = o->clock;
    t->shared.waiters_max = waiters_of(o->n_workers);
    t->shared.http =
        http_client_open(&(struct http_options){.user_agent = "salesd", .ca_file = o->ca_file});
    if (o->metrics)
        count(t, o->metrics);
    pthread_mutex_init(&t->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&t->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return t;
}

static void unmake(struct trust *t)
{
    snapshot_free(t->old);
    snapshot_free(t->now);
    http_client_close(t->shared.http);
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->lock);
    free(t->path);
    free(t);
}

enum status trust_open(struct call *c, const struct trust_options *o, struct trust **out)
{
    struct trust *t = make(o);

    *out = NULL;
    if (!t)
        return call_nomem(c);
    if (!t->path || !t->shared.http)
        call_nomem(c);
    else if (snapshot_read(t, c, NULL, &t->now) == STATUS_OK &&
             pthread_create(&t->thread, NULL, run, t) != 0)
        call_fail(c, STATUS_EXHAUSTED, "no thread to look after %s", o->path);
    if (c->fault.status != STATUS_OK) {
        unmake(t);
        return c->fault.status;
    }
    note(c, t->now);
    *out = t;
    return STATUS_OK;
}

void trust_close(struct trust *t)
{
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    t->stopping = true;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    unmake(t);
}
