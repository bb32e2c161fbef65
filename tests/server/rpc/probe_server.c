/* The probe: a server on the runtime whose limits come from the command line and whose handlers do
 * what the tests need. Prints "ready PORT..." and exits 0 after a clean drain, 9 when its listener
 * died.
 *
 * usage: probe_server [address=A]... [cert=F key=F [ca=F]] [KEY=NUMBER]... [deny] [block] */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "probe.h"
#include "probe_descriptor_set.h"

enum { EXIT_LISTENER_DEAD = 9, NOFILE_NONE = 0 };

struct settings {
    const char *addresses[RPC_ADDRESSES_MAX];
    size_t n_addresses;
    int grace_ms, nofile;
    struct rpc_options o;
};

static enum status count_in(struct rpc_request *q)
{
    struct probe *p = q->context;

    if (strstr(q->method->name, "Stats") == NULL)
        atomic_fetch_add(&p->n_entered, 1);
    *q->state = p;
    return STATUS_OK;
}

static void count_out(struct rpc_request *q, enum status s)
{
    struct probe *p = q->context;

    if (strstr(q->method->name, "Stats") != NULL)
        return;
    atomic_store(&p->last_status, *q->state == p ? (int)s : -1);
    atomic_fetch_add(&p->n_left, 1);
}

/* What the server makes of the client's certificate, for the client to see. */
static void show_peer(struct rpc_request *q)
{
    struct rpc_identity peer;

    if (!rpc_request_peer_identity(q, &peer))
        return;
    (void)rpc_request_set_header(q, STR("x-peer-common-name"), peer.common_name);
    (void)rpc_request_set_header(q, STR("x-peer-spiffe-id"), peer.spiffe_id);
    for (size_t i = 0; i < peer.n_names; i++)
        (void)rpc_request_set_header(q, STR("x-peer-name"), peer.names[i]);
}

static enum status guard(struct rpc_request *q)
{
    struct probe *p = q->context;

    if (p->deny && !str_eq(rpc_request_header(q, "authorization"), STR("open sesame")))
        return call_fail_as(q->call, STATUS_UNAUTHENTICATED, "NO_TOKEN", "say the word");
    (void)rpc_request_set_header(q, STR("x-guard"), STR("passed"));
    show_peer(q);
    return STATUS_OK;
}

/* A note that says "forbidden" is refused wherever it comes from. */
static enum status inspect(struct rpc_request *q, const ProtobufCMessage *m)
{
    if (m->descriptor == &probe__v1__note__descriptor &&
        strcmp(((const Note *)m)->text, "forbidden") == 0)
        return call_fail(q->call, STATUS_INVALID, "a forbidden note");
    return STATUS_OK;
}

static void trail(struct rpc_request *q, enum status s)
{
    char text[32];

    snprintf(text, sizeof text, "%d", (int)s);
    (void)rpc_request_set_trailer(q, STR("x-status"), str_of(text));
}

static struct rpc_interceptor interceptors[] = {
    {"count", count_in, NULL, count_out, false, NULL},
    {"guard", guard, inspect, trail, false, NULL},
};

static void listener_dead(void *context, const char *address)
{
    (void)context;
    fprintf(stderr, "probe: %s is dead\n", address);
    _exit(EXIT_LISTENER_DEAD);
}

static bool set_number(struct settings *s, const char *key, size_t n_key, long value)
{
    /* clang-format off */
    const struct { const char *key; int *field; } ints[] = {
        {"loops", &s->o.n_loops}, {"workers", &s->o.n_workers}, {"queued", &s->o.n_queued},
        {"calls", &s->o.n_calls}, {"streams", &s->o.n_streams_per_connection},
        {"slow_ms", &s->o.slow_reader_ms}, {"loop_quiet_ms", &s->o.loop_quiet_ms}, {"loop_help_calls", &s->o.loop_help_calls}, {"ping_ms", &s->o.client_ping_ms},
        {"handshake_ms", &s->o.handshake_ms}, {"watchdog_ms", &s->o.watchdog_ms}, {"watchdog_failures", &s->o.watchdog_failures},
        {"grace_ms", &s->grace_ms}, {"nofile", &s->nofile},
    };
    const struct { const char *key; size_t *field; } sizes[] = {
        {"hard_bytes", &s->o.send_hard_bytes}, {"arena_bytes", &s->o.arena_bytes},
    };
    /* clang-format on */

    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
        if (strlen(ints[i].key) == n_key && memcmp(ints[i].key, key, n_key) == 0) {
            *ints[i].field = (int)value;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (strlen(sizes[i].key) == n_key && memcmp(sizes[i].key, key, n_key) == 0) {
            *sizes[i].field = (size_t)value;
            return true;
        }
    }
    return false;
}

