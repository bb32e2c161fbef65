/* protobuf-c takes memory through an allocator; ours never gives any back. */
#include "schema/unpack.h"

struct room {
    struct arena *arena;
    bool full;
};

static void *take(void *room, size_t n)
{
    struct room *r = room;
    void *p = arena_take(r->arena, n);

    r->full |= p == NULL;
    return p;
}

static void leave(void *room, void *p)
{
    (void)room;
    (void)p; /* goes with the arena */
}

ProtobufCMessage *unpack_into(struct arena *a, const ProtobufCMessageDescriptor *type, str bytes,
                              bool *full_out)
{
    static const uint8_t nothing;
    struct room room = {.arena = a};
    ProtobufCAllocator allocator = {take, leave, &room};
    ProtobufCMessage *m = protobuf_c_message_unpack(
        type, &allocator, bytes.n, bytes.n > 0 ? (const uint8_t *)bytes.p : &nothing);

    *full_out = room.full;
    return m;
}
