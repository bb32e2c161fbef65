/*
 * internal: what the files of this folder share. Nobody else includes it, nobody else sees gRPC.
 *
 * A call is a struct rpc_call; a streaming one is the rpc_call at the head of a struct rpc_stream.
 * `holds` keeps the core's call alive: one for the life of the call, one per batch in flight. They
 * are taken anywhere and dropped on the call's loop only, so a call is always torn down there.
 */
#ifndef RPC_INTERNAL_H
#define RPC_INTERNAL_H

#include <grpc/grpc.h>
#include <pthread.h>
#include <stdatomic.h>

#include "rpc/server.h"
#include "rpc/worker.h"

enum {
    POSTED_ON_LOOP = 32, /* requests kept posted per cheap method and loop: a burst finds them */
    POSTED_ON_WORKER =
        8,              /* handlers of milliseconds: the re-post comes long before they are used */
    POSTED_GENERIC = 8, /* for methods that nobody has */
    SPARE_CALLS_MAX = 256,    /* call objects kept per loop and kind for reuse */
    LOOPS_MAX = 8,            /* RPC.md: more pollers cost more than they bring */
    CORE_METADATA_FACTOR = 4, /* the core may cut the connection over its limit: ours comes first */
    SWEEP_MS = 1000,          /* how often a loop looks for stalled and quiet streams */
    DRAIN_SWEEP_MS = 100,
    IDLE_LOOK_MS = 2000,       /* `again` runs for a stream where nothing happened for so long */
    EVENTS_PER_TURN = 64,      /* events of one stream before its worker serves others */
    OUT_OVERHEAD_BYTES = 64,   /* what a queued message costs beyond its own bytes */
    STATUS_DETAIL_BYTES = 5120 /* packed google.rpc.Status: base64 and message stay under 8 kB */
};

/* The completion queue orders what happens before a batch starts with what its tag does. TSan
 * cannot see that inside the library, so it is told. */
#if defined(__SANITIZE_THREAD__)
void __tsan_release(void *);
void __tsan_acquire(void *);
#define ORDER_BEFORE(tag) __tsan_release(tag)
#define ORDER_AFTER(tag)  __tsan_acquire(tag)
#else
#define ORDER_BEFORE(tag) ((void)(tag))
#define ORDER_AFTER(tag)  ((void)(tag))
#endif

struct rpc_call;
struct rpc_loop;

enum rpc_eviction { EVICT_NONE, EVICT_DRAINING, EVICT_SLOW_READER };

/* What a completion queue gives back: run on the loop of the call. */
struct rpc_tag {
    void (*run)(struct rpc_call *c, bool ok);
    struct rpc_call *call;
};

struct rpc_method {
    const struct method *row;
    const struct service *service;
    const struct stream_hooks *hooks; /* NULL for unary */
    const void *handlers;
    void *self;
    void *registered; /* the core's handle */
    bool reads_one;   /* the client sends exactly one message, which comes with the call */
    bool own;         /* health, reflection: no interceptors, counted apart */
};

struct metadata_out {
    grpc_metadata
        *entries; /* [n <= RPC_METADATA_OUT_MAX] owned; not in the arena, which may be full */
    size_t n;
};

struct rpc_call {
    struct rpc_request q;
    struct call ctx;
    struct rpc_server *server;
    struct rpc_loop *loop;
    const struct rpc_method *method; /* NULL: a request for an unknown method */
    grpc_call *core;
    gpr_timespec deadline;
    grpc_metadata_array metadata;
    grpc_call_details details; /* unknown methods only */
    grpc_byte_buffer *in;      /* the one request message of unary and server streaming */
    grpc_byte_buffer *sending; /* owned while its batch is in flight */
    struct rpc_tag on_new, on_close, on_sent;
    struct job job;
    int core_cancelled; /* written by the core before on_close */
    atomic_bool cancelled;
    atomic_int holds;
    bool live; /* counted in server->n_live */
    bool headers_left;
    size_t n_entered; /* interceptors whose `before` succeeded */
    struct metadata_out headers, trailers;
    void *states[RPC_INTERCEPTORS_MAX];
    struct rpc_call *next_spare;
};

