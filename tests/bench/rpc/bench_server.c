/* Our side of the benchmark: bench.v1.Bench on server/rpc.
 *
 * usage: bench_server [loops=N] [worker]    prints "ready PORT"; `worker` runs Echo on the pool */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.service.h"
#include "rpc/server.h"

enum { GRACE_MS = 500 };

static enum status echo(struct call *c, void *self, const EchoRequest *in, EchoReply *out)
{
    (void)c;
    (void)self;
    out->id = in->id;
    out->seq = in->seq;
    out->language = in->language;
    out->payload = in->payload;
    out->n_tags = (uint32_t)in->n_tags;
    return STATUS_OK;
}

static enum status audio(struct call *c, void *self, struct rpc_stream *s, const AudioFrame *in)
{
    AudioEvent out = AUDIO_EVENT_INIT;

    (void)c;
    (void)self;
    out.seq = in->seq;
    out.t_ns = in->t_ns;
    out.n_bytes = (uint32_t)in->pcm.len;
    bench_audio_send(s, &out);
    return STATUS_OK;
}

static const struct bench_handlers handlers = {.echo = echo, .audio = {.message = audio}};

int main(int argc, char **argv)
{
    static const char *const addresses[] = {"127.0.0.1:0"};
    struct method methods[BENCH_N_METHODS];
    struct service service = bench_service;
    struct service_binding binding = {&service, &handlers, NULL};
    struct rpc_options options = {.addresses = addresses, .n_addresses = 1};
    struct rpc_server *server;
    char why[RPC_WHY_BYTES];
    sigset_t stop;
    int number;

    for (size_t i = 0; i < BENCH_N_METHODS; i++)
        methods[i] = bench_service.methods[i];
    service.methods = methods;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "loops=", 6) == 0)
            options.n_loops = (int)strtol(argv[i] + 6, NULL, 10);
        else if (strcmp(argv[i], "worker") == 0)
            methods[BENCH_ECHO].execution = METHOD_ON_WORKER;
    }
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    if (rpc_server_new(&options, &binding, 1, &server, why) != STATUS_OK ||
        rpc_server_start(server) != STATUS_OK) {
        fprintf(stderr, "bench_server: %s\n", why);
        return 1;
    }
    printf("ready %d\n", rpc_server_port(server, 0));
    fflush(stdout);
    sigwait(&stop, &number);
    if (rpc_server_stop(server, GRACE_MS) != STATUS_OK)
        return 2;
    rpc_server_free(server);
    return 0;
}
