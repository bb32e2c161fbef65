/*
 * The bare spine: the handlers, agents and storage of salesd, without what trust adds. One
 * interceptor that says who calls; a store that seals no leads and writes no audit entries and no
 * events; no jobs, no relay, no log.
 *
 * usage: bare STORE KEY_FILE    STORE as in salesd --store, which has made it; tenant 1 calls.
 *                               Prints "ready 127.0.0.1:PORT"; ends on SIGTERM.
 */
#include <signal.h>
#include <stdio.h>

#include "agent/context.h"
#include "postgres/postgres_store.h"
#include "rpc/server.h"
#include "server/services.h"
#include "sqlite/sqlite_store.h"

enum { GRACE_MS = 500, ARENA_BYTES = 1 << 20 };

static enum status admit(struct rpc_request *q)
{
    struct principal *p = &q->call->principal;

    p->tenant_id = 1;
    snprintf(p->tenant, sizeof p->tenant, "bench");
    snprintf(p->subject, sizeof p->subject, "bench");
    p->roles = ROLE_BIT_ADMIN;
    return STATUS_OK;
}

static const struct rpc_interceptor rows[] = {{"fixed principal", admit, NULL, NULL, false, NULL}};

static enum status open_bare(struct call *c, const char *url, const char *key, struct store **out)
{
    str path = str_of(url);

    if (str_starts(path, STR("sqlite:")))
        return sqlite_store_open(c,
                                 &(struct sqlite_options){.path = url + strlen("sqlite:"),
                                                          .master_key_path = key,
                                                          .n_readers = 8,
                                                          .is_bare = true},
                                 out);
    return postgres_store_open(
        c, &(struct postgres_options){.conninfo = url, .master_key_path = key, .is_bare = true},
        out);
}

/* Until SIGTERM. */
static int serve(struct agents *agents)
{
    static const char *const addresses[] = {"127.0.0.1:0"};
    struct rpc_options options = {
        .addresses = addresses, .n_addresses = 1, .interceptors = rows, .n_interceptors = 1};
    struct service_binding bindings[SERVICES_OURS];
    struct rpc_server *server;
    char why[RPC_WHY_BYTES];
    sigset_t stop;
    int number;

    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    services_bind(agents, bindings);
    if (rpc_server_new(&options, bindings, SERVICES_OURS, &server, why) != STATUS_OK ||
        rpc_server_start(server) != STATUS_OK) {
        fprintf(stderr, "bare: %s\n", why);
        return 1;
    }
    printf("ready 127.0.0.1:%d\n", rpc_server_port(server, 0));
    fflush(stdout);
    sigwait(&stop, &number);
    if (rpc_server_stop(server, GRACE_MS) != STATUS_OK)
        return 2;
    rpc_server_free(server);
    return 0;
}

int main(int argc, char **argv)
{
    struct agents agents;
    struct store *store;
    struct call c;
    int code;

    call_init(&c, NULL, ARENA_BYTES);
    if (argc != 3 || open_bare(&c, argv[1], argv[2], &store) != STATUS_OK ||
        agents_init(&c, &agents, store) != STATUS_OK) {
        fprintf(stderr, "bare: %s\n", argc != 3 ? "usage: bare STORE KEY_FILE" : c.fault.why);
        return 1;
    }
    code = serve(&agents);
    agents_release(&agents);
    store_close(store);
    call_release(&c);
    return code;
}
