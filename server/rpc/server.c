/* The server's life: options to a core server with its methods registered, and the one order of
 * shutting down that neither aborts nor leaks (docs/rpc.md, pitfall 1). */
#include <assert.h>
#include <grpc/compression.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "rpc/internal.h"

enum { DRAIN_POLL_MS = 5, OWN_SERVICES = 3, CORE_ARGS_MAX = 16, UNUSED_STOP_MS = 5000 };

static int at_least(int n, int least)
{
    return n < least ? least : n;
}

static void apply_defaults(struct rpc_options *o)
{
    int cores = at_least((int)sysconf(_SC_NPROCESSORS_ONLN), 1);
    /* clang-format off */
    const struct { int *field; int value; } ints[] = {
        {&o->n_loops,                  cores < LOOPS_MAX ? cores : LOOPS_MAX},
        {&o->n_workers,                at_least(4 * cores, 8)},
        {&o->n_calls,                  10000},
        {&o->n_streams_per_connection, 256},
        {&o->slow_reader_ms,           60000},
        {&o->loop_help_calls,          1000},
        {&o->loop_quiet_ms,            5000},
        {&o->keepalive_ms,             60000},
        {&o->keepalive_timeout_ms,     20000},
        {&o->client_ping_ms,           10000},
        {&o->handshake_ms,             10000},
        {&o->connection_idle_ms,       30 * 60000},
        {&o->watchdog_ms,              5000},
        {&o->watchdog_failures,        3},
    };
    const struct { size_t *field, value; } sizes[] = {
        {&o->message_bytes,   MESSAGE_BYTES_MAX},
        {&o->reply_bytes,     MESSAGE_BYTES_MAX},
        {&o->metadata_bytes,  METADATA_BYTES_MAX},
        {&o->arena_bytes,     CALL_ARENA_BYTES},
        {&o->core_bytes,      (size_t)512 << 20},
        {&o->send_low_bytes,  64 << 10},
        {&o->send_hard_bytes, 8 << 20},
    };
    /* clang-format on */

    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
        if (*ints[i].field == 0)
            *ints[i].field = ints[i].value;
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (*sizes[i].field == 0)
            *sizes[i].field = sizes[i].value;
    }
    if (!o->n_queued)
        o->n_queued = 256 * o->n_workers;
    if (!o->error_domain)
        o->error_domain = "rpc";
    if (!o->clock)
        o->clock = &system_clock;
}

static const char *complaint(const struct rpc_options *o)
{
    if (o->n_addresses == 0 || o->n_addresses > RPC_ADDRESSES_MAX)
        return "n_addresses must be 1 to 8";
    if (o->n_interceptors > RPC_INTERCEPTORS_MAX)
        return "more than 16 interceptors";
    if (o->n_loops < 1 || o->n_loops > LOOPS_MAX)
        return "n_loops must be 1 to 8";
    if (o->n_workers < 1 || o->n_queued < 1 || o->n_calls < 1 || o->n_streams_per_connection < 1)
        return "n_workers, n_queued, n_calls and n_streams_per_connection must be positive";
    if (o->message_bytes > INT32_MAX || o->metadata_bytes > INT32_MAX / CORE_METADATA_FACTOR)
        return "message_bytes or metadata_bytes is too large";
    if (o->send_hard_bytes < o->send_low_bytes)
        return "send_hard_bytes is below send_low_bytes";
    return NULL;
}

/* Every connection is a descriptor, and running out of them kills the listener (pitfall 16). */
static void raise_descriptor_limit(struct rpc_server *s)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur == r.rlim_max)
        return;
    r.rlim_cur = r.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &r) != 0)
        rpc_log(s, RPC_LOG_WARN, "cannot raise the limit of open files");
}

