/* The worker pool: bounded, in order, and nothing that was taken is lost. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <semaphore.h>

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

    cr_assert_eq(worker_pool_new(1, 2 * JOBS, &p), STATUS_OK);
    for (int i = 0; i < JOBS; i++) {
        work[i] = (struct work){{.run = note}, i};
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
        {{.run = note}, 0}, {{.run = note}, 1}, {{.run = note}, 2}, {{.run = note}, 3}};
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

enum { NOISY = 1, QUIET = 2, FLOOD = 40 };

/* A pool whose one worker is held at the gate by a job that was there first. */
static struct worker_pool *held_pool(struct work *first, int n_queued)
{
    struct worker_pool *p;

    pthread_mutex_lock(&gate);
    cr_assert_eq(worker_pool_new(1, n_queued, &p), STATUS_OK);
    *first = (struct work){{.run = note}, -1};
    cr_assert(worker_pool_offer(p, &first->job));
    while (worker_pool_n_queued(p))
        continue;
    return p;
}

Test(worker, lanes_take_turns_so_a_flood_holds_nobody_up)
{
    struct work first, flood[FLOOD], quiet[3];
    struct worker_pool *p = held_pool(&first, 4 * FLOOD);

    for (int i = 0; i < FLOOD; i++) {
        flood[i] = (struct work){{.run = note, .lane = NOISY}, i};
        cr_assert(worker_pool_offer(p, &flood[i].job));
    }
    for (int i = 0; i < 3; i++) {
        quiet[i] = (struct work){{.run = note, .lane = QUIET + WORKER_LANES}, 1000 + i};
        cr_assert(worker_pool_offer(p, &quiet[i].job));
    }
    pthread_mutex_unlock(&gate);
    worker_pool_free(p);
    cr_assert_eq(n_ran, 1 + FLOOD + 3);
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(ran[1 + 2 * i], i, "the flood's turn");
        cr_expect_eq(ran[2 + 2 * i], 1000 + i, "the other's turn");
    }
    cr_expect_eq(ran[7], 3, "in the order they came");
}

Test(worker, a_flood_leaves_half_of_what_is_free)
{
    struct work first, flood[FLOOD], quiet[FLOOD];
    struct worker_pool *p = held_pool(&first, FLOOD);
    int n_noisy = 0, n_quiet = 0;

    for (int i = 0; i < FLOOD; i++) {
        flood[i] = (struct work){{.run = note, .lane = NOISY}, i};
        n_noisy += worker_pool_offer(p, &flood[i].job);
    }
    for (int i = 0; i < FLOOD; i++) {
        quiet[i] = (struct work){{.run = note, .lane = QUIET}, i};
        n_quiet += worker_pool_offer(p, &quiet[i].job);
    }
    pthread_mutex_unlock(&gate);
    worker_pool_free(p);
    cr_expect_eq(n_noisy, FLOOD / 2);
    cr_expect_eq(n_quiet, FLOOD / 4);
    cr_expect_eq(n_ran, 1 + n_noisy + n_quiet);
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
        work[i] = (struct work){{.run = meet, .lane = (uint32_t)i}, i};
        cr_assert(worker_pool_offer(p, &work[i].job));
    }
    worker_pool_free(p);
}

enum { THREADS = 4, STUCK = 10 };

static sem_t let_go, is_done;

static void get_stuck(struct job *j)
{
    (void)j;
    wait_begins();
    while (sem_wait(&let_go)) /* a signal */
        continue;
    wait_ends();
}

static void get_done(struct job *j)
{
    note(j);
    sem_post(&is_done);
}

/* Were all threads the stuck lane's, nobody would run the quiet job, and the test would not end. */
Test(worker, a_lane_whose_jobs_hang_leaves_a_thread_to_others, .timeout = 60)
{
    struct work stuck[STUCK], quiet = {{.run = get_done, .lane = QUIET}, 7};
    struct worker_pool *p;

    sem_init(&let_go, 0, 0);
    sem_init(&is_done, 0, 0);
    cr_assert_eq(worker_pool_new(THREADS, JOBS, &p), STATUS_OK);
    for (int i = 0; i < STUCK; i++) {
        stuck[i] = (struct work){{.run = get_stuck, .lane = NOISY}, i};
        cr_assert(worker_pool_offer(p, &stuck[i].job));
    }
    while (worker_pool_n_queued(p) > STUCK - (THREADS - 1))
        continue;
    cr_assert(worker_pool_offer(p, &quiet.job));
    while (sem_wait(&is_done))
        continue;
    cr_expect_eq(worker_pool_n_queued(p), STUCK - (THREADS - 1), "the others wait still");
    for (int i = 0; i < STUCK; i++)
        sem_post(&let_go);
    worker_pool_free(p);
    cr_expect_eq(n_ran, 1);
}

Test(worker, free_takes_nothing)
{
    worker_pool_free(NULL);
}
