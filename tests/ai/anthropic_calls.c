/* What callers do with calls of the Messages API, against the stand-in: they watch, cancel, close,
 * come in crowds, change keys. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ai/desk.h"
#include "obs/log.h"
#include "obs/metrics.h"

enum { CROWD = 100, PATH_BYTES = 256 };
#define NS_PER_MS INT64_C(1000000)

static struct standin standin;

/* Queues a fault for questions that hold the mark. */
static void set_fault(const char *mark, const char *fault)
{
    struct call c;

    call_init(&c, NULL, DESK_ARENA);
    standin_admin(&standin, &c, "/faults",
                  arena_printf(&c.arena,
                               "{\"provider\":\"anthropic\",\"body\":\"%s\",\"fault\":\"%s\"}",
                               mark, fault));
    call_release(&c);
}

static struct ai_provider *open_plain(void)
{
    const struct anthropic_options o = desk_options(standin.url);

    return desk_open(&o);
}

static void pieces_add_up_to_the_answer(void)
{
    struct ai_provider *p = open_plain();
    struct desk_told t;

    desk_start(p, &t, "pieces", NULL);
    desk_wait(&t);
    EXPECT(!t.error && t.n_pieces > 1 && t.is_text_whole, "%d pieces", t.n_pieces);
    ai_close(p);
    EXPECT(t.n_done == 1, "%d", t.n_done);
}

static void what_was_seen_is_not_asked_again(void)
{
    struct ai_provider *p = open_plain();
    struct desk_told t;

    set_fault("seen-part", "sse-truncate;after=5");
    desk_start(p, &t, "seen-part", NULL);
    desk_wait(&t);
    EXPECT(t.error == AI_ERROR_CUT && t.n_attempts == 1 && t.n_pieces > 0, "%d attempts, %d pieces",
           t.n_attempts, t.n_pieces);
    ai_close(p);
}

static void cancelling_ends_a_call_at_once(void)
{
    struct ai_provider *p = open_plain();
    uint64_t ticket;
    struct desk_told t;

    set_fault("cancel-me", "hang");
    desk_start(p, &t, "cancel-me", &ticket);
    usleep(50000);
    ai_cancel(p, ticket);
    desk_wait(&t);
    EXPECT(t.error == AI_ERROR_CANCELLED, "%d", t.error);
    ai_cancel(p, ticket); /* it is over */
    ai_cancel(p, 12345);
    ai_close(p);
    EXPECT(t.n_done == 1, "%d", t.n_done);
}

static void *give_up_soon(void *cancelled)
{
    usleep(50000);
    atomic_store((atomic_bool *)cancelled, true);
    return NULL;
}

static void a_caller_that_gives_up_gets_away(void)
{
    struct ai_provider *p = open_plain();
    const struct ai_message message = {AI_USER, STR("cancel-me too")};
    const struct ai_request q = desk_request(&message);
    atomic_bool cancelled = false;
    struct ai_response r;
    pthread_t thread;
    struct call c;

    call_init(&c, NULL, DESK_ARENA);
    c.cancelled = &cancelled;
    EXPECT(pthread_create(&thread, NULL, give_up_soon, &cancelled) == 0, "thread");
    EXPECT(ai_send(p, &c, &q, &r) == STATUS_CANCELLED, "%s", c.fault.why);
    EXPECT(r.took_ns < 500 * NS_PER_MS, "%lld", (long long)r.took_ns);
    pthread_join(thread, NULL);
    ai_close(p);
    call_release(&c);
}

static void the_deadline_of_the_call_counts(void)
{
    struct ai_provider *p = open_plain();
    const struct ai_message message = {AI_USER, STR("cancel-me three")};
    const struct ai_request q = desk_request(&message);
    struct ai_response r;
    struct call c;

    call_init(&c, NULL, DESK_ARENA);
    c.deadline_ns = call_monotonic_ns(&c) + 200 * NS_PER_MS;
    EXPECT(ai_send(p, &c, &q, &r) == STATUS_DEADLINE, "%s", c.fault.why);
    EXPECT(r.took_ns >= 200 * NS_PER_MS && r.took_ns < 500 * NS_PER_MS, "%lld",
           (long long)r.took_ns);
    ai_close(p);
    call_release(&c);
}