/* A ring of packed messages waiting for the transport. */
struct send_queue {
    grpc_byte_buffer **ring; /* [cap], cap a power of two */
    size_t cap, first, n;
    size_t bytes; /* queued and in flight, overhead included */
};

/*
 * A stream is an actor. Facts (a message came, the queue drained, a timer fired) are noted under
 * its lock by the loop; whoever finds it idle takes `running` and runs its events one after the
 * other, on the loop or on a worker as the method says, until no event is due.
 */
struct rpc_stream {
    struct rpc_call call;
    atomic_int refs; /* the runtime's own and those of rpc_stream_ref */
    struct rpc_tag on_recv, on_posted, on_coupled;
    bool answers;               /* on the loop, and sends from `message` only */
    grpc_byte_buffer *arriving; /* written by the core before on_recv and on_coupled */
    grpc_byte_buffer *answer;   /* owned while on_coupled is in flight */

    /* Owned by whoever runs events. */
    void *state;
    struct arena scratch;
    bool finish_wanted, wait_wanted;
    bool in_message;         /* what is sent now may go out with the next read */
    enum status send_failed; /* a message could not be packed */
    int64_t wait_ms;

    /* Owned by the loop. */
    struct rpc_stream *prev, *next; /* live streams */
    uint64_t swept_moves;           /* n_moves at the last sweep */
    int64_t quiet_ms, stalled_ms;
    int64_t timer_ns;  /* when the timer fires */
    size_t timer_slot; /* index in the heap + 1; 0: not set */

    pthread_mutex_t lock;               /* guards everything below */
    bool running;                       /* some thread runs events */
    bool posted;                        /* on_posted is in flight */
    bool handed;                        /* ... and brings `running` to the loop */
    bool entered, opened, halved, gone; /* events delivered; gone: `done` */
    bool reading;                       /* RECV_MESSAGE in flight */
    bool half_closed, closed;           /* the client's last message; the end of the call */
    bool sleeping, woken;               /* rpc_stream_wait, rpc_stream_wake */
    int64_t wake_ns;                    /* 0: no timer */
    bool headers_due;                   /* send them without waiting for a message */
    bool busy;                          /* a send batch in flight */
    bool coupled;                       /* one that sends `answer` and reads the next message */
    size_t in_flight_bytes;
    uint64_t n_moves;        /* messages received, batches sent */
    bool ending;             /* end_status is decided ... */
    bool status_sent;        /* ... and in a batch */
    bool lost;               /* nobody listens any more */
    enum rpc_eviction evict; /* the runtime wants it to end */
    int64_t idle_ms;         /* without a move, as swept */
    bool look_due;           /* EV_AGAIN */
    enum status end_status;
    grpc_byte_buffer *in; /* a message to deliver */
    struct send_queue queue;
};

struct rpc_loop {
    struct rpc_server *server;
    grpc_completion_queue *cq;
    pthread_t thread;
    int index;
    bool started;
    struct rpc_call *spare_calls;
    size_t n_spare_calls;
    struct rpc_stream *streams; /* live ones */
    struct rpc_stream **timers; /* [n_timers] binary heap by timer_ns */
    size_t n_timers, cap_timers;
    size_t n_streams; /* each has at most one timer */
    int64_t sweep_ns; /* next sweep; 0: none needed */
    int64_t load_wall_ns, load_wanted_ns;
    int64_t n_opened;       /* calls, in this window */
    int64_t n_live;         /* calls of this loop */
    int *n_posted;          /* [n_methods + 1] requests in the core by method, the last for none */
    bool retired;           /* as it last saw itself */
    int64_t quiet_wall_ns;  /* since when ... */
    int64_t n_opened_quiet; /* ... so many calls came */
    int schedstat_fd;
    int n_busy_windows;
    unsigned n_events;
};

struct rpc_tls;
struct watchdog;
struct health;
struct reflection;

