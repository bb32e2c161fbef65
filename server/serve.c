/*
 * The main thread opens everything, then waits for signals and nothing else; all signals are
 * blocked before the first thread starts, so only it ever sees one.
 */
#include "server/serve.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "http/ops.h"
#include "intercept/intercept.h"
#include "obs/process.h"
#include "sales_descriptor_set.h"
#include "server/services.h"

enum { ADDRESS_TEXT_BYTES = 1024, NS_PER_MS = 1000000 };

/* The one signal we send ourselves: a listener died. */
#define SIGNAL_LISTENER SIGUSR1

struct serve {
    const struct config *config;
    const char *version;
    struct call call; /* of starting and stopping */

    struct metrics *metrics;
    struct authenticator keys;
    struct intercept *intercept;
    struct rpc_server *rpc;
    struct http_server *http;
    struct ops ops;

    const char *addresses[RPC_ADDRESSES_MAX];
    size_t n_addresses;
    atomic_bool draining;

    struct {
        struct series unknown_method, busy, undecodable, slow_reader, cancelled, calls, queued;
    } series;
};

/* Until keys are on record nobody is let in. */
static enum status find_no_key(struct authenticator *a, struct call *c, struct uuid id,
                               struct api_key_record *out)
{
    (void)a;
    (void)id;
    *out = (struct api_key_record){0};
    return call_fail(c, STATUS_NOT_FOUND, "there are no keys");
}

/* Logs why, and says it to people when the log is not before their eyes. */
static enum exit_code failed(struct serve *s, enum exit_code code)
{
    log_error(&s->call, LOG_EVENT_SERVER_FAILED, F_WHY(&s->call.fault),
              F_STR("reason", s->call.fault.reason), F_INT("exit_code", code));
    if (s->config->log_file[0])
        fprintf(stderr, "salesd: %s\n", s->call.fault.why);
    return code;
}

static void note(void *context, enum rpc_log_level level, const char *text)
{
    static const enum log_level levels[] = {[RPC_LOG_DEBUG] = LOG_DEBUG,
                                            [RPC_LOG_INFO] = LOG_INFO,
                                            [RPC_LOG_WARN] = LOG_WARN,
                                            [RPC_LOG_ERROR] = LOG_ERROR};

    (void)context;
    LOG_AT(NULL, levels[level], LOG_EVENT_TRANSPORT_NOTED, F_STR("text", text));
}

static void listener_dead(void *context, const char *address)
{
    (void)context;
    log_error(NULL, LOG_EVENT_LISTENER_DIED, F_STR("address", address));
    kill(getpid(), SIGNAL_LISTENER);
}

static void collect_rpc(void *self)
{
    struct serve *s = self;
    struct rpc_stats stats = rpc_server_stats(s->rpc);

    series_set(s->series.unknown_method, stats.n_unknown_method);
    series_set(s->series.busy, stats.n_busy);
    series_set(s->series.undecodable, stats.n_undecodable);
    series_set(s->series.slow_reader, stats.n_slow_readers);
    series_set(s->series.cancelled, stats.n_cancelled);
    series_set(s->series.calls, stats.n_live);
    series_set(s->series.queued, stats.n_queued);
}

