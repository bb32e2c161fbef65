/* internal: what the files of the engine share. */
#ifndef JOB_INTERNAL_H
#define JOB_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "job/engine.h"
#include "job/tenant_name.h"
#include "obs/metrics.h"

/* clang-format off */
/*    outcome    label */
#define OUTCOME_LIST(X)                                                                            \
    X(DONE,      "done")                                                                           \
    X(AGAIN,     "again")     /* periodic, due again */                                            \
    X(RETRIED,   "retried")                                                                        \
    X(PARKED,    "parked")                                                                         \
    X(RELEASED,  "released")  /* not begun, or cut by the end of the process */                    \
    X(LOST,      "lost")      /* the lease was not ours any more */
/* clang-format on */

enum outcome {
#define X(name, label) OUTCOME_##name,
    OUTCOME_LIST(X)
#undef X
        OUTCOMES
};

/* A claimed job. One block of memory with its texts. */
struct item {
    struct item *next;
    struct kind *kind;
    struct job job;
    bool must_wait; /* its tenant is suspended */
    char tenant[TENANT_NAME_BYTES + 1];
    char bytes[];
};

/* A kind in this process. The engine's lock guards all but what never changes. */
struct kind {
    const struct job_kind *row;
    void *self;
    size_t limit;        /* at once */
    size_t tenant_limit; /* of one tenant, on all servers; 0: none */

    struct item *head, **tail; /* claimed, not begun */
    size_t n_queued, n_running;
    uint64_t n_ended; /* runs, ever */
    int64_t run_ns;   /* moving average of what a run takes */
    int64_t turn;     /* of the next claim, see struct job_want */
    int64_t next_us;  /* when the store has something for us; 0: it has nothing */
    bool is_capped;   /* it has something, of tenants that have all they may */

    struct series results[OUTCOMES], seconds, delay, held, oldest;
};

struct job_engine {
    struct store *store;
    struct metrics *metrics;
    const struct clock_ops *clock;
    struct kind kinds[JOB_KINDS_MAX];
    size_t n_kinds, n_workers, tenant_jobs;
    int64_t poll_ms;
    struct tenant_names names; /* the claimer's own */
    struct series damaged;     /* tenants that the last plan left out */
    atomic_bool cancelled;     /* of all running calls */
    atomic_bool is_over;       /* no claim any more */
    pthread_t claimer, workers[JOB_WORKERS_MAX];
    size_t n_threads; /* workers that run, plus the claimer when it does */
    bool has_claimer;

    pthread_mutex_t lock; /* guards all that follows, and the kinds */
    pthread_cond_t work;  /* an item is queued, or it ends */
    pthread_cond_t claim; /* the claimer should look up */
    pthread_cond_t quiet; /* a worker has nothing to do any more */
    size_t next_kind;     /* where the next worker begins to look */
    size_t n_held;        /* queued and running */
    size_t held_most;     /* JOB_HELD_MAX, or less while payloads are too large for that */
    size_t n_busy;        /* workers */
    int64_t kick_us;      /* a unit of this process put a job due then; INT64_MAX: none */
    int64_t pause_ms;     /* between looks while nothing is known to be due */
    bool is_stopping;
};

/* clang-format off */
/* claim.c */

/* Claims once and queues what it got; *n_out jobs. */
MUST_CHECK enum status engine_claim(struct job_engine *e, size_t *n_out);

/* With the lock held: milliseconds until a claim makes sense, 0: now. */
int64_t engine_claim_in_ms(struct job_engine *e);

/* run.c */

/* With the lock held: the next item that may run, counted as running. NULL: none. */
struct item *engine_take(struct job_engine *e);

/* Runs an item, ends its job, frees it. Without the lock. */
void engine_run(struct job_engine *e, struct item *item);

/* Gives the queued items of all kinds back to the store. Without the lock, when nobody claims. */
void engine_release_queued(struct job_engine *e);

/* plan.c */

/* The periodic job that puts those of new tenants; self is the engine. */
extern const struct job_kind plan_kind;
/* clang-format on */

#endif