struct rpc_server {
    struct rpc_options o;
    const char *addresses[RPC_ADDRESSES_MAX];
    int ports[RPC_ADDRESSES_MAX];
    grpc_server *core;
    grpc_resource_quota *quota;
    struct rpc_method *methods; /* [n_methods] */
    size_t n_methods;
    const struct service **services; /* [n_services] bound, ours included */
    size_t n_services;
    bool before_blocks;     /* some interceptor may block */
    struct rpc_loop *loops; /* [o.n_loops] */
    struct worker_pool *workers;
    struct rpc_tls *tls; /* NULL: plaintext */
    struct watchdog *watchdog;
    struct health *health;
    struct reflection *reflection;
    struct rpc_tag on_shutdown;
    bool started;
    atomic_bool draining, shut;

    atomic_llong n_posted; /* requests waiting in the core for a call */
    atomic_llong n_own;    /* those of n_live that go to health and reflection */
    atomic_llong n_live, n_calls, n_unknown, n_busy, n_undecodable, n_slow, n_cancelled;

    atomic_int n_awake;   /* loops that serve; changed under lock */
    pthread_mutex_t lock; /* guards stopped */
    pthread_cond_t changed;
    bool stopped; /* loops that sleep must go and drain their queue */
};

/* call.c: what unary and streaming calls have in common. */
void rpc_request_post(struct rpc_loop *l, const struct rpc_method *m);
void rpc_hold(struct rpc_call *c); /* for a batch that starts later; dropped by its tag */
void rpc_batch_held(struct rpc_call *c, const grpc_op *ops, size_t n, struct rpc_tag *tag);
void rpc_batch(struct rpc_call *c, const grpc_op *ops, size_t n, struct rpc_tag *tag);
void rpc_hold_drop(struct rpc_call *c, int n); /* on the loop */
void rpc_call_recycle(struct rpc_call *c);     /* its core call is gone; on the loop */
void rpc_call_clear(struct rpc_call *c);       /* what it owns besides its memory */
void rpc_call_free(struct rpc_call *c);
void rpc_call_refuse(struct rpc_call *c); /* answers with the fault in c->ctx */
void rpc_spares_free(struct rpc_loop *l);

/* unary.c: a call that was admitted. On the loop. */
void rpc_unary_begin(struct rpc_call *c);

enum rpc_event {
    EV_NONE,
    EV_ENTER, /* interceptors */
    EV_OPEN,
    EV_MESSAGE,
    EV_HALF_CLOSE,
    EV_WRITABLE,
    EV_EVICT,
    EV_AGAIN, /* nothing happened for a while: does what held at the start still hold? */
    EV_DONE,
};

/* event.c: one event, to its end. */
MUST_CHECK enum status rpc_stream_event(struct rpc_stream *s, enum rpc_event e);

/* turn.c: runs the events of a stream. On the loop, but for the job. */
void rpc_stream_begin(struct rpc_stream *s);         /* it was admitted */
void rpc_stream_run(struct rpc_stream *s);           /* runs what is due, unless somebody does */
void rpc_stream_posted(struct rpc_call *c, bool ok); /* tag */
void rpc_stream_job(struct job *j);

/* stream.c: what the loop tells a stream. On the loop. */
void rpc_stream_init(struct rpc_stream *s); /* after call.c prepared its head */
void rpc_stream_closed(struct rpc_stream *s);
void rpc_stream_timer(struct rpc_stream *s);
void rpc_stream_sweep(struct rpc_stream *s, int64_t ms);

/* send.c: the send queue. Call without the lock. */
void rpc_stream_pump(struct rpc_stream *s);
void rpc_stream_sent(struct rpc_call *c, bool ok); /* tag */
void rpc_stream_abort(struct rpc_stream *s, enum status why);
bool rpc_stream_is_sendable(const struct rpc_stream *s); /* lock held */
grpc_byte_buffer *rpc_stream_next(struct rpc_stream *s); /* off the queue; lock held */
void rpc_send_queue_free(struct send_queue *q);

