/*
 * Every fault of the stand-in through the real client over real HTTP (faults.def). Each row has a
 * provider of its own, so that no breaker carries over, and a mark in its question by which the
 * stand-in finds its fault; rows run side by side because most of them wait.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "ai/desk.h"

enum { THREADS = 8, TEXT = 512 };
#define NS_PER_MS INT64_C(1000000)

static const struct row {
    const char *name;
    enum ai_delivery delivery;
    const char *fault;
    int times;
    int64_t within_ms, most_ms;
    enum ai_error error;
    enum ai_stop stop;
    int n_attempts, http;
} ROWS[] = {
#define AI_ERROR_OK AI_OK
#define X(name_, delivery_, fault_, times_, within_, most_, error_, stop_, attempts_, http_)       \
    {name_, AI_##delivery_,    fault_,          times_,    within_,                                \
     most_, AI_ERROR_##error_, AI_STOP_##stop_, attempts_, http_},
#include "ai/faults.def"
#undef X
};
enum { N_ROWS = sizeof ROWS / sizeof *ROWS };

static struct standin standin;
static atomic_size_t next_row;

/* The fault with %DATE as an HTTP date some two seconds from now. */
static const char *fault_of(const struct row *r, char out[TEXT])
{
    static const char MARK[] = "%DATE";
    const char *at = strstr(r->fault, MARK);
    time_t then = time(NULL) + 2;
    struct tm tm;
    char date[64];

    if (!at)
        return r->fault;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&then, &tm));
    snprintf(out, TEXT, "%.*s%s", (int)(at - r->fault), r->fault, date);
    return out;
}

static void queue_fault(struct call *c, const struct row *r, size_t i)
{
    char json[2 * TEXT], text[TEXT];
    int n = snprintf(json, sizeof json,
                     "{\"provider\":\"anthropic\",\"body\":\"row-%zu.\",\"fault\":\"%s\"", i,
                     fault_of(r, text));

    if (r->times)
        n += snprintf(json + n, sizeof json - (size_t)n, ",\"times\":%d", r->times);
    snprintf(json + n, sizeof json - (size_t)n, "}");
    if (r->fault[0])
        standin_admin(&standin, c, "/faults", json);
}

static void check(const struct row *r, const struct ai_response *got, enum status s)
{
    EXPECT(got->error == r->error, "%s: got %s", r->name,
           got->error ? ai_error_row(got->error)->name : "OK");
    EXPECT(s == (r->error ? ai_error_row(r->error)->status : STATUS_OK), "%s: %s", r->name,
           status_name(s));
    EXPECT(got->n_attempts == r->n_attempts, "%s: %d attempts", r->name, got->n_attempts);
    EXPECT(got->http_status == r->http, "%s: HTTP %d", r->name, got->http_status);
    EXPECT(!r->most_ms || got->took_ns <= r->most_ms * NS_PER_MS, "%s: %lld ms", r->name,
           (long long)(got->took_ns / NS_PER_MS));
    EXPECT(got->sent.n > 0, "%s: what was sent is kept", r->name);
    EXPECT(!r->http || got->request_id.n > 0, "%s: request id", r->name);
    EXPECT(r->error || got->stop == r->stop, "%s: stop %s", r->name, ai_stop_name(got->stop));
    if (r->error)
        return;
    EXPECT(r->stop == AI_STOP_REFUSAL || got->text.n > 0, "%s: text", r->name);
    EXPECT(got->usage.input > 0 && got->usage.output > 0, "%s: usage", r->name);
    EXPECT(got->received.n > 0 && got->model.n > 0 && got->message_id.n > 0, "%s", r->name);
    EXPECT(got->first_ns > 0 && got->first_ns <= got->took_ns, "%s: first byte", r->name);
    EXPECT(r->stop != AI_STOP_END || strncmp(r->fault, "not-json", 8) == 0 ||
               (got->text.p[0] == '{' && got->text.p[got->text.n - 1] == '}'),
           "%s: an object", r->name);
}

static void run_row(size_t i)
{
    const struct row *r = &ROWS[i];
    const struct anthropic_options o = desk_options(standin.url);
    struct ai_provider *p = desk_open(&o);
    struct ai_message message = {.role = AI_USER};
    struct ai_request q = desk_request(&message);
    struct ai_response got;
    struct call c;

    call_init(&c, NULL, DESK_ARENA);
    message.text = str_of(arena_printf(&c.arena,
                                       "What of row-%zu. Gr\xc3\xbc\xc3\x9f"
                                       "e \xf0\x9f\x98\x80",
                                       i));
    queue_fault(&c, r, i);
    q.delivery = r->delivery;
    q.timeout_ms = r->within_ms ? r->within_ms : 15000;
    enum status s = ai_send(p, &c, &q, &got);

    check(r, &got, s);
    ai_close(p);
    call_release(&c);
}

static void *run(void *self)
{
    (void)self;
    for (size_t i; (i = atomic_fetch_add(&next_row, 1)) < N_ROWS;)
        run_row(i);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];

    standin_start(&standin);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, run, NULL) != 0)
            return 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    standin_stop(&standin);
    printf("%d faults, %d complaints\n", (int)N_ROWS, atomic_load(&desk_n_bad));
    return atomic_load(&desk_n_bad) != 0;
}
