/*
 * Workers: one lock, one condition, a list per lane and a list of the lanes that have jobs; a job
 * costs no allocation because it brings its link.
 *
 * Waking a thread for every job costs more than most jobs, so only as many as can really run are
 * kept awake: one that waits for something outside (base/wait.h) makes room for another.
 */
#include "rpc/worker.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/wait.h"

struct lane {
    struct job *head, **tail;
    struct lane *next; /* in the list of lanes with jobs that may run */
    int n, n_running;
};

struct worker_pool {
    struct wait_host host; /* first: the host of its threads is the pool */
    int n_most;            /* jobs that may wait by worker_pool_offer */
    int n_threads;
    int n_lane_most;      /* threads that one lane may have */
    int n_awake_most;     /* threads that may work at once without waiting */
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t work;
    struct lane *first, **last; /* lanes with jobs that may run, in the order of their turns */
    int n_queued, n_idle;
    int n_awake; /* threads at work and not waiting, those being woken included */
    int n_wakes; /* threads being woken */
    bool stopping;
    struct lane lanes[WORKER_LANES];
    pthread_t threads[];
};

static struct lane *lane_of(struct worker_pool *p, const struct job *j)
{
    return &p->lanes[j->lane % WORKER_LANES];
}

/* With the lock held: wakes a thread when there is work that none of those awake will take soon. */
static void wake_one(struct worker_pool *p)
{
    if (!p->first || p->n_awake >= p->n_awake_most || p->n_idle == p->n_wakes)
        return;
    p->n_wakes++;
    p->n_awake++;
    pthread_cond_signal(&p->work);
}

/* A worker waits for something: its place among the waking is another's. */
static void wait_begun(struct wait_host *h)
{
    struct worker_pool *p = (struct worker_pool *)h;

    pthread_mutex_lock(&p->lock);
    p->n_awake--;
    wake_one(p);
    pthread_mutex_unlock(&p->lock);
}

static void wait_ended(struct wait_host *h)
{
    struct worker_pool *p = (struct worker_pool *)h;

    pthread_mutex_lock(&p->lock);
    p->n_awake++;
    pthread_mutex_unlock(&p->lock);
}

static void sleep_until_woken(struct worker_pool *p)
{
    p->n_awake--;
    p->n_idle++;
    while (p->n_wakes == 0 && !p->stopping)
        pthread_cond_wait(&p->work, &p->lock);
    p->n_idle--;
    if (p->n_wakes > 0)
        p->n_wakes--; /* n_awake counts us already */
    else
        p->n_awake++;
}

/* With the lock held: the lane is the last to have its turn, if it has one. */
static void queue_lane(struct worker_pool *p, struct lane *l)
{
    if (l->n == 0 || l->n_running >= p->n_lane_most)
        return;
    l->next = NULL;
    *p->last = l;
    p->last = &l->next;
}

/* With the lock held: the next job of the lane whose turn it is; NULL: there is none. */
static struct job *pop(struct worker_pool *p)
{
    struct lane *l = p->first;
    struct job *j;

    if (!l)
        return NULL;
    if ((p->first = l->next) == NULL)
        p->last = &p->first;
    j = l->head;
    if ((l->head = j->next) == NULL)
        l->tail = &l->head;
    l->n--;
    l->n_running++;
    p->n_queued--;
    queue_lane(p, l);
    return j;
}

/* With the lock held: a job of the lane has ended. */
static void end_one(struct worker_pool *p, struct lane *l)
{
    if (l->n_running-- == p->n_lane_most)
        queue_lane(p, l); /* it had no turn while it had all it may have */
}

/* The next job; ended: the lane of the one before, NULL: there was none. NULL: it is over. */
static struct job *take(struct worker_pool *p, struct lane *ended)
{
    struct job *j;

    pthread_mutex_lock(&p->lock);
    if (ended)
        end_one(p, ended);
    while (!p->first && !p->stopping)
        sleep_until_woken(p);
    j = pop(p);
    pthread_mutex_unlock(&p->lock);
    return j;
}

static void *worker_main(void *arg)
{
    struct worker_pool *p = arg;
    struct lane *lane = NULL;

    pthread_mutex_lock(&p->lock);
    p->n_awake++;
    pthread_mutex_unlock(&p->lock);
    wait_set_host(&p->host);
    for (struct job *j; (j = take(p, lane)) != NULL;) {
        lane = lane_of(p, j); /* now: the job may be gone when it has run */
        j->run(j);
    }
    return NULL;
}

/* One more than there are cores: while one of them is in the kernel another can run. */
static int awake_most(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1 ? 2 : n > 1024 ? 1025 : (int)n + 1;
}

enum status worker_pool_new(int n_workers, int n_queued, struct worker_pool **out)
{
    struct worker_pool *p;

    assert(n_workers > 0);
    assert(n_queued > 0);
    *out = NULL;
    if ((p = calloc(1, sizeof *p + (size_t)n_workers * sizeof p->threads[0])) == NULL)
        return STATUS_EXHAUSTED;
    p->host = (struct wait_host){wait_begun, wait_ended};
    p->n_lane_most = n_workers - (n_workers + WORKER_SPARE_PART - 2) / WORKER_SPARE_PART;
    p->n_awake_most = awake_most();
    p->n_most = n_queued;
    p->last = &p->first;
    for (int i = 0; i < WORKER_LANES; i++)
        p->lanes[i].tail = &p->lanes[i].head;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    while (p->n_threads < n_workers) {
        if (pthread_create(&p->threads[p->n_threads], NULL, worker_main, p) != 0) {
            worker_pool_free(p);
            return STATUS_EXHAUSTED;
        }
        p->n_threads++;
    }
    *out = p;
    return STATUS_OK;
}

static void append_unlock(struct worker_pool *p, struct job *j)
{
    struct lane *l = lane_of(p, j);

    j->next = NULL;
    *l->tail = j;
    l->tail = &j->next;
    if (l->n++ == 0)
        queue_lane(p, l);
    p->n_queued++;
    wake_one(p);
    pthread_mutex_unlock(&p->lock);
}

bool worker_pool_offer(struct worker_pool *p, struct job *j)
{
    assert(j->run);
    pthread_mutex_lock(&p->lock);
    if (lane_of(p, j)->n >= p->n_most - p->n_queued) {
        pthread_mutex_unlock(&p->lock);
        return false;
    }
    append_unlock(p, j);
    return true;
}

void worker_pool_push(struct worker_pool *p, struct job *j)
{
    assert(j->run);
    pthread_mutex_lock(&p->lock);
    append_unlock(p, j);
}

size_t worker_pool_n_queued(struct worker_pool *p)
{
    int n;

    pthread_mutex_lock(&p->lock);
    n = p->n_queued;
    pthread_mutex_unlock(&p->lock);
    return (size_t)n;
}

void worker_pool_free(struct worker_pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_mutex_unlock(&p->lock);
    pthread_cond_broadcast(&p->work);
    for (int i = 0; i < p->n_threads; i++)
        pthread_join(p->threads[i], NULL);
    assert(!p->first);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
