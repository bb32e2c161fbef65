/* Messages to and from the bytes that gRPC carries. */
#include <assert.h>
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>

#include "base/banned.h"
#include "client/internal.h"

grpc_slice message_pack(const ProtobufCMessage *m, size_t extra, uint8_t **extra_out)
{
    size_t n = protobuf_c_message_get_packed_size(m);
    grpc_slice s = grpc_slice_malloc_large(n + extra); /* never inlined: its bytes do not move */

    protobuf_c_message_pack(m, GRPC_SLICE_START_PTR(s));
    if (extra_out)
        *extra_out = GRPC_SLICE_START_PTR(s) + n;
    return s;
}

static void *take(void *arena, size_t n)
{
    return arena_take(arena, n);
}

static void keep(void *arena, void *p)
{
    (void)arena;
    (void)p; /* it goes with the arena */
}

ProtobufCMessage *message_unpack(struct arena *a, const ProtobufCMessageDescriptor *type,
                                 grpc_byte_buffer *bytes)
{
    ProtobufCAllocator from_arena = {take, keep, a};
    grpc_byte_buffer_reader reader;
    ProtobufCMessage *m;
    grpc_slice flat;

    if (!grpc_byte_buffer_reader_init(&reader, bytes))
        return NULL;
    flat = grpc_byte_buffer_reader_readall(&reader);
    m = protobuf_c_message_unpack(type, &from_arena, GRPC_SLICE_LENGTH(flat),
                                  GRPC_SLICE_START_PTR(flat));
    grpc_slice_unref(flat);
    grpc_byte_buffer_reader_destroy(&reader);
    return m;
}