static void watch_rpc(struct serve *s)
{
    struct metrics *m = s->metrics;
    const struct {
        struct series *at;
        enum metric metric;
        const char *labels[1];
    } rows[] = {
        {&s->series.unknown_method, METRIC_RPC_REFUSED, {"unknown_method"}},
        {&s->series.busy, METRIC_RPC_REFUSED, {"busy"}},
        {&s->series.undecodable, METRIC_RPC_REFUSED, {"undecodable"}},
        {&s->series.slow_reader, METRIC_RPC_CUT, {"slow_reader"}},
        {&s->series.cancelled, METRIC_RPC_CUT, {"cancelled"}},
        {&s->series.calls, METRIC_RPC_CALLS, {NULL}},
        {&s->series.queued, METRIC_RPC_QUEUED, {NULL}},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        *rows[i].at = metrics_series(m, rows[i].metric, rows[i].labels);
    metrics_collect(m, collect_rpc, s);
}

static const char *why_not_ready(void *self)
{
    struct serve *s = self;

    return atomic_load(&s->draining) ? "draining" : NULL;
}

/* "a, b" to the addresses that the runtime wants. */
static enum status split_addresses(struct serve *s)
{
    str rest = str_of(s->config->listen);

    while (rest.n) {
        str one = str_trim(str_cut(&rest, ','));

        if (s->n_addresses == RPC_ADDRESSES_MAX)
            return call_fail(&s->call, STATUS_INVALID, "more than %d addresses", RPC_ADDRESSES_MAX);
        s->addresses[s->n_addresses] = arena_cstr(&s->call.arena, one);
        if (!s->addresses[s->n_addresses++])
            return call_nomem(&s->call);
    }
    return STATUS_OK;
}

static enum exit_code open_intercept(struct serve *s)
{
    const struct config *config = s->config;

    s->keys = (struct authenticator){find_no_key};
    s->metrics = metrics_open();
    if (s->metrics)
        s->intercept = intercept_new(&(struct intercept_options){
            .metrics = s->metrics,
            .keys = &s->keys,
            .services = services_all,
            .n_services = SERVICES_ALL,
            .deadline_ms = config->deadline,
            .deadline_max_ms = config->deadline_max,
            .tenant_rate = config->tenant_rate,
            .tenant_burst = config->tenant_burst,
        });
    if (!s->intercept) {
        call_fail(&s->call, STATUS_EXHAUSTED, "no memory for the interceptors");
        return failed(s, EXIT_START);
    }
    process_watch(s->metrics, s->version);
    return EXIT_OK;
}

static enum exit_code exit_of(enum status s)
{
    return s == STATUS_INVALID ? EXIT_CONFIG : s == STATUS_EXISTS ? EXIT_ADDRESS : EXIT_START;
}

static enum exit_code open_rpc(struct serve *s)
{
    const struct config *config = s->config;
    struct service_binding bindings[SERVICES_OURS];
    char why[RPC_WHY_BYTES] = "";
    enum status status = split_addresses(s);

    if (status != STATUS_OK)
        return failed(s, exit_of(status));
    services_bind(bindings);
    status = rpc_server_new(
        &(struct rpc_options){.addresses = s->addresses,
                              .n_addresses = s->n_addresses,
                              .n_loops = (int)config->loops,
                              .n_workers = (int)config->workers,
                              .n_queued = (int)config->queue,
                              .n_calls = (int)config->calls,
                              .n_streams_per_connection = (int)config->streams,
                              .message_bytes = (size_t)config->message_bytes,
                              .listener_dead = listener_dead,
                              .log = note,
                              .interceptors = intercept_rows,
                              .n_interceptors = intercept_n_rows,
                              .context = s->intercept,
                              .schema = config->reflection ? sales_descriptor_set : NULL,
                              .n_schema = sales_descriptor_set_len,
                              .error_domain = "sales.v1"},
        bindings, SERVICES_OURS, &s->rpc, why);
    if (status == STATUS_OK) {
        watch_rpc(s);
        return EXIT_OK;
    }
    call_fail(&s->call, status, "%s", why);
    return failed(s, exit_of(status));
}

static enum exit_code open_http(struct serve *s)
{
    enum status status;

    s->ops = (struct ops){s->metrics, why_not_ready, s};
    status = ops_open(&s->call, s->config->http_listen, &s->ops, &s->http);
    return status == STATUS_OK ? EXIT_OK : failed(s, exit_of(status));
}

/* The address with its real port. */
static void put_address(struct buf *b, const char *address, int port)
{
    const char *colon = strrchr(address, ':');

    if (port && colon)
        buf_printf(b, "%.*s:%d", (int)(colon - address), address, port);
    else
        buf_put(b, str_of(address));
}

static enum exit_code start(struct serve *s)
{
    struct buf grpc, http;
    enum status status = rpc_server_start(s->rpc);

    if (status != STATUS_OK) {
        call_fail(&s->call, status, "the threads of the server cannot be started");
        return failed(s, EXIT_START);
    }
    buf_init(&grpc, &s->call.arena, ADDRESS_TEXT_BYTES);
    buf_init(&http, &s->call.arena, ADDRESS_TEXT_BYTES);
    for (size_t i = 0; i < s->n_addresses; i++) {
        buf_put(&grpc, i ? STR(",") : STR(""));
        put_address(&grpc, s->addresses[i], rpc_server_port(s->rpc, i));
    }
    put_address(&http, s->config->http_listen, http_port(s->http));
    if (!buf_ok(&grpc) || !buf_ok(&http)) {
        call_nomem(&s->call);
        return failed(s, EXIT_START);
    }
    log_info(&s->call, LOG_EVENT_SERVER_STARTED, F_STR("version", s->version),
             F_STR("address", buf_str(&grpc).p), F_STR("http", buf_str(&http).p));
    printf("salesd ready address=%s http=%s\n", buf_str(&grpc).p, buf_str(&http).p);
    fflush(stdout);
    return EXIT_OK;
}

/* Blocks what we wait for; the threads started from here on inherit that. */
static sigset_t block_signals(void)
{
    static const int waited[] = {SIGTERM, SIGINT, SIGHUP, SIGNAL_LISTENER};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof waited / sizeof *waited; i++)
        sigaddset(&set, waited[i]);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return set;
}

