/*
 * Streams over one queue and one tag per operation: a sender and a receiver may pluck side by side.
 * One message is under way at a time; the next send waits until the transport took it, so the
 * server's flow control reaches the caller and nothing queues here.
 */
#include <assert.h>
#include <grpc/byte_buffer.h>

#include "base/banned.h"
#include "client/internal.h"

struct sales_stream {
    struct exchange x;
    struct sales_call *call;
    const ProtobufCMessageDescriptor *out_type;
    struct arena *texts;  /* of the call: error texts outlive the stream */
    struct arena message; /* the last reply */

    /* The sender's. */
    grpc_byte_buffer *sending; /* NULL: nothing under way */
    bool closed_sending, broken;

    /* The receiver's. */
    bool headers_asked, over;
    enum sales_status status; /* valid when over */

    /* Addresses that name the operations. */
    char tag_open, tag_send, tag_close, tag_recv, tag_status;
};

struct sales_stream *sales_stream_open(struct sales_client *client, struct sales_call *call,
                                       const struct sales_method *method)
{
    struct sales_stream *s = calloc(1, sizeof *s);
    grpc_op op;

    outcome_clear(call);
    if (!s || !outcome_arena(call, client)) {
        free(s);
        outcome_fail(call, SALES_RESOURCE_EXHAUSTED, "out of memory");
        return NULL;
    }
    s->call = call;
    s->out_type = method->output;
    s->texts = outcome_arena(call, client);
    call->n_attempts = 1;
    arena_init(&s->message, client->message_bytes_max * REPLY_EXPANSION);
    s->status =
        exchange_open(&s->x, client, call, method->path, exchange_deadline_ns(client, call));
    if (s->status != SALES_OK) {
        s->over = s->broken = true;
        return s;
    }
    op = exchange_send_headers(&s->x);
    exchange_start(&s->x, &op, 1, &s->tag_open);
    op = exchange_recv_status(&s->x);
    exchange_start(&s->x, &op, 1, &s->tag_status);
    return s;
}

/* Waits for the message under way. False: the stream is over. */
static bool settle_send(struct sales_stream *s)
{
    if (!s->sending)
        return !s->broken;
    if (!exchange_wait(&s->x, &s->tag_send))
        s->broken = true;
    grpc_byte_buffer_destroy(s->sending);
    s->sending = NULL;
    return !s->broken;
}

enum sales_status sales_stream_send(struct sales_stream *stream, const ProtobufCMessage *in)
{
    grpc_slice packed;
    grpc_op op;

    assert(!stream->closed_sending);
    if (!settle_send(stream))
        return SALES_CANCELLED;
    packed = message_pack(in, 0, NULL);
    stream->sending = grpc_raw_byte_buffer_create(&packed, 1);
    grpc_slice_unref(packed);
    op = (grpc_op){.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = stream->sending};
    exchange_start(&stream->x, &op, 1, &stream->tag_send);
    return SALES_OK;
}

enum sales_status sales_stream_close_send(struct sales_stream *stream)
{
    grpc_op op = {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};

    assert(!stream->closed_sending);
    stream->closed_sending = true;
    if (!settle_send(stream))
        return SALES_CANCELLED;
    exchange_start(&stream->x, &op, 1, &stream->tag_close);
    if (!exchange_wait(&stream->x, &stream->tag_close))
        stream->broken = true;
    return stream->broken ? SALES_CANCELLED : SALES_OK;
}

/* No more replies: the status must be there, or about to be. */
static enum sales_status end(struct sales_stream *s)
{
    exchange_wait(&s->x, &s->tag_status);
    s->status = outcome_take(s->call, s->texts, &s->x);
    s->over = true;
    return s->status;
}

enum sales_status sales_stream_recv(struct sales_stream *stream, ProtobufCMessage **out)
{
    grpc_byte_buffer *reply = NULL;
    grpc_op ops[2] = {
        {.op = GRPC_OP_RECV_MESSAGE, .data.recv_message.recv_message = &reply},
        exchange_recv_headers(&stream->x),
    };

    *out = NULL;
    if (stream->over)
        return stream->status;
    arena_reset(&stream->message);
    exchange_start(&stream->x, ops, stream->headers_asked ? 1 : 2, &stream->tag_recv);
    stream->headers_asked = true;
    exchange_wait(&stream->x, &stream->tag_recv);
    if (!reply)
        return end(stream);
    *out = message_unpack(&stream->message, stream->out_type, reply);
    grpc_byte_buffer_destroy(reply);
    if (*out)
        return SALES_OK;
    grpc_call_cancel(stream->x.call, NULL);
    end(stream);
    return stream->status =
               outcome_fail(stream->call, SALES_INTERNAL, "a reply is not a valid message");
}

void sales_stream_cancel(struct sales_stream *stream)
{
    if (stream->x.call)
        grpc_call_cancel(stream->x.call, NULL);
}

void sales_stream_close(struct sales_stream *stream)
{
    if (!stream)
        return;
    if (stream->x.call) {
        if (!stream->over) {
            grpc_call_cancel(stream->x.call, NULL);
            exchange_wait(&stream->x, &stream->tag_status);
        }
        settle_send(stream);
        exchange_wait(&stream->x, &stream->tag_open);
    }
    exchange_close(&stream->x);
    arena_release(&stream->message);
    free(stream);
}
