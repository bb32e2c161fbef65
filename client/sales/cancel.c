/* A switch for many calls. grpc_call_cancel only posts to the call, so it may run under the lock,
 * which is what keeps the call alive meanwhile. */
#include "client/cancel.h"

#include <assert.h>
#include <pthread.h>

#include "base/banned.h"

struct sales_cancel {
    pthread_mutex_t lock; /* guards fired and the list */
    pthread_cond_t changed;
    bool fired;
    struct cancel_node head; /* of a ring */
};

struct sales_cancel *sales_cancel_new(void)
{
    struct sales_cancel *c = calloc(1, sizeof *c);
    pthread_condattr_t attr;

    if (!c)
        return NULL;
    c->head.next = c->head.prev = &c->head;
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->changed, &attr);
    pthread_condattr_destroy(&attr);
    return c;
}

void sales_cancel_free(struct sales_cancel *cancel)
{
    if (!cancel)
        return;
    assert(cancel->head.next == &cancel->head);
    pthread_cond_destroy(&cancel->changed);
    pthread_mutex_destroy(&cancel->lock);
    free(cancel);
}

void sales_cancel_fire(struct sales_cancel *cancel)
{
    pthread_mutex_lock(&cancel->lock);
    cancel->fired = true;
    for (struct cancel_node *n = cancel->head.next; n != &cancel->head; n = n->next)
        grpc_call_cancel(n->call, NULL);
    pthread_cond_broadcast(&cancel->changed);
    pthread_mutex_unlock(&cancel->lock);
}

int sales_cancel_is_fired(struct sales_cancel *cancel)
{
    int fired;

    pthread_mutex_lock(&cancel->lock);
    fired = cancel->fired;
    pthread_mutex_unlock(&cancel->lock);
    return fired;
}

void cancel_attach(struct sales_cancel *cancel, struct cancel_node *node, grpc_call *call)
{
    *node = (struct cancel_node){.call = call};
    if (!cancel)
        return;
    pthread_mutex_lock(&cancel->lock);
    node->next = &cancel->head;
    node->prev = cancel->head.prev;
    node->prev->next = node->next->prev = node;
    if (cancel->fired)
        grpc_call_cancel(call, NULL);
    pthread_mutex_unlock(&cancel->lock);
}

void cancel_detach(struct sales_cancel *cancel, struct cancel_node *node)
{
    if (!cancel)
        return;
    pthread_mutex_lock(&cancel->lock);
    node->prev->next = node->next;
    node->next->prev = node->prev;
    pthread_mutex_unlock(&cancel->lock);
}

static struct timespec later(int64_t ms)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

bool cancel_sleep_ms(struct sales_cancel *cancel, int64_t ms)
{
    struct timespec until = later(ms);
    bool fired;

    if (!cancel) {
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0)
            ; /* a signal: sleep on */
        return true;
    }
    pthread_mutex_lock(&cancel->lock);
    while (!cancel->fired && pthread_cond_timedwait(&cancel->changed, &cancel->lock, &until) == 0)
        ;
    fired = cancel->fired;
    pthread_mutex_unlock(&cancel->lock);
    return !fired;
}