static bool set_text(struct settings *s, const char *key, size_t n_key, const char *value)
{
    const struct {
        const char *key;
        const char **field;
    } texts[] = {{"cert", &s->o.tls.cert_path},
                 {"key", &s->o.tls.key_path},
                 {"ca", &s->o.tls.client_ca_path}};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (strlen(texts[i].key) == n_key && memcmp(texts[i].key, key, n_key) == 0) {
            *texts[i].field = value;
            return true;
        }
    }
    return false;
}

static bool parse(struct settings *s, struct probe *p, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *value = strchr(argv[i], '=');

        if (strcmp(argv[i], "deny") == 0)
            p->deny = true;
        else if (strcmp(argv[i], "block") == 0)
            interceptors[1].may_block = true;
        else if (value && strncmp(argv[i], "address=", 8) == 0 &&
                 s->n_addresses < RPC_ADDRESSES_MAX)
            s->addresses[s->n_addresses++] = value + 1;
        else if (!value ||
                 (!set_text(s, argv[i], (size_t)(value - argv[i]), value + 1) &&
                  !set_number(s, argv[i], (size_t)(value - argv[i]), strtol(value + 1, NULL, 10))))
            return false;
    }
    return true;
}

static void block_signals(sigset_t *stop)
{
    sigemptyset(stop);
    sigaddset(stop, SIGTERM);
    sigaddset(stop, SIGINT);
    pthread_sigmask(SIG_BLOCK, stop, NULL);
}

static void announce(const struct probe *p, size_t n)
{
    printf("ready");
    for (size_t i = 0; i < n; i++)
        printf(" %d", rpc_server_port(p->server, i));
    printf("\n");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static struct probe probe = PROBE_INIT;
    struct settings s = {.grace_ms = 2000};
    struct service_binding binding = {&probe_service, &probe_handlers, &probe};
    char why[RPC_WHY_BYTES];
    sigset_t stop;
    int number;

    if (!parse(&s, &probe, argc, argv)) {
        fprintf(stderr, "probe: bad argument\n");
        return 2;
    }
    if (s.n_addresses == 0)
        s.addresses[s.n_addresses++] = "127.0.0.1:0";
    if (s.nofile != NOFILE_NONE) /* both limits: the server raises the soft one */
        (void)setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)s.nofile, (rlim_t)s.nofile});
    s.o.addresses = s.addresses;
    s.o.n_addresses = s.n_addresses;
    s.o.interceptors = interceptors;
    s.o.n_interceptors = sizeof interceptors / sizeof *interceptors;
    s.o.context = &probe;
    s.o.listener_dead = listener_dead;
    s.o.schema = probe_descriptor_set;
    s.o.n_schema = probe_descriptor_set_len;
    s.o.error_domain = "probe.v1";
    block_signals(&stop);
    if (rpc_server_new(&s.o, &binding, 1, &probe.server, why) != STATUS_OK ||
        rpc_server_start(probe.server) != STATUS_OK) {
        fprintf(stderr, "probe: %s\n", why);
        return 1;
    }
    announce(&probe, s.n_addresses);
    sigwait(&stop, &number);
    if (rpc_server_stop(probe.server, s.grace_ms) != STATUS_OK)
        _exit(3);
    rpc_server_free(probe.server);
    return atomic_load(&probe.n_open_streams) == 0 ? 0 : 4;
}
