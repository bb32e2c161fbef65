/* One request, one reply, as many attempts as are safe: the request is packed once, with a
 * request_id of ours when the caller gave none, so that every attempt is the same request. */
#include <assert.h>
#include <grpc/byte_buffer.h>

#include "base/banned.h"
#include "base/uuid.h"
#include "client/internal.h"

enum {
    TAG_BYTES_MAX = 5, /* a varint of 32 bits */
    ID_FIELD_BYTES = TAG_BYTES_MAX + 1 + UUID_TEXT_BYTES,
};

/* The request_id field, by which the server recognises a repetition. NULL: the method has none,
 * because it changes nothing. */
static const ProtobufCFieldDescriptor *id_field(const ProtobufCMessage *in)
{
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(in->descriptor, "request_id");

    return f && f->type == PROTOBUF_C_TYPE_STRING && f->label != PROTOBUF_C_LABEL_REPEATED ? f
                                                                                           : NULL;
}

static bool is_empty(const ProtobufCMessage *in, const ProtobufCFieldDescriptor *f)
{
    const char *value;

    memcpy(&value, (const char *)in + f->offset, sizeof value);
    return !value || !*value;
}

/* Field f with a new UUID, in wire format. Returns its size. */
static size_t put_id(const ProtobufCFieldDescriptor *f, uint8_t *at)
{
    uint32_t tag = f->id << 3 | 2;
    char text[UUID_TEXT_BYTES + 1];
    struct call moment;
    size_t n = 0;

    call_init(&moment, NULL, 0);
    uuid_format(uuid_new(&moment), text);
    for (; tag >= 0x80; tag >>= 7)
        at[n++] = (uint8_t)(tag | 0x80);
    at[n++] = (uint8_t)tag;
    at[n++] = UUID_TEXT_BYTES;
    memcpy(at + n, text, UUID_TEXT_BYTES);
    return n + UUID_TEXT_BYTES;
}

/* A field said twice is the last one: so an empty request_id is replaced by appending. */
static grpc_slice pack_request(const ProtobufCMessage *in)
{
    const ProtobufCFieldDescriptor *f = id_field(in);
    grpc_slice all, used;
    uint8_t *extra;

    if (!f || !is_empty(in, f))
        return message_pack(in, 0, NULL);
    all = message_pack(in, ID_FIELD_BYTES, &extra);
    used = grpc_slice_sub(all, 0, (size_t)(extra - GRPC_SLICE_START_PTR(all)) + put_id(f, extra));
    grpc_slice_unref(all);
    return used;
}

struct unary {
    struct sales_client *client;
    struct sales_call *call;
    const struct sales_method *method;
    grpc_slice request;
    struct arena *arena;
    int64_t deadline_ns;
};

static enum sales_status finish(struct unary *u, struct exchange *x, grpc_byte_buffer *reply,
                                ProtobufCMessage **out)
{
    enum sales_status s = outcome_take(u->call, u->arena, x);

    if (s != SALES_OK)
        return s;
    if (!reply)
        return outcome_fail(u->call, SALES_INTERNAL, "the server answered OK without a message");
    if (!(*out = message_unpack(u->arena, u->method->output, reply)))
        return outcome_fail(u->call, SALES_INTERNAL, "the reply is not a valid message");
    return SALES_OK;
}

static enum sales_status attempt(struct unary *u, ProtobufCMessage **out)
{
    grpc_byte_buffer *sent = NULL, *reply = NULL;
    struct exchange x;
    enum sales_status s = exchange_open(&x, u->client, u->call, u->method->path, u->deadline_ns);

    if (s == SALES_OK) {
        sent = grpc_raw_byte_buffer_create(&u->request, 1);
        grpc_op ops[] = {
            exchange_send_headers(&x),
            {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = sent},
            {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
            exchange_recv_headers(&x),
            {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &reply},
            exchange_recv_status(&x),
        };
        exchange_start(&x, ops, sizeof ops / sizeof *ops, &x);
        exchange_wait(&x, &x); /* the status says more than the flag */
        s = finish(u, &x, reply, out);
        grpc_byte_buffer_destroy(sent);
        if (reply)
            grpc_byte_buffer_destroy(reply);
    }
    exchange_close(&x);
    return s;
}

static int64_t left_ms(int64_t deadline_ns)
{
    return deadline_ns ? (deadline_ns - monotonic_ns()) / 1000000 : INT32_MAX;
}

static int64_t wait_before_next_ms(const struct unary *u, enum sales_status s)
{
    struct retry_policy policy = u->client->retry;
    uint32_t random;

    if (u->call->max_attempts)
        policy.max_attempts =
            u->call->max_attempts < RETRY_ATTEMPTS_MAX ? u->call->max_attempts : RETRY_ATTEMPTS_MAX;
    system_clock.random(&system_clock, &random, sizeof random);
    return retry_wait_ms(&policy,
                         &(struct retry_outcome){.status = s,
                                                 .retry_after_ms = u->call->error.retry_after_ms,
                                                 .left_ms = left_ms(u->deadline_ns),
                                                 .n_attempts = u->call->n_attempts},
                         random);
}

enum sales_status sales_unary(struct sales_client *client, struct sales_call *call,
                              const struct sales_method *method, const ProtobufCMessage *in,
                              ProtobufCMessage **out)
{
    struct unary u = {.client = client, .call = call, .method = method};
    enum sales_status s;
    int64_t wait_ms;

    assert(client && call && method && in);
    *out = NULL;
    outcome_clear(call);
    if (!(u.arena = outcome_arena(call, client)))
        return outcome_fail(call, SALES_RESOURCE_EXHAUSTED, "out of memory");
    u.deadline_ns = exchange_deadline_ns(client, call);
    u.request = pack_request(in);
    for (;;) {
        call->n_attempts++;
        s = attempt(&u, out);
        if (s == SALES_OK || (wait_ms = wait_before_next_ms(&u, s)) < 0)
            break;
        if (!cancel_sleep_ms(call->cancel, wait_ms)) {
            s = outcome_fail(call, SALES_CANCELLED, "cancelled by the caller");
            break;
        }
        outcome_clear_error(call);
    }
    grpc_slice_unref(u.request);
    return s;
}
