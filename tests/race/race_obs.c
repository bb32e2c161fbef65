/* Threads count, observe and log while others render and rotate: nothing is lost, nothing races. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "obs/log.h"
#include "obs/metrics.h"

enum { WRITERS = 4, ROUNDS = 20000, LINES = 500 };

static struct metrics *m;
static struct series counter, histogram;
static atomic_bool done;

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                             \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static void *write_all(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        series_add(counter, 1);
        series_observe(histogram, i * 1000);
    }
    for (int i = 0; i < LINES; i++)
        log_info(NULL, LOG_EVENT_RPC_FINISHED, F_INT("i", i));
    return NULL;
}

static void *render_all(void *unused)
{
    struct arena a;

    (void)unused;
    arena_init(&a, 16 << 20);
    while (!atomic_load(&done)) {
        struct buf b;

        arena_reset(&a);
        buf_init(&b, &a, METRIC_TEXT_BYTES);
        CHECK(metrics_render(m, &b));
        metrics_series(m, METRIC_AUTH_FAILURES, (const char *[]){"late"});
        log_reopen();
    }
    arena_release(&a);
    return NULL;
}

static int lines_in(const char *path)
{
    FILE *f = fopen(path, "r");
    int ch, n = 0;

    CHECK(f);
    while ((ch = fgetc(f)) != EOF)
        n += ch == '\n';
    fclose(f);
    return n;
}

static void run_threads(void)
{
    pthread_t writers[WRITERS], renderer;

    CHECK(pthread_create(&renderer, NULL, render_all, NULL) == 0);
    for (int i = 0; i < WRITERS; i++)
        CHECK(pthread_create(&writers[i], NULL, write_all, NULL) == 0);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    atomic_store(&done, true);
    pthread_join(renderer, NULL);
}

int main(void)
{
    static const char *const labels[] = {"unary", "a.B", "Echo"};
    char path[] = "/tmp/race_obs.XXXXXX";
    struct call c;

    close(mkstemp(path));
    call_init(&c, NULL, 1 << 16);
    CHECK(log_open(&c, &(struct log_options){.path = path, .level = LOG_INFO}) == STATUS_OK);
    CHECK((m = metrics_open()) != NULL);
    counter = metrics_series(m, METRIC_GRPC_STARTED, labels);
    histogram = metrics_series(m, METRIC_GRPC_SECONDS, labels);
    run_threads();
    log_close();
    CHECK(series_value(counter) == WRITERS * ROUNDS);
    CHECK(log_counts().dropped == 0);
    CHECK(lines_in(path) == WRITERS * LINES);
    unlink(path);
    metrics_close(m);
    call_release(&c);
    printf("race_obs: ok\n");
    return 0;
}
