/*
 * sales: the C client of salesd. Blocking calls over gRPC, safe from any number of threads.
 *
 *     struct sales_client *client;
 *     struct sales_call call = {.timeout_ms = 2000};
 *
 *     if (sales_client_open(&(struct sales_options){.address = "localhost:50051",
 *                                                   .api_key = key}, &client) != SALES_OK)
 *         ...
 *     if (sales_agent_get_lead(client, &call, &request, &lead) != SALES_OK)
 *         fprintf(stderr, "%s: %s\n", sales_status_name(call.error.status), call.error.message);
 *     sales_call_release(&call);           // also frees the lead
 *     sales_client_close(client);
 *
 * The typed functions come from the generated headers <sales/v1/<service>.client.h>; they are thin
 * wrappers of sales_unary and sales_stream_*, which also reach services that this build has no
 * header for. Every symbol of the library starts with sales_.
 */
#ifndef CLIENT_SALES_H
#define CLIENT_SALES_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define SALES_MUST_CHECK __attribute__((warn_unused_result))
#else
#define SALES_MUST_CHECK
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* How a call ended, numbered as gRPC numbers it. */
enum sales_status {
    SALES_OK = 0,
    SALES_CANCELLED = 1,
    SALES_UNKNOWN = 2,
    SALES_INVALID_ARGUMENT = 3,
    SALES_DEADLINE_EXCEEDED = 4,
    SALES_NOT_FOUND = 5,
    SALES_ALREADY_EXISTS = 6,
    SALES_PERMISSION_DENIED = 7,
    SALES_RESOURCE_EXHAUSTED = 8,
    SALES_FAILED_PRECONDITION = 9,
    SALES_ABORTED = 10,
    SALES_OUT_OF_RANGE = 11,
    SALES_UNIMPLEMENTED = 12,
    SALES_INTERNAL = 13,
    SALES_UNAVAILABLE = 14,
    SALES_DATA_LOSS = 15,
    SALES_UNAUTHENTICATED = 16
};

/* "NOT_FOUND"; "UNKNOWN" for a number that is none of the above. Static. */
const char *sales_status_name(enum sales_status s);

/* ---- client ---------------------------------------------------------------------------------- */

struct sales_client;

enum sales_security {
    SALES_PLAINTEXT = 0, /* inside a mesh or on loopback */
    SALES_TLS = 1
};

/* Zero means the default everywhere. Strings are copied. */
struct sales_options {
    const char *address; /* "host:port", "unix:/path", or "dns:///name:port", which spreads calls
                            over all addresses of a headless service (round robin) */
    const char *api_key; /* sent as "authorization: Bearer <key>"; NULL: none */
    int64_t timeout_ms;  /* of a call that names none; default 30,000; < 0: no deadline */

    unsigned max_attempts;    /* of one unary call, the first included; default 5; 1: no retry */
    int64_t backoff_first_ms; /* bound of the first wait, doubled for each next; default 100 */
    int64_t backoff_most_ms;  /* bound of any wait; default 5,000 */
    int64_t keepalive_ms;     /* ping interval of a connection with calls on it; default 60,000 */
    size_t message_bytes_max; /* largest reply accepted; default 4 MiB */

    enum sales_security security;
    const char *tls_roots_pem; /* NULL: the system's */
    const char *tls_cert_pem;  /* own certificate chain and key: both or none */
    const char *tls_key_pem;
    const char *tls_server_name; /* expected in the server's certificate; NULL: of the address */
};

/*
 * Connects lazily: an unreachable server shows up in the first call. INVALID_ARGUMENT: no address,
 * or half a key pair. Thread-safe; one client serves the whole process.
 */
SALES_MUST_CHECK enum sales_status sales_client_open(const struct sales_options *options,
                                                     struct sales_client **out);

/* Accepts NULL. All calls must have returned and all streams be closed. */
void sales_client_close(struct sales_client *client);

/* ---- cancelling ------------------------------------------------------------------------------ */

/* A switch shared by any number of calls: firing it ends them with CANCELLED, also while they wait
 * for a retry. Stays fired. Every function may be called from any thread (not a signal handler). */
struct sales_cancel;

struct sales_cancel *sales_cancel_new(void); /* NULL: out of memory */
void sales_cancel_fire(struct sales_cancel *cancel);
int sales_cancel_is_fired(struct sales_cancel *cancel);
void sales_cancel_free(struct sales_cancel *cancel); /* no call may use it any more; NULL is fine */

/* ---- one call -------------------------------------------------------------------------------- */

struct sales_pair {
    const char *key;
    const char *value;
};

