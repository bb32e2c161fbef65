/*
 * internal: what the parts of the client share.
 *
 * Threads: a call is made by the caller's own thread, which polls a completion queue of its own
 * ("pluck") until its event is there. No background thread and no hand-over, so a blocking call
 * costs no context switch beyond those of the socket, and a process that makes no call runs no code
 * of ours. Queues are kept for the next call: making one costs more than a small call.
 */
#ifndef CLIENT_INTERNAL_H
#define CLIENT_INTERNAL_H

#include <grpc/grpc.h>
#include <pthread.h>

#include "base/arena.h"
#include "client/cancel.h"
#include "client/retry.h"
#include "client/sales.h"

enum {
    IDLE_QUEUES_MAX = 16, /* more threads than that call at once only in bursts */
    REPLY_EXPANSION = 16, /* an unpacked message takes at most so many times its bytes */
    TIMEOUT_MS_DEFAULT = 30000,
    KEEPALIVE_MS_DEFAULT = 60000,  /* the server tolerates one ping per 10 s */
    REPLY_BYTES_DEFAULT = 4 << 20, /* gRPC's own default */
    HEADERS_MAX = 32,              /* of one call; the server takes 8 kB in all */
};

struct sales_client {
    grpc_channel *channel;
    char *authorization; /* owned; NULL: none */
    struct retry_policy retry;
    int64_t timeout_ms; /* < 0: none */
    size_t message_bytes_max;
    pthread_mutex_t lock; /* guards idle and n_idle */
    grpc_completion_queue *idle[IDLE_QUEUES_MAX];
    size_t n_idle;
};

/* Owns the replies and error texts of a call. */
struct sales_memory {
    struct arena arena;
};

/* ---- outcome --------------------------------------------------------------------------------- */

/* The call's memory, made on first use; NULL: out of memory. */
struct arena *outcome_arena(struct sales_call *call, const struct sales_client *client);

/* Forgets what the previous call / attempt left, keeps replies. */
void outcome_clear(struct sales_call *call);
void outcome_clear_error(struct sales_call *call);

/* A failure found on this side. `message` is static. Returns s. */
enum sales_status outcome_fail(struct sales_call *call, enum sales_status s, const char *message);

struct exchange;

/* How the server (or the transport) ended the exchange: status, decoded details, the server's
 * x-request-id. Texts are copied into the arena. Returns the status. */
enum sales_status outcome_take(struct sales_call *call, struct arena *a, const struct exchange *x);

/* ---- exchange: one grpc call on one queue -----------------------------------------------------
 */

struct exchange {
    struct sales_client *client;
    struct sales_cancel *cancel;
    grpc_completion_queue *queue;
    grpc_call *call;
    struct cancel_node node;
    grpc_metadata headers[HEADERS_MAX + 4]; /* owned slices */
    size_t n_headers;
    grpc_metadata_array initial, trailing;
    grpc_status_code code;
    grpc_slice text;
};

/* deadline_ns is CLOCK_MONOTONIC, 0: none. The caller closes x in every case. OK, or
 * INVALID_ARGUMENT with the error set: a header that HTTP/2 does not allow. */
enum sales_status exchange_open(struct exchange *x, struct sales_client *client,
                                struct sales_call *call, const char *path, int64_t deadline_ns);
void exchange_close(struct exchange *x);

/* Starts ops under `tag` (any address of the exchange's own) / waits for them. False: not started,
 * or ended without success. */
bool exchange_start(struct exchange *x, const grpc_op *ops, size_t n, void *tag);
bool exchange_wait(struct exchange *x, void *tag);

/* The operations that every call begins and ends with. */
grpc_op exchange_send_headers(struct exchange *x);
grpc_op exchange_recv_headers(struct exchange *x);
grpc_op exchange_recv_status(struct exchange *x);

/* The deadline of a call that starts now, CLOCK_MONOTONIC nanoseconds; 0: none. */
int64_t exchange_deadline_ns(const struct sales_client *client, const struct sales_call *call);
int64_t monotonic_ns(void);

/* ---- messages -------------------------------------------------------------------------------- */

/* Packed, with room for `extra` more bytes behind, whose start is *extra_out. */
grpc_slice message_pack(const ProtobufCMessage *m, size_t extra, uint8_t **extra_out);

/* In the arena; NULL: malformed or out of room. The buffer stays the caller's. */
ProtobufCMessage *message_unpack(struct arena *a, const ProtobufCMessageDescriptor *type,
                                 grpc_byte_buffer *bytes);

#endif
