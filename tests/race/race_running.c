/* Threads enter and leave with requests of few ids: never two of them with the same one. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "intercept/running.h"

enum { THREADS = 4, ROUNDS = 200000, REQUESTS = 16 };

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                             \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static struct running *running;
static const char method;
static int inside[REQUESTS]; /* not atomic: whoever is in the table is alone with its request */
static atomic_int n_refused;

static void *work(void *arg)
{
    unsigned at = *(const unsigned *)arg;
    int refused = 0;

    for (int i = 0; i < ROUNDS; i++) {
        struct running_entry e = {.tenant_id = 1, .method = &method};

        at = at * 1103515245u + 12345u;
        e.request_id.b[0] = (unsigned char)(at >> 16 & (REQUESTS - 1));
        if (!running_enter(running, &e)) {
            refused++;
            continue;
        }
        CHECK(++inside[e.request_id.b[0]] == 1);
        inside[e.request_id.b[0]]--;
        running_leave(running, &e);
    }
    atomic_fetch_add(&n_refused, refused);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    unsigned seeds[THREADS];

    CHECK((running = running_new()) != NULL);
    for (unsigned i = 0; i < THREADS; i++) {
        seeds[i] = i + 1;
        CHECK(pthread_create(&threads[i], NULL, work, &seeds[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    running_free(running); /* asserts that nobody is left */
    CHECK(atomic_load(&n_refused) > 0);
    printf("race_running: ok, %d refused\n", atomic_load(&n_refused));
    return 0;
}