static void closing_ends_all_calls(void)
{
    struct ai_provider *p = open_plain();
    struct desk_told told[40]; /* 20 under way, 20 wait */

    for (int i = 0; i < 40; i++)
        desk_start(p, &told[i], "cancel-me at the end", NULL);
    usleep(50000);
    ai_close(p);
    for (int i = 0; i < 40; i++)
        EXPECT(told[i].n_done == 1 && told[i].error == AI_ERROR_CLOSED, "%d: %d", i, told[i].error);
}

static void nobody_there_is_a_connection_error(void)
{
    struct anthropic_options o = desk_options("http://127.0.0.1:1");
    struct ai_provider *p = desk_open(&o);
    struct desk_told t;

    desk_start(p, &t, "hello", NULL);
    desk_wait(&t);
    EXPECT(t.error == AI_ERROR_CONNECTION && t.n_attempts == 3, "%d", t.error);
    ai_close(p);
}

static void an_open_breaker_answers_at_once_and_a_probe_closes_it(void)
{
    struct ai_provider *p = open_plain();
    struct desk_told t;

    set_fault("breaks", "529;should-retry=false");
    for (int i = 0; i < 6; i++) {
        desk_start(p, &t, "breaks", NULL);
        desk_wait(&t);
    }
    EXPECT(t.error == AI_ERROR_BREAKER && t.n_attempts == 0, "%d", t.error);
    desk_start(p, &t, "all is well", NULL);
    desk_wait(&t);
    EXPECT(t.error == AI_ERROR_BREAKER, "%d", t.error);
    sleep(3);
    desk_start(p, &t, "all is well", NULL);
    desk_wait(&t);
    EXPECT(!t.error, "%d", t.error);
    ai_close(p);
}

static void hasty_callers_do_not_open_the_breaker(void)
{
    const struct ai_message message = {AI_USER, STR("cancel-me in haste")};
    struct ai_request q = desk_request(&message);
    struct ai_provider *p = open_plain();
    struct ai_response r;
    struct desk_told t;

    q.timeout_ms = 5;
    for (int i = 0; i < 20; i++) {
        struct call c;

        call_init(&c, NULL, DESK_ARENA);
        EXPECT(ai_send(p, &c, &q, &r) == STATUS_DEADLINE, "%s", c.fault.why);
        call_release(&c);
    }
    desk_start(p, &t, "all is well", NULL);
    desk_wait(&t);
    EXPECT(!t.error, "%d", t.error);
    ai_close(p);
}

static void more_than_the_queue_takes_is_refused(void)
{
    struct anthropic_options o = desk_options(standin.url);
    const struct ai_message message = {AI_USER, STR("cancel-me in a queue")};
    const struct ai_request q = desk_request(&message);
    struct desk_told t;
    struct call c;

    o.queue_max = 1;
    struct ai_provider *p = desk_open(&o);

    desk_start(p, &t, "cancel-me in a queue", NULL);
    call_init(&c, NULL, DESK_ARENA);
    struct ai_response r;

    EXPECT(ai_send(p, &c, &q, &r) == STATUS_UNAVAILABLE && strcmp(c.fault.reason, "AI_BUSY") == 0,
           "%s", c.fault.why);
    call_release(&c);
    ai_close(p);
}

static long stat_of(const char *mark)
{
    struct call c;

    call_init(&c, NULL, DESK_ARENA);
    str body = standin_admin(&standin, &c, "/stats", NULL);
    const char *at = strstr(arena_cstr(&c.arena, body), mark);
    long n = at ? strtol(at + strlen(mark), NULL, 10) : -1;

    call_release(&c);
    return n;
}

static void a_crowd_keeps_to_what_may_be_under_way(void)
{
    struct metrics *metrics = metrics_open();
    struct anthropic_options o = desk_options(standin.url);
    static struct desk_told told[CROWD];
    struct call c;

    call_init(&c, NULL, DESK_ARENA);
    standin_admin(&standin, &c, "/reset", "{}");
    standin_admin(&standin, &c, "/latency", "{\"provider\":\"anthropic\",\"ms\":20}");
    o.in_flight_max = 7;
    o.metrics = metrics;
    struct ai_provider *p = desk_open(&o);

    for (int i = 0; i < CROWD; i++)
        desk_start(p, &told[i], "crowd", NULL);
    for (int i = 0; i < CROWD; i++) {
        desk_wait(&told[i]);
        EXPECT(!told[i].error, "%d", told[i].error);
    }
    EXPECT(stat_of("\"peak_in_flight\":{\"anthropic\":") == 7, "%ld",
           stat_of("\"peak_in_flight\":{\"anthropic\":"));
    ai_close(p);
    struct buf b;

    buf_init(&b, &c.arena, METRIC_TEXT_BYTES);
    EXPECT(metrics_render(metrics, &b), "rendered");
    EXPECT(strstr(buf_str(&b).p,
                  "gen_ai_client_operation_duration_seconds_count{gen_ai_operation_name=\"chat\","
                  "gen_ai_provider_name=\"anthropic\",gen_ai_request_model=\"claude-sonnet-5-5\","
                  "error_type=\"\"} 100"),
           "calls are counted");
    EXPECT(strstr(buf_str(&b).p,
                  "sales_llm_tokens_total{model=\"claude-sonnet-5-5\",kind=\"output\"} "),
           "kinds of tokens are counted");
    EXPECT(strstr(buf_str(&b).p, "gen_ai_token_type=\"input\"} 100"), "tokens are counted");
    standin_admin(&standin, &c, "/reset", "{}");
    call_release(&c);
    metrics_close(metrics);
}

