/*
 * The runtime under every kind of call at once, from many threads, with cancellations, wakes and a
 * drain in the middle, several times over. A plain program, so that it runs under ThreadSanitizer.
 *
 * The client is the C core itself: this test is about what happens inside the server.
 */
#include <assert.h>
#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "probe.h"

enum { CLIENTS = 6, ROUNDS = 3, ROUND_MS = 1200, GRACE_MS = 300, MESSAGES = 8, CALL_MS = 5000 };

/* One call shape of the probe, as a client drives it. */
struct act {
    const char *path;
    int n_messages; /* to send; each is `request` */
    int cancel_ms;  /* cancel after so long; < 0: let it end */
    const char *request;
    size_t n_request;
};

#define REQUEST(bytes) (bytes), sizeof(bytes) - 1

/* clang-format off */
static const struct act acts[] = {
    {"/probe.v1.Probe/Echo",      1,        -1, REQUEST("\x0a\x02hi")},
    {"/probe.v1.Probe/Work",      1,        -1, REQUEST("\x08\x05\x18\x64")},     /* 5 ms, 100 bytes */
    {"/probe.v1.Probe/Work",      1,        8,  REQUEST("\x08\xe8\x07")},         /* 1 s, cancelled */
    {"/probe.v1.Probe/Fail",      1,        -1, REQUEST("\x08\x05\x20\x03\x30\x64")},
    {"/probe.v1.Probe/Sum",       MESSAGES, -1, REQUEST("\x10\x07")},
    {"/probe.v1.Probe/Chat",      MESSAGES, -1, REQUEST("\x0a\x02hi")},
    {"/probe.v1.Probe/Chat",      MESSAGES, 3,  REQUEST("\x0a\x02hi")},
    {"/probe.v1.Probe/LoopChat",  MESSAGES, -1, REQUEST("\x0a\x02hi")},
    {"/probe.v1.Probe/LoopChat",  MESSAGES, 3,  REQUEST("\x0a\x02hi")},
    {"/probe.v1.Probe/Flood",     1,        -1, REQUEST("\x08\x32\x10\xe8\x07")}, /* 50 of 1000 bytes */
    {"/probe.v1.Probe/Flood",     1,        4,  REQUEST("\x08\xa0\x8d\x06\x10\xe8\x07")},
    {"/probe.v1.Probe/Tick",      1,        -1, REQUEST("\x08\x03\x10\x02")},
    {"/probe.v1.Probe/Tick",      1,        5,  REQUEST("\x08\x64\x10\x01")},
    {"/probe.v1.Probe/Watch",     1,        15, REQUEST("")},
    {"/probe.v1.Probe/LoopWatch", 1,        15, REQUEST("")},
    {"/probe.v1.Probe/Poke",      1,        -1, REQUEST("\x10\x01")},
    {"/probe.v1.Probe/Poke",      1,        -1, REQUEST("\x10\x02")},
    {"/probe.v1.Probe/SetHealth", 1,        -1, REQUEST("\x0a\x0eprobe.v1.Probe\x10\x02")},
    {"/grpc.health.v1.Health/Watch", 1,     10, REQUEST("")},
    {"/grpc.health.v1.Health/Check", 1,     -1, REQUEST("")},
    {"/no.such.Service/Method",   1,        -1, REQUEST("")},
    {"/probe.v1.Probe/Echo",      1,        -1, REQUEST("\xff")},                 /* garbage */
    {"/probe.v1.Probe/Stats",     1,        -1, REQUEST("")},
};
/* clang-format on */

static atomic_bool stopping;
static atomic_long n_ended, n_ok;
static int port;

struct client {
    grpc_completion_queue *cq;
    grpc_call *call;
    const struct act *act;
    int n_sent, n_pending; /* messages sent; batches in flight */
    grpc_byte_buffer *sending, *received;
    grpc_metadata_array headers, trailers;
    grpc_status_code status;
    grpc_slice why;
    bool reading;
};

/* Tags of the client's batches: their addresses. */
static char tag_send, tag_read, tag_status;

static void start(struct client *k, const grpc_op *ops, size_t n, char *tag)
{
    k->n_pending++;
    assert(grpc_call_start_batch(k->call, ops, n, tag, NULL) == GRPC_CALL_OK);
}

static void send_next(struct client *k)
{
    grpc_op ops[3] = {0};
    size_t n = 0;
    grpc_slice s = grpc_slice_from_copied_buffer(k->act->request, k->act->n_request);

    if (k->n_sent == 0)
        ops[n++].op = GRPC_OP_SEND_INITIAL_METADATA;
    k->sending = grpc_raw_byte_buffer_create(&s, 1);
    grpc_slice_unref(s);
    ops[n].op = GRPC_OP_SEND_MESSAGE;
    ops[n++].data.send_message.send_message = k->sending;
    if (++k->n_sent == k->act->n_messages)
        ops[n++].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    start(k, ops, n, &tag_send);
}

static void read_next(struct client *k)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};

    op.data.recv_message.recv_message = &k->received;
    k->reading = true;
    start(k, &op, 1, &tag_read);
}

static void begin(struct client *k)
{
    grpc_op ops[2] = {{.op = GRPC_OP_RECV_INITIAL_METADATA}, {.op = GRPC_OP_RECV_STATUS_ON_CLIENT}};

    send_next(k);
    ops[0].data.recv_initial_metadata.recv_initial_metadata = &k->headers;
    start(k, ops, 1, &tag_status);
    ops[1].data.recv_status_on_client.trailing_metadata = &k->trailers;
    ops[1].data.recv_status_on_client.status = &k->status;
    ops[1].data.recv_status_on_client.status_details = &k->why;
    start(k, ops + 1, 1, &tag_status);
    read_next(k);
}

