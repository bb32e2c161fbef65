/* unpack: messages all of whose parts lie in an arena. */
#ifndef SCHEMA_UNPACK_H
#define SCHEMA_UNPACK_H

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"

/*
 * For bytes that we packed ourselves or have checked: those of strangers go through wire_unpack().
 *
 *   full_out   whether the arena was full, which is not the fault of the bytes
 *
 * NULL: malformed, or the arena was full.
 */
ProtobufCMessage *unpack_into(struct arena *a, const ProtobufCMessageDescriptor *type, str bytes,
                              bool *full_out);

#endif
