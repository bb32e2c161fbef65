/*
 * worker: a fixed number of threads that run jobs. The queue is bounded, and fair between lanes:
 * jobs of one lane run in the order they came, lanes take turns, a lane that floods the queue
 * leaves half of what is free to the others, and no lane has all threads: an eighth of them, at
 * least one of two, is left for others however long its jobs take. A lane is a number made from
 * whoever sent the work; senders whose numbers meet share a lane (stochastic fairness queueing,
 * McKenney 1990; the bound of a lane is the dynamic threshold of Choudhury and Hahne 1998 with
 * alpha 1).
 */
#ifndef RPC_WORKER_H
#define RPC_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct worker_pool;

/* One piece of work, embedded in what it works on. Queued at most once at a time. */
struct job {
    void (*run)(struct job *j);
    struct job *next;
    uint32_t lane; /* any number; taken modulo WORKER_LANES */
};

enum { WORKER_LANES = 256, WORKER_SPARE_PART = 8 };

/* EXHAUSTED: out of memory or threads. */
MUST_CHECK enum status worker_pool_new(int n_workers, int n_queued, struct worker_pool **out);

/* Queues j. False, and j is untouched: n_queued jobs wait already, or more of its lane than there
 * is room for others. */
MUST_CHECK bool worker_pool_offer(struct worker_pool *p, struct job *j);

/* Queues j whatever the queue holds: for work that was admitted and has a bound of its own. */
void worker_pool_push(struct worker_pool *p, struct job *j);

size_t worker_pool_n_queued(struct worker_pool *p);

/* Runs what is queued, then ends the threads. NULL is fine. */
void worker_pool_free(struct worker_pool *p);

#endif