static void a_limit_of_the_service_is_waited_out(void)
{
    struct ai_provider *p = open_plain();
    static struct desk_told told[CROWD];
    int n_good = 0;
    struct call c;

    call_init(&c, NULL, DESK_ARENA);
    standin_admin(&standin, &c, "/limits",
                  "{\"provider\":\"anthropic\",\"limit\":50,\"window_ms\":2000}");
    for (int i = 0; i < CROWD; i++)
        desk_start(p, &told[i], "limited", NULL);
    for (int i = 0; i < CROWD; i++) {
        desk_wait(&told[i]);
        n_good += !told[i].error;
    }
    EXPECT(n_good >= CROWD * 9 / 10, "%d of %d answered", n_good, CROWD);
    standin_admin(&standin, &c, "/reset", "{}");
    call_release(&c);
    ai_close(p);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        exit(1);
}

static void the_key_is_read_again_and_never_logged(void)
{
    char dir[] = "/tmp/ai_key_XXXXXX", key[PATH_BYTES], log[PATH_BYTES], line[4096];
    struct anthropic_options o = desk_options(standin.url);
    struct desk_told t;
    struct call c;

    if (!mkdtemp(dir))
        exit(1);
    snprintf(key, sizeof key, "%s/key", dir);
    snprintf(log, sizeof log, "%s/log", dir);
    write_file(key, "invalid\n");
    call_init(&c, NULL, DESK_ARENA);
    EXPECT(log_open(&c, &(struct log_options){.path = log, .level = LOG_DEBUG}) == STATUS_OK,
           "log");
    o.key = (struct secret_source){"invalid", key};
    struct ai_provider *p = desk_open(&o);

    desk_start(p, &t, "with a bad key", NULL);
    desk_wait(&t);
    EXPECT(t.error == AI_ERROR_KEY, "%d", t.error);
    write_file(key, "sk-ant-second-key\n");
    desk_start(p, &t, "with a good key", NULL);
    desk_wait(&t);
    EXPECT(!t.error, "%d", t.error);
    ai_close(p);
    log_close();
    FILE *f = fopen(log, "r");
    size_t n = f ? fread(line, 1, sizeof line - 1, f) : 0;

    line[n] = '\0';
    EXPECT(strstr(line, "ai.failed") && strstr(line, "AI_KEY"), "%s", line);
    EXPECT(!strstr(line, "sk-ant") && !strstr(line, "bad key"), "%s", line);
    if (f)
        fclose(f);
    unlink(key);
    unlink(log);
    rmdir(dir);
    call_release(&c);
}

int main(void)
{
    static void (*const TESTS[])(void) = {
        pieces_add_up_to_the_answer,
        what_was_seen_is_not_asked_again,
        cancelling_ends_a_call_at_once,
        a_caller_that_gives_up_gets_away,
        the_deadline_of_the_call_counts,
        closing_ends_all_calls,
        nobody_there_is_a_connection_error,
        an_open_breaker_answers_at_once_and_a_probe_closes_it,
        hasty_callers_do_not_open_the_breaker,
        more_than_the_queue_takes_is_refused,
        a_crowd_keeps_to_what_may_be_under_way,
        a_limit_of_the_service_is_waited_out,
        the_key_is_read_again_and_never_logged,
    };

    standin_start(&standin);
    for (size_t i = 0; i < sizeof TESTS / sizeof *TESTS; i++)
        TESTS[i]();
    standin_stop(&standin);
    printf("%d complaints\n", atomic_load(&desk_n_bad));
    return atomic_load(&desk_n_bad) != 0;
}
