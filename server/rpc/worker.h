/* worker: a fixed number of threads that run jobs in the order they came; the queue is bounded. */
#ifndef RPC_WORKER_H
#define RPC_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

struct worker_pool;

/* One piece of work, embedded in what it works on. Queued at most once at a time. */
struct job {
    void (*run)(struct job *j);
    struct job *next;
};

/* EXHAUSTED: out of memory or threads. */
MUST_CHECK enum status worker_pool_new(int n_workers, int n_queued, struct worker_pool **out);

/* Queues j. False, and j is untouched: n_queued jobs wait already. */
MUST_CHECK bool worker_pool_offer(struct worker_pool *p, struct job *j);

/* Queues j whatever the queue holds: for work that was admitted and has a bound of its own. */
void worker_pool_push(struct worker_pool *p, struct job *j);

size_t worker_pool_n_queued(struct worker_pool *p);

/* Runs what is queued, then ends the threads. NULL is fine. */
void worker_pool_free(struct worker_pool *p);

#endif
