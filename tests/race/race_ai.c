/* Threads that ask, cancel and give up while the provider is closed under them, over real HTTP. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "ai/desk.h"

enum { THREADS = 6, ROUNDS = 30, ASYNC = 8 };

static struct standin standin;
static struct ai_provider *provider;
static atomic_int n_started, n_done;

static void count_done(void *self, const struct ai_response *r)
{
    (void)self, (void)r;
    atomic_fetch_add(&n_done, 1);
}

static void count_piece(void *self, str text)
{
    (void)self, (void)text;
}

static void ask_and_wait(const struct ai_request *q)
{
    struct ai_response r;
    struct call c;

    call_init(&c, NULL, DESK_ARENA);
    enum status s = ai_send(provider, &c, q, &r);

    EXPECT((s == STATUS_OK) == (r.error == AI_OK), "%s", status_name(s));
    call_release(&c);
}

static void start_and_cancel(const struct ai_request *q)
{
    const struct ai_watch watch = {NULL, count_piece, count_done};
    uint64_t tickets[ASYNC];
    struct call c;

    call_init(&c, NULL, DESK_ARENA);
    for (int i = 0; i < ASYNC; i++) {
        if (ai_start(provider, &c, q, &watch, &tickets[i]) == STATUS_OK)
            atomic_fetch_add(&n_started, 1);
        call_clear(&c);
    }
    for (int i = 0; i < ASYNC; i += 2)
        ai_cancel(provider, tickets[i]);
    call_release(&c);
}

static void *work(void *self)
{
    const struct ai_message message = {AI_USER, STR("What of this lead? <<delay:3>>")};
    struct ai_request q = desk_request(&message);

    (void)self;
    for (int i = 0; i < ROUNDS; i++) {
        q.delivery = i % 3 ? AI_STREAMED : AI_WHOLE;
        q.timeout_ms = i % 5 ? 5000 : 4;
        if (i % 2)
            ask_and_wait(&q);
        else
            start_and_cancel(&q);
    }
    return NULL;
}

int main(void)
{
    struct anthropic_options o;
    pthread_t threads[THREADS];

    standin_start(&standin);
    o = desk_options(standin.url);
    o.queue_max = 60; /* some are refused */
    provider = desk_open(&o);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, NULL) != 0)
            return 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ai_close(provider); /* with calls that nobody waits for */
    EXPECT(atomic_load(&n_started) == atomic_load(&n_done), "%d started, %d done",
           atomic_load(&n_started), atomic_load(&n_done));
    standin_stop(&standin);
    return atomic_load(&desk_n_bad) != 0;
}