/* interceptor.c */
MUST_CHECK enum status rpc_enter(struct rpc_call *c);
MUST_CHECK enum status rpc_again(struct rpc_call *c); /* streams */
MUST_CHECK enum status rpc_inspect(struct rpc_call *c, const ProtobufCMessage *m);
void rpc_leave(struct rpc_call *c, enum status s);

/* message.c: between byte buffers and messages. */
MUST_CHECK enum status rpc_decode(struct rpc_call *c, struct arena *a, grpc_byte_buffer *bytes,
                                  ProtobufCMessage **out);
MUST_CHECK enum status rpc_encode(struct rpc_call *c, const ProtobufCMessage *m,
                                  grpc_byte_buffer **out, size_t *bytes_out);
MUST_CHECK enum status rpc_encode_bytes(struct rpc_call *c, str packed, grpc_byte_buffer **out);

/* error.c: fills one SEND_STATUS_FROM_SERVER; `text` must live until the batch is started, then be
 * unref'd. Adds the details to the trailers. */
void rpc_status_op(struct rpc_call *c, enum status s, grpc_op *op, grpc_slice *text);

/* metadata.c */
grpc_op rpc_headers_op(struct rpc_call *c);
size_t rpc_metadata_bytes(const struct rpc_call *c); /* of the request, as HTTP/2 counts */
bool rpc_metadata_add(struct metadata_out *m, str key, str value);
void rpc_metadata_free(struct metadata_out *m);

/* loop.c */
MUST_CHECK enum status rpc_loops_start(struct rpc_server *s);
void rpc_loops_join(struct rpc_server *s);
void rpc_loop_add(struct rpc_loop *l, struct rpc_stream *s);
void rpc_loop_remove(struct rpc_loop *l, struct rpc_stream *s);

/* timer.c: one timer per stream in a heap per loop. On the loop. */
int64_t rpc_monotonic_ns(void);
void rpc_request_taken(struct rpc_loop *l, const struct rpc_method *m); /* and asks for another */
MUST_CHECK bool rpc_timers_reserve(struct rpc_loop *l); /* for one more stream than there are */
void rpc_timer_set(struct rpc_stream *s, int64_t at_ns);
void rpc_timer_clear(struct rpc_stream *s);
struct rpc_stream *rpc_timer_due(struct rpc_loop *l,
                                 int64_t now_ns); /* takes one off; NULL: none */

/* listen.c */
MUST_CHECK enum status rpc_listen(struct rpc_server *s, char *why_out);
bool rpc_is_tls(const struct rpc_server *s, const char *address);
int rpc_dial(const char *address, int port, int timeout_ms); /* a connected socket, or -errno */

/* tls.c. The files are read here first; STATUS_OK and NULL: none are set. To be freed after the
 * core's server. The hello is what a client says first, for the watchdog; 0: no memory. */
MUST_CHECK enum status rpc_tls_new(const struct rpc_server *s, struct rpc_tls **out, char *why_out);
void rpc_tls_free(struct rpc_tls *t);
struct grpc_server_credentials *rpc_tls_credentials(struct rpc_tls *t); /* owned by the caller */
size_t rpc_tls_hello(unsigned char *out, size_t cap);

/* log.c */
void rpc_log(const struct rpc_server *s, enum rpc_log_level level, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
void rpc_log_core_to(const struct rpc_server *s); /* NULL: to stderr again */

/* watchdog.c */
MUST_CHECK enum status watchdog_new(struct rpc_server *s, struct watchdog **out);
void watchdog_free(struct watchdog *w);

/* health.c, reflection.c: bindings of the runtime's own services. */
MUST_CHECK enum status health_new(struct rpc_server *s, size_t n_services, struct health **out);
void health_free(struct health *h);
void health_drain(struct health *h);
struct service_binding health_binding(struct health *h);
MUST_CHECK enum status reflection_new(struct rpc_server *s, struct reflection **out);
void reflection_free(struct reflection *r);
size_t reflection_bindings(struct reflection *r, struct service_binding out[2]);

#endif
