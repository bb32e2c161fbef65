/* wire: from bytes of outside to messages. Total: any bytes give a message or a fault. */
#ifndef SCHEMA_WIRE_H
#define SCHEMA_WIRE_H

#include <protobuf-c/protobuf-c.h>

#include "base/call.h"

/*
 * Walks the bytes of a message before anything is allocated for them.
 *
 * INVALID, naming the field: truncated or overlong input, wrong wire type, messages or groups
 * nested deeper than MESSAGE_DEPTH_MAX, a string that is not UTF-8 or holds NUL. EXHAUSTED:
 * unpacking would take more than WIRE_MEMORY_MAX (a few bytes can stand for large structs).
 */
MUST_CHECK enum status wire_check(struct call *c, const ProtobufCMessageDescriptor *d,
                                  const uint8_t *p, size_t n);

/*
 * wire_check, then the message in `a`, which may be the call's arena or a shorter-lived one.
 *
 *   out   lives as long as `a`; never free it. NULL on failure
 *
 * As wire_check. EXHAUSTED: `a` is full.
 */
MUST_CHECK enum status wire_unpack(struct call *c, struct arena *a,
                                   const ProtobufCMessageDescriptor *d, str bytes,
                                   ProtobufCMessage **out);

/* The bytes of m in `a`. {0} and failed: when `a` is full. */
MUST_CHECK bool wire_pack(struct arena *a, const ProtobufCMessage *m, str *out);

/* A deep copy in `a`, whatever m borrows from; NULL when `a` is full. */
ProtobufCMessage *message_copy(struct arena *a, const ProtobufCMessage *m);

#endif
