/*
 * server: a gRPC server on the gRPC C core: method rows in, replies out. Knows no business.
 *
 * Threads: n_loops loops with one completion queue each (a call stays on one loop for life),
 * n_workers workers for handlers that may block, one watchdog. Loops beyond the first sleep until
 * the first is busy, because a poller too many costs more than it helps. See docs/rpc.md.
 *
 *   new -> start -> ... -> stop (any thread) -> free
 */
#ifndef RPC_SERVER_H
#define RPC_SERVER_H

#include "rpc/health.h"
#include "rpc/request.h"
#include "rpc/tls.h"

struct rpc_server;

struct service_binding {
    const struct service *service;
    const void *handlers; /* the generated struct of handlers */
    void *self;           /* handed to every handler */
};

enum rpc_log_level { RPC_LOG_DEBUG, RPC_LOG_INFO, RPC_LOG_WARN, RPC_LOG_ERROR };

/* Zero means the default in brackets. Everything is borrowed until rpc_server_free. */
struct rpc_options {
    const char *const
        *addresses;     /* [n_addresses] "127.0.0.1:0", "[::]:50051", "unix:/run/salesd.sock" */
    size_t n_addresses; /* at most RPC_ADDRESSES_MAX */

    int n_loops;   /* most loops [one per core, at most 8] */
    int n_workers; /* [4 per core, at least 8] */
    int n_queued;  /* events waiting for a worker; more are refused [256 per worker] */
    int n_calls;   /* live calls; more are refused, as are more streams to health and reflection
                      [10000] */
    int n_streams_per_connection; /* [256] */

    size_t message_bytes;  /* largest request message [MESSAGE_BYTES_MAX] */
    size_t reply_bytes;    /* largest reply message [MESSAGE_BYTES_MAX] */
    size_t metadata_bytes; /* request metadata [METADATA_BYTES_MAX] */
    size_t arena_bytes;    /* memory of one call [CALL_ARENA_BYTES] */
    size_t core_bytes;     /* transport buffers of all connections together [512 MiB] */

    size_t send_low_bytes;  /* a stream reads and produces while less is queued [64 KiB] */
    size_t send_hard_bytes; /* a handler that queues more loses its stream [8 MiB] */
    int loop_help_calls;    /* new calls a second that make another loop worth it [1000] */
    int loop_quiet_ms;      /* a loop that helped retires when few calls came for so long [5000] */
    int slow_reader_ms;     /* a client that takes nothing for so long loses its stream [60000] */

    int keepalive_ms;         /* own pings on quiet connections [60000] */
    int keepalive_timeout_ms; /* [20000] */
    int client_ping_ms;       /* clients may ping this often; faster ones are cut [10000] */
    int handshake_ms;         /* a connection that is not ready after this is closed [10000] */
    int connection_idle_ms;   /* a connection without calls is closed [30 min] */

    int watchdog_ms;       /* self-dial period; < 0: none [5000] */
    int watchdog_failures; /* in a row before `listener_dead` [3] */
    /* On the watchdog's thread, once: an address has stopped accepting, which the C core cannot
     * repair. The process should exit with a code of its own. NULL: only logged. */
    void (*listener_dead)(void *context, const char *address);

    struct rpc_tls_options tls; /* of every TCP address */
    /* A certificate was taken or refused. NULL: refusals are logged. Any thread. */
    void (*tls_news)(void *context, const struct rpc_tls_news *news);

    /* Lines of the runtime and of the C core, warnings and up. NULL: stderr. Any thread. */
    void (*log)(void *context, enum rpc_log_level level, const char *text);

    const struct rpc_interceptor *interceptors; /* [n_interceptors] */
    size_t n_interceptors;                      /* at most RPC_INTERCEPTORS_MAX */
    void *context;                              /* for the hooks and interceptors */
    /* Whose work a call is, before any interceptor: workers take turns between lanes, so that one
     * busy caller does not hold up the others. On the call's loop, must not block. NULL: one for
     * all. */
    uint32_t (*lane)(const struct rpc_request *q);
    /* Refuses a call at once, on its loop, before a worker is troubled; says why in q->call. No
     * interceptor sees such a call. Must not block. NULL: none is. */
    enum status (*shed)(struct rpc_request *q);

    const void *schema;       /* serialised FileDescriptorSet with imports; NULL: no reflection */
    size_t n_schema;          /* bytes */
    const char *error_domain; /* ErrorInfo.domain ["rpc"] */
    const struct clock_ops *clock; /* of every call [system_clock] */
};

enum { RPC_ADDRESSES_MAX = 8, RPC_INTERCEPTORS_MAX = 16, RPC_WHY_BYTES = 256 };

/*
 * Binds the addresses and registers every method; health and reflection are added by themselves. No
 * call is accepted yet.
 *
 *   why_out   one line for people when it fails; RPC_WHY_BYTES
 *
 * INVALID: a limit or the schema makes no sense, or the certificate cannot be used. EXISTS: an
 * address is taken or cannot be bound. EXHAUSTED: out of memory or threads. Signals that the
 * process waits for must be blocked before: the C core starts threads here.
 */
MUST_CHECK enum status rpc_server_new(const struct rpc_options *options,
                                      const struct service_binding *bindings, size_t n_bindings,
                                      struct rpc_server **out, char *why_out);

/* Starts the threads and accepts calls. Health is SERVING from here on. EXHAUSTED: no threads. */
MUST_CHECK enum status rpc_server_start(struct rpc_server *s);

/* The port of the i-th address: useful after binding port 0. 0 for unix sockets. */
int rpc_server_port(const struct rpc_server *s, size_t i);

/*
 * Drains and stops: health turns NOT_SERVING, clients are told to go elsewhere (GOAWAY), running
 * calls get grace_ms. Streams without a message for a second count as idle and are ended at once
 * with UNAVAILABLE; what is left after the grace is cancelled. Returns when no handler runs and all
 * threads have ended. Once, from any thread but the server's own.
 *
 * DEADLINE: a handler ignored the cancellation for RPC_STUCK_MS more; the server must not be freed,
 * the process should exit.
 */
enum status rpc_server_stop(struct rpc_server *s, int grace_ms);

enum { RPC_STUCK_MS = 10000 }; /* a store's statement timeout is well below */

/* After rpc_server_stop (or before start). NULL is fine. */
void rpc_server_free(struct rpc_server *s);

struct rpc_stats {
    int64_t n_live;           /* calls now */
    int64_t n_calls;          /* calls ever, refused ones included */
    int64_t n_unknown_method; /* refused: UNIMPLEMENTED */
    int64_t n_busy;           /* refused: RESOURCE_EXHAUSTED by n_calls or n_queued */
    int64_t n_undecodable;    /* request was no message of the type */
    int64_t n_slow_readers;   /* streams ended by send_hard_bytes or slow_reader_ms */
    int64_t n_cancelled;      /* ended by the client or its deadline */
    int64_t n_queued;         /* events waiting for a worker now */
    int64_t n_loops;          /* loops awake */
};

/* Thread-safe; figures are each right, not one instant's. */
struct rpc_stats rpc_server_stats(const struct rpc_server *s);

#endif
