/* Workers: one list, one lock, one condition; a job costs no allocation because it brings its link.
 */
#include "rpc/worker.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct worker_pool {
    int n_most; /* jobs that may wait by worker_pool_offer */
    int n_threads;
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t work;
    struct job *head, **tail;
    int n_queued, n_idle;
    bool stopping;
    pthread_t threads[];
};

static struct job *take(struct worker_pool *p)
{
    struct job *j;

    pthread_mutex_lock(&p->lock);
    while (!p->head && !p->stopping) {
        p->n_idle++;
        pthread_cond_wait(&p->work, &p->lock);
        p->n_idle--;
    }
    if ((j = p->head) != NULL) {
        if ((p->head = j->next) == NULL)
            p->tail = &p->head;
        p->n_queued--;
    }
    pthread_mutex_unlock(&p->lock);
    return j;
}

static void *worker_main(void *arg)
{
    struct worker_pool *p = arg;

    for (struct job *j; (j = take(p)) != NULL;)
        j->run(j);
    return NULL;
}

enum status worker_pool_new(int n_workers, int n_queued, struct worker_pool **out)
{
    struct worker_pool *p;

    assert(n_workers > 0);
    assert(n_queued > 0);
    *out = NULL;
    if ((p = calloc(1, sizeof *p + (size_t)n_workers * sizeof p->threads[0])) == NULL)
        return STATUS_EXHAUSTED;
    p->n_most = n_queued;
    p->tail = &p->head;
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

/* The lock is held and released here, so that the woken worker finds it free. */
static void append_unlock(struct worker_pool *p, struct job *j)
{
    bool wake = p->n_idle > 0;

    j->next = NULL;
    *p->tail = j;
    p->tail = &j->next;
    p->n_queued++;
    pthread_mutex_unlock(&p->lock);
    if (wake)
        pthread_cond_signal(&p->work);
}

bool worker_pool_offer(struct worker_pool *p, struct job *j)
{
    assert(j->run);
    pthread_mutex_lock(&p->lock);
    if (p->n_queued >= p->n_most) {
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
    assert(!p->head);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
