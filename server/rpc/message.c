/* Messages in and out. Requests arrive in one slice nearly always and are parsed in place;
 * compressed ones are refused (server.c says why). */
#include <grpc/byte_buffer.h>
#include <grpc/slice.h>

#include "rpc/internal.h"
#include "schema/wire.h"

/* The bytes of a buffer as one piece: in place, or joined in the arena. */
static bool flatten(struct arena *a, grpc_byte_buffer *bytes, str *out)
{
    const grpc_slice_buffer *parts = &bytes->data.raw.slice_buffer;
    char *p;

    *out = (str){0};
    if (parts->count == 0)
        return true;
    if (parts->count == 1) {
        *out = (str){(const char *)GRPC_SLICE_START_PTR(parts->slices[0]), parts->length};
        return true;
    }
    if ((p = arena_take(a, parts->length)) == NULL)
        return false;
    *out = (str){p, parts->length};
    for (size_t i = 0; i < parts->count; i++) {
        memcpy(p, GRPC_SLICE_START_PTR(parts->slices[i]), GRPC_SLICE_LENGTH(parts->slices[i]));
        p += GRPC_SLICE_LENGTH(parts->slices[i]);
    }
    return true;
}

enum status rpc_decode(struct rpc_call *c, struct arena *a, grpc_byte_buffer *bytes,
                       ProtobufCMessage **out)
{
    enum status st;
    str flat;

    *out = NULL;
    c->q.n_in++;
    c->q.last_in_ns = call_monotonic_ns(&c->ctx);
    if (!bytes)
        return call_fail_as(&c->ctx, STATUS_INVALID, "REQUEST_MISSING", "no request message came");
    c->q.bytes_in += grpc_byte_buffer_length(bytes);
    if (bytes->data.raw.compression != GRPC_COMPRESS_NONE)
        return call_fail_as(&c->ctx, STATUS_UNIMPLEMENTED, "COMPRESSED",
                            "compressed messages are not accepted");
    if (!flatten(a, bytes, &flat))
        return call_nomem(&c->ctx);
    if ((st = wire_unpack(&c->ctx, a, c->q.method->input, flat, out)) == STATUS_INVALID)
        atomic_fetch_add(&c->server->n_undecodable, 1);
    return st;
}

/* Room for a reply of n bytes. */
static enum status reply_new(struct rpc_call *c, size_t n, grpc_slice *out)
{
    if (n > c->server->o.reply_bytes)
        return call_fail_as(&c->ctx, STATUS_EXHAUSTED, "REPLY_TOO_LARGE",
                            "the reply has %zu bytes, at most %zu are sent: ask for less", n,
                            c->server->o.reply_bytes);
    *out = grpc_slice_malloc(n); /* up to 23 bytes live in it: take the pointer from *out */
    return STATUS_OK;
}

/* Takes s over. */
static grpc_byte_buffer *reply_of(struct rpc_call *c, grpc_slice s)
{
    grpc_byte_buffer *out = grpc_raw_byte_buffer_create(&s, 1);

    c->q.n_out++;
    c->q.bytes_out += GRPC_SLICE_LENGTH(s);
    c->q.last_out_ns = call_monotonic_ns(&c->ctx);
    grpc_slice_unref(s);
    return out;
}

enum status rpc_encode(struct rpc_call *c, const ProtobufCMessage *m, grpc_byte_buffer **out,
                       size_t *bytes_out)
{
    grpc_slice s = grpc_empty_slice();

    *out = NULL;
    *bytes_out = protobuf_c_message_get_packed_size(m);
    TRY(reply_new(c, *bytes_out, &s));
    protobuf_c_message_pack(m, GRPC_SLICE_START_PTR(s));
    *out = reply_of(c, s);
    return STATUS_OK;
}

enum status rpc_encode_bytes(struct rpc_call *c, str packed, grpc_byte_buffer **out)
{
    grpc_slice s = grpc_empty_slice();

    *out = NULL;
    TRY(reply_new(c, packed.n, &s));
    memcpy(GRPC_SLICE_START_PTR(s), packed.p, packed.n);
    *out = reply_of(c, s);
    return STATUS_OK;
}