static MUST_CHECK enum status make_core(struct rpc_server *s)
{
    const struct rpc_options *o = &s->o;
    /* clang-format off */
    const struct { const char *key; int value; } ints[] = {
        {GRPC_ARG_ALLOW_REUSEPORT,         0}, /* pitfall 15: two servers would share a port */
        {GRPC_ARG_ENABLE_CHANNELZ,         0},
        /* The core inflates without a limit, before anybody is asked who calls: 4 MB become 4 GB. */
        {GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1 << GRPC_COMPRESS_NONE},
        {GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0},
        {GRPC_ARG_MAX_CONCURRENT_STREAMS,  o->n_streams_per_connection},
        {GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)o->message_bytes},
        {GRPC_ARG_MAX_METADATA_SIZE,       CORE_METADATA_FACTOR * (int)o->metadata_bytes},
        {GRPC_ARG_KEEPALIVE_TIME_MS,       o->keepalive_ms},
        {GRPC_ARG_KEEPALIVE_TIMEOUT_MS,    o->keepalive_timeout_ms},
        {GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1},
        {GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, o->client_ping_ms},
        {GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, o->handshake_ms},
        {GRPC_ARG_MAX_CONNECTION_IDLE_MS,  o->connection_idle_ms},
    };
    /* clang-format on */
    grpc_arg args[CORE_ARGS_MAX];
    size_t n = 0;

    for (; n < sizeof ints / sizeof *ints; n++)
        args[n] = (grpc_arg){
            .type = GRPC_ARG_INTEGER, .key = (char *)ints[n].key, .value.integer = ints[n].value};
    s->quota = grpc_resource_quota_create("rpc");
    grpc_resource_quota_resize(s->quota, o->core_bytes);
    args[n++] = (grpc_arg){.type = GRPC_ARG_POINTER,
                           .key = (char *)GRPC_ARG_RESOURCE_QUOTA,
                           .value.pointer = {s->quota, grpc_resource_quota_arg_vtable()}};
    s->core = grpc_server_create(&(grpc_channel_args){n, args}, NULL);
    if ((s->loops = calloc((size_t)o->n_loops, sizeof *s->loops)) == NULL)
        return STATUS_EXHAUSTED;
    for (int i = 0; i < o->n_loops; i++) {
        s->loops[i] = (struct rpc_loop){.server = s, .index = i};
        s->loops[i].cq = grpc_completion_queue_create_for_next(NULL);
        grpc_server_register_completion_queue(s->core, s->loops[i].cq, NULL);
    }
    return STATUS_OK;
}

static MUST_CHECK enum status add_service(struct rpc_server *s, const struct service_binding *b,
                                          bool own)
{
    const struct service *v = b->service;

    s->services[s->n_services++] = v;
    for (size_t i = 0; i < v->n_methods; i++) {
        const struct method *row = &v->methods[i];
        struct rpc_method *m = &s->methods[s->n_methods++];

        *m = (struct rpc_method){
            .row = row,
            .service = v,
            .hooks = row->message ? row->hooks(b->handlers) : NULL,
            .handlers = b->handlers,
            .self = b->self,
            .reads_one = row->shape == METHOD_UNARY || row->shape == METHOD_SERVER_STREAM,
            .own = own,
        };
        m->registered = grpc_server_register_method(
            s->core, row->path, NULL,
            m->reads_one ? GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER : GRPC_SRM_PAYLOAD_NONE, 0);
        if (!m->registered) /* the path is there already */
            return STATUS_INVALID;
    }
    return STATUS_OK;
}

static MUST_CHECK enum status add_all(struct rpc_server *s, const struct service_binding *bindings,
                                      size_t n, bool own)
{
    for (size_t i = 0; i < n; i++)
        TRY(add_service(s, &bindings[i], own));
    return STATUS_OK;
}

static size_t n_methods_of(const struct service_binding *bindings, size_t n)
{
    size_t n_methods = 0;

    for (size_t i = 0; i < n; i++)
        n_methods += bindings[i].service->n_methods;
    return n_methods;
}

