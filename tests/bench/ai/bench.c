/*
 * What our path to a language model costs beside the model: 1,000 calls of 20 threads against the
 * stand-in, which answers after 120 ms.
 *
 *   overhead   time of a call less the time that the stand-in says it took for it, its wait
 * included wall       all of them; 1,000 / 20 x 120 ms = 6 s is the least there can be
 *
 * Usage: bench_ai [--check] [--quick]. Prints a table and, last, one JSON line. --check: the median
 * of the overhead at most 5 ms, all of it at most 8 s; streams and whole answers each.
 */
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>

#include "ai/desk.h"

enum { THREADS = 20, LATENCY_MS = 120, CALLS = 1000, QUICK_CALLS = 200 };
#define NS_PER_MS INT64_C(1000000)

struct run {
    struct ai_provider *provider;
    enum ai_delivery delivery;
    size_t n;
    atomic_size_t next, n_failed;
    int64_t took_ns[CALLS], served_ms[CALLS];
    double wall_s;
};

struct figures {
    double p50_ms, p99_ms, wall_s, cpu_ms;
};

static struct standin standin;

static void ask(struct run *r, size_t i)
{
    struct ai_message message = {.role = AI_USER};
    struct ai_request q = desk_request(&message);
    struct ai_response got;
    struct call c;

    call_init(&c, NULL, DESK_ARENA);
    message.text = str_of(arena_printf(&c.arena, "call-%zu. What of this lead?", i));
    q.delivery = r->delivery;
    q.timeout_ms = 60000;
    if (ai_send(r->provider, &c, &q, &got) != STATUS_OK)
        atomic_fetch_add(&r->n_failed, 1);
    r->took_ns[i] = got.took_ns;
    call_release(&c);
}

static void *work(void *self)
{
    struct run *r = self;

    for (size_t i; (i = atomic_fetch_add(&r->next, 1)) < r->n;)
        ask(r, i);
    return NULL;
}

/* What the stand-in says of each call, by the number in its question. */
static void read_served(struct run *r, struct call *c)
{
    str body = standin_admin(&standin, c, "/requests?provider=anthropic", NULL);
    json_t *root = json_loadb(body.p, body.n, 0, NULL), *rows = json_object_get(root, "requests");

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *text = json_string_value(json_object_get(row, "body"));
        const char *at = text ? strstr(text, "call-") : NULL;
        size_t number = at ? strtoul(at + sizeof "call-" - 1, NULL, 10) : CALLS;

        if (number < r->n)
            r->served_ms[number] = json_integer_value(json_object_get(row, "ms"));
    }
    json_decref(root);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double cpu_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void run(struct run *r, struct figures *out)
{
    static double over[CALLS];
    pthread_t threads[THREADS];
    struct call c;

    call_init(&c, NULL, 4 * (size_t)DESK_ARENA);
    standin_admin(&standin, &c, "/reset", "{}");
    standin_admin(&standin, &c, "/latency", "{\"provider\":\"anthropic\",\"ms\":120}");
    int64_t began_ns = call_monotonic_ns(&c);
    double cpu = cpu_ms();

    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, r) != 0)
            exit(1);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    out->cpu_ms = (cpu_ms() - cpu) / (double)r->n;
    out->wall_s = (double)(call_monotonic_ns(&c) - began_ns) / 1e9;
    read_served(r, &c);
    for (size_t i = 0; i < r->n; i++)
        over[i] = (double)r->took_ns[i] / 1e6 - (double)r->served_ms[i];
    qsort(over, r->n, sizeof *over, compare);
    out->p50_ms = over[r->n / 2];
    out->p99_ms = over[r->n * 99 / 100];
    call_release(&c);
}

static bool measure(const char *name, enum ai_delivery delivery, size_t n, struct figures *out)
{
    static struct run r;
    const struct anthropic_options o = desk_options(standin.url);

    r = (struct run){.delivery = delivery, .n = n};
    r.provider = desk_open(&o);
    run(&r, out);
    ai_close(r.provider);
    printf("%-8s %5zu calls  overhead p50 %6.2f ms  p99 %6.2f ms  wall %5.2f s (least %.2f)  "
           "CPU %.3f ms a call  failed %zu\n",
           name, n, out->p50_ms, out->p99_ms, out->wall_s, (double)n * LATENCY_MS / THREADS / 1e3,
           out->cpu_ms, atomic_load(&r.n_failed));
    return !atomic_load(&r.n_failed);
}

int main(int argc, char **argv)
{
    struct figures whole, stream;
    bool is_check = false;
    size_t n = CALLS;

    for (int i = 1; i < argc; i++) {
        is_check |= strcmp(argv[i], "--check") == 0;
        n = strcmp(argv[i], "--quick") == 0 ? QUICK_CALLS : n;
    }
    standin_start(&standin);
    bool is_good = measure("whole", AI_WHOLE, n, &whole);

    is_good &= measure("stream", AI_STREAMED, n, &stream);
    standin_stop(&standin);
    printf("{\"calls\":%zu,\"whole\":{\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"wall_s\":%.3f,\"cpu_ms\":%."
           "4f},"
           "\"stream\":{\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"wall_s\":%.3f,\"cpu_ms\":%.4f}}\n",
           n, whole.p50_ms, whole.p99_ms, whole.wall_s, whole.cpu_ms, stream.p50_ms, stream.p99_ms,
           stream.wall_s, stream.cpu_ms);
    double scale = (double)n / CALLS, limit_s = 8 * scale;

    is_good &= whole.p50_ms <= 5 && stream.p50_ms <= 5 && whole.wall_s <= limit_s &&
               stream.wall_s <= limit_s;
    if (is_check && !is_good)
        fprintf(stderr, "bench_ai: a goal is missed: overhead p50 5 ms, wall %.1f s\n", limit_s);
    return is_check && !is_good;
}
