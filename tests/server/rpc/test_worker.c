/* The worker pool: bounded, in order, and nothing that was taken is lost. */
#include <criterion/criterion.h>
#include <pthread.h>

#include "base/wait.h"
#include "rpc/worker.h"

enum { JOBS = 100 };

struct work {
    struct job job;
    int number;
};

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* guards ran, n_ran; held: workers wait */
static int ran[JOBS], n_ran;

static void note(struct job *j)
{
    const struct work *w = (const struct work *)j;

    pthread_mutex_lock(&gate);
    ran[n_ran++] = w->number;
    pthread_mutex_unlock(&gate);
}

Test(worker, runs_jobs_in_their_order)
{
    struct work work[JOBS];
    struct worker_pool *p;

    cr_assert_eq(worker_pool_new(1, JOBS, &p), STATUS_OK);
    for (int i = 0; i < JOBS; i++) {
        work[i] = (struct work){{note, NULL}, i};
        cr_assert(worker_pool_offer(p, &work[i].job));
    }
    worker_pool_free(p); /* runs what is queued */
    cr_assert_eq(n_ran, JOBS);
    for (int i = 0; i < JOBS; i++)
        cr_expect_eq(ran[i], i);
}

Test(worker, refuses_offers_over_its_bound_but_takes_pushes)
{
    struct work work[] = {
        {{note, NULL}, 0}, {{note, NULL}, 1}, {{note, NULL}, 2}, {{note, NULL}, 3}};
    struct worker_pool *p;

    pthread_mutex_lock(&gate);
    cr_assert_eq(worker_pool_new(1, 1, &p), STATUS_OK);
    cr_assert(worker_pool_offer(p, &work[0].job));
    while (worker_pool_n_queued(p)) /* until the one worker waits at the gate */
        continue;
    cr_expect(worker_pool_offer(p, &work[1].job));
    cr_expect_not(worker_pool_offer(p, &work[2].job));
    worker_pool_push(p, &work[3].job);
    cr_expect_eq(worker_pool_n_queued(p), 2);
    pthread_mutex_unlock(&gate);
    worker_pool_free(p);
    cr_assert_eq(n_ran, 3);
    cr_expect_eq(ran[2], 3);
}

enum { WAITING = 40 }; /* more than threads are kept awake on any machine that runs tests */

static pthread_barrier_t all_wait;

static void meet(struct job *j)
{
    (void)j;
    wait_begins();
    pthread_barrier_wait(&all_wait); /* ends only when every job has come here */
    wait_ends();
}

Test(worker, a_job_that_waits_lets_others_run)
{
    struct work work[WAITING];
    struct worker_pool *p;

    pthread_barrier_init(&all_wait, NULL, WAITING);
    cr_assert_eq(worker_pool_new(WAITING, JOBS, &p), STATUS_OK);
    for (int i = 0; i < WAITING; i++) {
        work[i] = (struct work){{meet, NULL}, i};
        cr_assert(worker_pool_offer(p, &work[i].job));
    }
    worker_pool_free(p);
}

Test(worker, free_takes_nothing)
{
    worker_pool_free(NULL);
}
