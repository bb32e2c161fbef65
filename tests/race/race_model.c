/* Threads that share one model and predict, while two others learn: predictions touch nothing
 * shared, trainings take turns. */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "model/boost.h"
#include "model/learn.h"
#include "model/made.h"

enum { READERS = 4, LEARNERS = 2, PASSES = 5 };

static struct frame frame;
static struct learned shared;
static int64_t expected; /* sum of all totals */

static int64_t sum_totals(void)
{
    struct arena a;
    struct model_view v;
    int64_t sum = 0;

    arena_init(&a, (size_t)64 << 20);
    if (model_view(&v, &a, shared.model, &frame) != STATUS_OK)
        abort();
    for (size_t i = 0; i < frame.n_rows; i++) {
        struct prediction p;

        if (model_predict(&v, &a, i, &p) != STATUS_OK)
            abort();
        sum += p.total_micro;
    }
    arena_release(&a);
    return sum;
}

static void *read_on(void *arg)
{
    (void)arg;
    for (int i = 0; i < PASSES; i++)
        if (sum_totals() != expected)
            abort();
    return NULL;
}

static void *learn_again(void *arg)
{
    struct learned l;
    struct arena a;

    (void)arg;
    arena_init(&a, (size_t)256 << 20);
    if (model_learn(&l, &a, &frame, &(struct learn_options){.seed = 1}) != STATUS_OK ||
        !str_eq(l.bytes, shared.bytes))
        abort();
    arena_release(&a);
    return NULL;
}

int main(void)
{
    pthread_t t[READERS + LEARNERS];
    struct arena a;

    arena_init(&a, (size_t)256 << 20);
    if (boost_warm_up() != STATUS_OK)
        abort();
    made_frame(&frame, &a, (struct made){400, 8, 1});
    if (model_learn(&shared, &a, &frame, &(struct learn_options){.seed = 1}) != STATUS_OK ||
        !shared.model)
        abort();
    expected = sum_totals();
    for (int i = 0; i < READERS + LEARNERS; i++)
        if (pthread_create(&t[i], NULL, i < READERS ? read_on : learn_again, NULL) != 0)
            abort();
    for (int i = 0; i < READERS + LEARNERS; i++)
        if (pthread_join(t[i], NULL) != 0)
            abort();
    arena_release(&a);
    return 0;
}