struct sales_field_violation {
    const char *field;       /* path in the request: "lead.email" */
    const char *description; /* the rule that it breaks */
};

struct sales_precondition {
    const char *type;        /* the kind of guard: "STAGE_GUARD" */
    const char *subject;     /* what it guards */
    const char *description; /* what would satisfy it */
};

/* Why a call failed: the status and, where the server sent them, the google.rpc details. Texts are
 * never NULL after a failure. */
struct sales_error {
    enum sales_status status;
    const char *message;
    const char *reason; /* ErrorInfo: UPPER_SNAKE, stable; "" when the failure is the transport's */
    const char *domain;
    const struct sales_pair *metadata; /* of ErrorInfo */
    size_t n_metadata;
    const struct sales_field_violation *violations;
    size_t n_violations;
    const struct sales_precondition *preconditions;
    size_t n_preconditions;
    int64_t retry_after_ms; /* RetryInfo; 0: none */
};

/* What is called, and what it answers. The generated headers hold one per method. */
struct sales_method {
    const char *path; /* "/sales.v1.SalesAgent/GetLead" */
    const ProtobufCMessageDescriptor *output;
};

struct sales_memory;

/*
 * The settings and the outcome of calls made one after the other; zeroed memory is valid. One
 * thread at a time. Replies and error live until sales_call_release, or sales_call_reset, which
 * keeps the settings: a loop of calls resets between rounds.
 */
struct sales_call {
    /* Set by the caller, borrowed. */
    int64_t timeout_ms;               /* all attempts together; 0: the client's; < 0: none */
    unsigned max_attempts;            /* 0: the client's; 1: no retry */
    const struct sales_pair *headers; /* more request metadata; "-bin" values are not supported */
    size_t n_headers;
    const char *correlation_id; /* header x-request-id: found again in the server's log */
    const char *traceparent;    /* W3C trace context */
    struct sales_cancel *cancel;

    /* Set by the library. */
    struct sales_error error;
    const char *answer_id;       /* x-request-id as the server answered it; "" without one */
    unsigned n_attempts;         /* of the last call */
    struct sales_memory *memory; /* private */
};

void sales_call_reset(struct sales_call *call);
void sales_call_release(struct sales_call *call);

/*
 * One request, one reply.
 *
 *   in        borrowed, unchanged
 *   out       the reply, of type method->output; lives in the call; NULL on failure
 *
 * UNAVAILABLE is retried, and RESOURCE_EXHAUSTED and ABORTED when the server says after which time
 * (RetryInfo): with full jitter, within the deadline and the number of attempts. It is safe because
 * a mutating request has a request_id, by which the server recognises a repetition: when the caller
 * left it empty, the library sends a new UUID in its place.
 */
SALES_MUST_CHECK enum sales_status sales_unary(struct sales_client *client, struct sales_call *call,
                                               const struct sales_method *method,
                                               const ProtobufCMessage *in, ProtobufCMessage **out);

/* ---- streams --------------------------------------------------------------------------------- */

/*
 * A stream of requests, replies, or both. One thread may send while another receives; neither
 * function may run twice at a time. A single thread that does both must not let the server's
 * replies pile up, or both sides wait for each other: flow control bounds what is under way.
 * Streams are not retried: what to resume, and from where, is for the caller to know.
 */
struct sales_stream;

/* Never NULL for want of a connection: the first recv tells. NULL: out of memory (call->error). The
 * call's settings are borrowed until sales_stream_close; its error is set by recv. */
struct sales_stream *sales_stream_open(struct sales_client *client, struct sales_call *call,
                                       const struct sales_method *method);

/* Blocks while the previous message has not been taken by the transport, i.e. while the server does
 * not keep up. Anything but OK: the stream is over, and recv tells why. */
SALES_MUST_CHECK enum sales_status sales_stream_send(struct sales_stream *stream,
                                                     const ProtobufCMessage *in);

/* No more requests. */
SALES_MUST_CHECK enum sales_status sales_stream_close_send(struct sales_stream *stream);

/* Blocks for the next reply, which lives until the next recv or close. OK with NULL: the end. After
 * a failure or the end it repeats its answer. */
SALES_MUST_CHECK enum sales_status sales_stream_recv(struct sales_stream *stream,
                                                     ProtobufCMessage **out);

/* Ends the stream at once with CANCELLED; any thread. */
void sales_stream_cancel(struct sales_stream *stream);

/* Frees it, cancelling what is still under way. Accepts NULL. */
void sales_stream_close(struct sales_stream *stream);

#ifdef __cplusplus
}
#endif

#endif