/* Until something asks for the end; tells which exit code that is, if all goes well. */
static enum exit_code wait_for_signals(const sigset_t *set)
{
    for (;;) {
        int got;

        if (sigwait(set, &got) != 0)
            continue;
        log_info(NULL, LOG_EVENT_SIGNAL_RECEIVED, F_INT("signal", got));
        if (got == SIGHUP)
            log_reopen();
        else
            return got == SIGNAL_LISTENER ? EXIT_LISTENER : EXIT_OK;
    }
}

static void die_now(int unused)
{
    (void)unused;
    _exit(EXIT_DRAIN);
}

/* The second signal does not wait for calls. */
static void let_signals_kill(void)
{
    static const int deadly[] = {SIGTERM, SIGINT};
    struct sigaction action = {.sa_handler = die_now};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) {
        sigaction(deadly[i], &action, NULL);
        sigaddset(&set, deadly[i]);
    }
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static enum exit_code drain(struct serve *s, enum exit_code code)
{
    int64_t began_ns = call_monotonic_ns(&s->call);
    enum status status;

    atomic_store(&s->draining, true);
    let_signals_kill();
    status = rpc_server_stop(s->rpc, (int)s->config->drain_grace);
    log_info(&s->call, LOG_EVENT_SERVER_DRAINED, F_STR("result", status_name(status)),
             F_NS("took", call_monotonic_ns(&s->call) - began_ns));
    return status == STATUS_OK ? code : EXIT_DRAIN;
}

static void close_all(struct serve *s)
{
    http_close(s->http); /* first: it reads the others */
    rpc_server_free(s->rpc);
    intercept_free(s->intercept);
    metrics_close(s->metrics);
}

static enum exit_code run(struct serve *s, const sigset_t *signals)
{
    enum exit_code code = open_intercept(s);

    if (code == EXIT_OK)
        code = open_rpc(s);
    if (code == EXIT_OK)
        code = open_http(s);
    if (code == EXIT_OK)
        code = start(s);
    if (code == EXIT_OK)
        code = drain(s, wait_for_signals(signals));
    if (code == EXIT_DRAIN)
        return code; /* a handler still runs: what it uses must stay */
    close_all(s);
    return code;
}

enum exit_code serve(const struct config *config, const char *version)
{
    struct serve s = {.config = config, .version = version};
    sigset_t signals = block_signals();
    enum exit_code code = EXIT_START;

    call_init(&s.call, NULL, CALL_ARENA_BYTES);
    if (log_open(&s.call,
                 &(struct log_options){.path = config->log_file[0] ? config->log_file : NULL,
                                       .fd = STDERR_FILENO,
                                       .level = config->log_level}) != STATUS_OK) {
        fprintf(stderr, "salesd: %s\n", s.call.fault.why);
    } else {
        code = run(&s, &signals);
        log_info(&s.call, LOG_EVENT_SERVER_STOPPED, F_INT("exit_code", code));
        log_close();
    }
    call_release(&s.call);
    return code;
}