static void handle(struct client *k, const char *tag, bool ok)
{
    k->n_pending--;
    if (tag == &tag_send) {
        grpc_byte_buffer_destroy(k->sending);
        k->sending = NULL;
        if (ok && k->n_sent < k->act->n_messages)
            send_next(k);
    } else if (tag == &tag_read) {
        k->reading = false;
        if (!k->received)
            return;
        grpc_byte_buffer_destroy(k->received);
        k->received = NULL;
        read_next(k);
    }
}

static gpr_timespec after_ms(int ms)
{
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(ms, GPR_TIMESPAN));
}

static void run_act(struct client *k, grpc_channel *channel)
{
    gpr_timespec until = after_ms(k->act->cancel_ms < 0 ? CALL_MS : k->act->cancel_ms);
    bool cancelled = false;

    grpc_metadata_array_init(&k->headers);
    grpc_metadata_array_init(&k->trailers);
    k->call = grpc_channel_create_call(channel, NULL, GRPC_PROPAGATE_DEFAULTS, k->cq,
                                       grpc_slice_from_static_string(k->act->path), NULL,
                                       after_ms(CALL_MS), NULL);
    begin(k);
    while (k->n_pending) {
        grpc_event e =
            grpc_completion_queue_next(k->cq, cancelled ? after_ms(CALL_MS) : until, NULL);

        assert(e.type != GRPC_QUEUE_SHUTDOWN && !(cancelled && e.type == GRPC_QUEUE_TIMEOUT));
        if (e.type == GRPC_OP_COMPLETE) {
            handle(k, e.tag, e.success);
            continue;
        }
        cancelled = true;
        grpc_call_cancel(k->call, NULL);
    }
    atomic_fetch_add(&n_ok, k->status == GRPC_STATUS_OK);
    atomic_fetch_add(&n_ended, 1);
    grpc_slice_unref(k->why);
    grpc_metadata_array_destroy(&k->headers);
    grpc_metadata_array_destroy(&k->trailers);
    grpc_call_unref(k->call);
}

static void *client_main(void *arg)
{
    unsigned seed = *(unsigned *)arg;
    grpc_arg own = {.type = GRPC_ARG_INTEGER,
                    .key = (char *)GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL,
                    .value.integer = 1};
    grpc_channel_args args = {1, &own};
    grpc_channel_credentials *plain = grpc_insecure_credentials_create();
    struct client k = {.cq = grpc_completion_queue_create_for_next(NULL)};
    char target[32];

    snprintf(target, sizeof target, "127.0.0.1:%d", port);
    grpc_channel *channel = grpc_channel_create(target, plain, &args);

    while (!atomic_load(&stopping)) {
        seed = seed * 1103515245 + 12345;
        k = (struct client){.cq = k.cq, .act = &acts[(seed >> 16) % (sizeof acts / sizeof *acts)]};
        run_act(&k, channel);
    }
    grpc_channel_credentials_release(plain);
    grpc_channel_destroy(channel);
    grpc_completion_queue_shutdown(k.cq);
    assert(grpc_completion_queue_next(k.cq, after_ms(CALL_MS), NULL).type == GRPC_QUEUE_SHUTDOWN);
    grpc_completion_queue_destroy(k.cq);
    return NULL;
}

static void nothing(void *context, enum rpc_log_level level, const char *text)
{
    (void)context;
    (void)level;
    (void)text;
}

static void pause_ms(int ms)
{
    nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}

/* Serves, is hammered, and drains while the hammering goes on. */
static void round_of(bool with_blocking_interceptor)
{
    static const char *const addresses[] = {"127.0.0.1:0"};
    const struct rpc_interceptor rows[] = {
        {.name = "none", .may_block = with_blocking_interceptor}};
    struct probe probe = PROBE_INIT;
    struct service_binding binding = {&probe_service, &probe_handlers, &probe};
    struct rpc_options options = {.addresses = addresses,
                                  .n_addresses = 1,
                                  .n_loops = 3,
                                  .n_workers = 4,
                                  .watchdog_ms = 50,
                                  .interceptors = rows,
                                  .n_interceptors = 1,
                                  .log = nothing};
    pthread_t clients[CLIENTS];
    unsigned seeds[CLIENTS];
    char why[RPC_WHY_BYTES];

    assert(rpc_server_new(&options, &binding, 1, &probe.server, why) == STATUS_OK);
    assert(rpc_server_start(probe.server) == STATUS_OK);
    port = rpc_server_port(probe.server, 0);
    atomic_store(&stopping, false);
    for (unsigned i = 0; i < CLIENTS; i++) {
        seeds[i] = i + 1;
        assert(pthread_create(&clients[i], NULL, client_main, &seeds[i]) == 0);
    }
    pause_ms(ROUND_MS);
    assert(rpc_server_stop(probe.server, GRACE_MS) == STATUS_OK);
    atomic_store(&stopping, true);
    for (size_t i = 0; i < CLIENTS; i++)
        pthread_join(clients[i], NULL);

    struct rpc_stats s = rpc_server_stats(probe.server);

    assert(s.n_live == 0);
    assert(atomic_load(&probe.n_open_streams) == 0);
    rpc_server_free(probe.server);
}

int main(void)
{
    grpc_init();
    for (int i = 0; i < ROUNDS; i++)
        round_of(i % 2 == 1);
    grpc_shutdown();
    printf("%ld calls ended, %ld of them OK\n", atomic_load(&n_ended), atomic_load(&n_ok));
    return atomic_load(&n_ok) > 100 ? 0 : 1;
}
