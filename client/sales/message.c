/* Messages to and from the bytes that gRPC carries. */
#include <assert.h>
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>

#include "base/banned.h"
#include "client/internal.h"
#include "schema/unpack.h"

grpc_slice message_pack(const ProtobufCMessage *m, size_t extra, uint8_t **extra_out)
{
    size_t n = protobuf_c_message_get_packed_size(m);
    grpc_slice s = grpc_slice_malloc_large(n + extra); /* never inlined: its bytes do not move */

    protobuf_c_message_pack(m, GRPC_SLICE_START_PTR(s));
    if (extra_out)
        *extra_out = GRPC_SLICE_START_PTR(s) + n;
    return s;
}

ProtobufCMessage *message_unpack(struct arena *a, const ProtobufCMessageDescriptor *type,
                                 grpc_byte_buffer *bytes)
{
    grpc_byte_buffer_reader reader;
    ProtobufCMessage *m;
    grpc_slice flat;
    bool full;

    if (!grpc_byte_buffer_reader_init(&reader, bytes))
        return NULL;
    flat = grpc_byte_buffer_reader_readall(&reader);
    m = unpack_into(
        a, type, (str){(const char *)GRPC_SLICE_START_PTR(flat), GRPC_SLICE_LENGTH(flat)}, &full);
    grpc_slice_unref(flat);
    grpc_byte_buffer_reader_destroy(&reader);
    return m;
}
