/*
 * engine: runs what store/job.h keeps. A thread claims jobs that are due, in batches, fair between
 * tenants; a fixed number of workers runs their handlers; what fails is tried again with growing
 * pauses, and parked with the reason when it cannot succeed or has failed too often.
 *
 *     static enum status deliver(void *self, struct call *c, struct job *job)
 *     {
 *         struct delivery d = {.job = job};
 *
 *         TRY(load_and_post(self, c, job->payload, &d));               // may happen twice
 *         return store_run(d.store, c, STORE_WRITE, deliver_unit, &d); // calls tx_job_done
 *     }
 *
 *     const struct job_kind webhook_deliver = {.name = "webhook.deliver", .handle = deliver,
 *                                              .lease_ms = 30000, .attempts_max = 8,
 *                                              .first_ms = 1000, .most_ms = 600000};
 *
 * Several processes may run the same kinds on one database. Each job is run by one of them at a
 * time; one that dies is replaced when its lease runs out, at the latest lease_ms after the claim.
 * Leases compare clocks of machines: they should agree to much better than lease_ms. Effects that
 * are committed with the job's end happen once however wrong the clocks are.
 *
 * How a handler ends:
 *   OK       the job was ended by a unit of the handler (tx_job_done, _again, _retry, _park), or
 * else the engine ends it now: done, or due again when it is periodic else     transient failures
 * (UNAVAILABLE, EXHAUSTED, DEADLINE, CONFLICT, CANCELLED, INTERNAL, UNKNOWN) are retried, no sooner
 * than call_retry_after said; others are parked at once. A periodic job is never parked: it waits
 * for its next time. The reason kept with the job is fault.reason, or the name of the status; never
 * fault.why.
 */
#ifndef JOB_ENGINE_H
#define JOB_ENGINE_H

#include "base/call.h"
#include "store/job.h"

struct metrics;
struct job_engine;

enum {
    JOB_WORKERS_DEFAULT = 16, /* they wait for commits more than they compute */
    JOB_WORKERS_MAX = 256,
    JOB_HELD_MAX = 1024,      /* jobs claimed and not ended, of all kinds, in one process */
    JOB_HELD_PER_WORKER = 32, /* of one kind, when its jobs take no time */
    JOB_SUSPENDED_MS = 60000, /* a suspended tenant's job is looked at again after this, or up to
                                 twice as long, and its attempts count from 0 */
};

/*
 * Runs one job. The call is of the job's tenant (principal ACTOR_SYSTEM, subject "job:<kind>", no
 * roles), its deadline is the end of the lease; of a job of the service (tenant_id 0) it is
 * nobody's: use store_run_system. On a thread of the engine's; several at once.
 */
typedef enum status (*job_handler_fn)(void *self, struct call *c, struct job *job);

enum job_scope {
    JOB_OF_SERVICE, /* periodic: one for all */
    JOB_OF_TENANTS, /* periodic: one for each tenant */
};

struct job_kind {
    const char *name; /* "noun.verb", <= JOB_KIND_BYTES_MAX; the job's kind, and a metric label */
    job_handler_fn handle;
    int64_t lease_ms;     /* > 0; how long one run may take */
    int64_t attempts_max; /* > 0; then it is parked */
    int64_t first_ms;     /* > 0; pause after the first failure; doubles, with jitter, ... */
    int64_t most_ms;      /* ... up to this */
    size_t limit;         /* at most so many at once in this process; 0: three quarters of the
                             workers, so that a kind whose target hangs leaves some to others */
    int64_t every_ms;     /* > 0: periodic. The engine puts it, with key "", and keeps it going */
    enum job_scope scope; /* of periodic kinds */
    bool even_suspended;  /* runs for suspended tenants too; others wait, see JOB_SUSPENDED_MS */
};

struct job_binding {
    const struct job_kind *kind;
    void *self; /* for the handler; borrowed */
};

struct job_engine_options {
    struct store *store;             /* borrowed, as is all that follows */
    struct metrics *metrics;         /* NULL: not counted */
    const struct clock_ops *clock;   /* NULL: the system's */
    const struct job_binding *kinds; /* [n_kinds < JOB_KINDS_MAX], in distinct names; copied */
    size_t n_kinds;
    size_t n_workers; /* 0: JOB_WORKERS_DEFAULT */
    /* Jobs of one kind that a tenant may have run at once, on all servers together: one whose jobs
     * take long leaves workers to others. 0: as many as the kind. */
    size_t tenant_jobs;
    int64_t poll_ms; /* > 0: how often to look for what other processes put, when idle */
};

/* No threads yet. Watches the store's units from now on (store_watch_jobs). EXHAUSTED: no memory.
 */
MUST_CHECK enum status job_engine_open(struct call *c, const struct job_engine_options *o,
                                       struct job_engine **out);

/* Puts the periodic jobs that are not there yet: at once those of the service, in turn those of
 * tenants. */
MUST_CHECK enum status job_engine_plan(struct job_engine *e, struct call *c);

/* Starts the threads. EXHAUSTED: there are none to be had; stop and close it then. */
MUST_CHECK enum status job_engine_start(struct job_engine *e, struct call *c);

/* Without threads: claims once what is due and runs it on this thread. For tests and tools. */
MUST_CHECK enum status job_engine_turn(struct job_engine *e, size_t *n_run_out);

/*
 * Claims nothing more, gives back what was not begun, and lets running handlers end: after grace_ms
 * their calls are cancelled. DEADLINE: one still ran 2 s later; the engine and all that it uses
 * must then stay. Safe when it was not started, was stopped before, or is NULL.
 */
MUST_CHECK enum status job_engine_stop(struct job_engine *e, int64_t grace_ms);

/* Frees a stopped engine, while no unit runs on the store. NULL is allowed. */
void job_engine_close(struct job_engine *e);

#endif