/* Health, and reflection when there is a schema to reflect. */
static MUST_CHECK enum status own_bindings(struct rpc_server *s, size_t n_services,
                                           struct service_binding out[OWN_SERVICES], size_t *n_out)
{
    TRY(health_new(s, n_services, &s->health));
    out[(*n_out)++] = health_binding(s->health);
    if (s->o.schema) {
        TRY(reflection_new(s, &s->reflection));
        *n_out += reflection_bindings(s->reflection, out + *n_out);
    }
    return STATUS_OK;
}

static MUST_CHECK enum status add_services(struct rpc_server *s,
                                           const struct service_binding *bindings, size_t n)
{
    struct service_binding own[OWN_SERVICES];
    size_t n_own = 0, n_methods;

    TRY(own_bindings(s, n + OWN_SERVICES, own, &n_own));
    n_methods = n_methods_of(bindings, n) + n_methods_of(own, n_own);
    assert(n_methods > 0); /* health is always there */
    s->methods = calloc(n_methods, sizeof *s->methods);
    s->services = calloc(n + n_own, sizeof(const struct service *));
    if (!s->methods || !s->services)
        return STATUS_EXHAUSTED;
    TRY(add_all(s, bindings, n, false));
    return add_all(s, own, n_own, true);
}

static MUST_CHECK enum status build(struct rpc_server *s, const struct service_binding *bindings,
                                    size_t n, char *why_out)
{
    enum status st;

    for (size_t i = 0; i < s->o.n_addresses; i++)
        s->addresses[i] = s->o.addresses[i];
    for (size_t i = 0; i < s->o.n_interceptors; i++)
        s->before_blocks |= s->o.interceptors[i].may_block;
    TRY(make_core(s));
    if ((st = add_services(s, bindings, n)) != STATUS_OK) {
        snprintf(why_out, RPC_WHY_BYTES, "%s",
                 st == STATUS_INVALID ? "the schema is damaged or a method is bound twice"
                                      : "out of memory");
        return st;
    }
    TRY(rpc_tls_new(s, &s->tls, why_out));
    return rpc_listen(s, why_out);
}

enum status rpc_server_new(const struct rpc_options *options,
                           const struct service_binding *bindings, size_t n_bindings,
                           struct rpc_server **out, char *why_out)
{
    struct rpc_server *s = calloc(1, sizeof *s);
    pthread_condattr_t monotonic;
    enum status st;

    *out = NULL;
    snprintf(why_out, RPC_WHY_BYTES, "out of memory");
    if (!s)
        return STATUS_EXHAUSTED;
    s->o = *options;
    apply_defaults(&s->o);
    if (complaint(&s->o)) {
        snprintf(why_out, RPC_WHY_BYTES, "%s", complaint(&s->o));
        free(s);
        return STATUS_INVALID;
    }
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    raise_descriptor_limit(s);
    grpc_init();
    rpc_log_core_to(s);
    if ((st = build(s, bindings, n_bindings, why_out)) != STATUS_OK) {
        rpc_server_free(s);
        return st;
    }
    why_out[0] = 0;
    *out = s;
    return STATUS_OK;
}

enum status rpc_server_start(struct rpc_server *s)
{
    enum status st;

    assert(!s->started);
    TRY(worker_pool_new(s->o.n_workers, s->o.n_queued, &s->workers));
    grpc_server_start(s->core);
    s->started = true;
    if ((st = rpc_loops_start(s)) != STATUS_OK ||
        (st = watchdog_new(s, &s->watchdog)) != STATUS_OK) {
        (void)rpc_server_stop(s, 0);
        return st;
    }
    rpc_health_set(s, "", RPC_HEALTH_SERVING);
    return STATUS_OK;
}

int rpc_server_port(const struct rpc_server *s, size_t i)
{
    return i < s->o.n_addresses ? s->ports[i] : 0;
}

static void pause_ms(int ms)
{
    nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}

/* Waits until every call and every posted request is gone and the core says so. */
static bool await_idle(struct rpc_server *s, int ms)
{
    int64_t until = rpc_monotonic_ns() + (int64_t)ms * 1000000;

    for (;;) {
        if (atomic_load(&s->n_live) == 0 && atomic_load(&s->n_posted) == 0)
            return true;
        if (rpc_monotonic_ns() >= until)
            return false;
        pause_ms(DRAIN_POLL_MS);
    }
}

enum status rpc_server_stop(struct rpc_server *s, int grace_ms)
{
    assert(s->started);
    watchdog_free(s->watchdog); /* it would find the listener closed */
    s->watchdog = NULL;
    health_drain(s->health);
    atomic_store(&s->draining, true);
    grpc_server_shutdown_and_notify(s->core, s->loops[0].cq, &s->on_shutdown);
    if (!await_idle(s, grace_ms)) {
        rpc_log(s, RPC_LOG_WARN, "%lld calls outlived the grace of %d ms: cancelled",
                (long long)atomic_load(&s->n_live), grace_ms);
        grpc_server_cancel_all_calls(s->core);
        if (!await_idle(s, RPC_STUCK_MS)) {
            rpc_log(s, RPC_LOG_ERROR, "%lld calls ignore their cancellation",
                    (long long)atomic_load(&s->n_live));
            return STATUS_DEADLINE;
        }
    } else {
        grpc_server_cancel_all_calls(s->core); /* closes idle connections now */
    }
    while (s->loops[0].started && !atomic_load(&s->shut))
        pause_ms(DRAIN_POLL_MS);
    rpc_loops_join(s);
    worker_pool_free(s->workers);
    s->workers = NULL;
    s->started = false;
    return STATUS_OK;
}

/* A server that never ran still owns bound listeners, which only a shutdown closes. */
static void shut_unused(struct rpc_server *s)
{
    grpc_completion_queue *cq = s->loops[0].cq;
    gpr_timespec until = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                      gpr_time_from_millis(UNUSED_STOP_MS, GPR_TIMESPAN));

    grpc_server_shutdown_and_notify(s->core, cq, &s->on_shutdown);
    (void)grpc_completion_queue_next(cq, until, NULL);
    for (int i = 0; i < s->o.n_loops; i++) {
        grpc_completion_queue_shutdown(s->loops[i].cq);
        while (grpc_completion_queue_next(s->loops[i].cq, until, NULL).type == GRPC_OP_COMPLETE)
            continue;
    }
}

static void free_core(struct rpc_server *s)
{
    if (!s->core)
        return;
    if (s->loops && !atomic_load(&s->shut))
        shut_unused(s);
    grpc_server_destroy(s->core);
    for (int i = 0; s->loops && i < s->o.n_loops; i++)
        grpc_completion_queue_destroy(s->loops[i].cq);
}

void rpc_server_free(struct rpc_server *s)
{
    if (!s)
        return;
    assert(!s->started);
    free_core(s);
    rpc_tls_free(s->tls); /* asked at handshakes until the core has ended */
    if (s->quota)
        grpc_resource_quota_unref(s->quota);
    health_free(s->health);
    reflection_free(s->reflection);
    free(s->loops);
    free(s->methods);
    free(s->services);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    rpc_log_core_to(NULL);
    grpc_shutdown();
    free(s);
}

struct rpc_stats rpc_server_stats(const struct rpc_server *s)
{
    return (struct rpc_stats){
        .n_live = atomic_load(&s->n_live),
        .n_calls = atomic_load(&s->n_calls),
        .n_unknown_method = atomic_load(&s->n_unknown),
        .n_busy = atomic_load(&s->n_busy),
        .n_undecodable = atomic_load(&s->n_undecodable),
        .n_slow_readers = atomic_load(&s->n_slow),
        .n_cancelled = atomic_load(&s->n_cancelled),
        .n_queued = s->workers ? (int64_t)worker_pool_n_queued(s->workers) : 0,
        .n_loops = atomic_load(&s->n_awake),
    };
}
