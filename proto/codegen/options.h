/*
 * options: the custom options of a descriptor, which reach a C plugin as unknown fields.
 *
 * protoc writes each `(option).path = value` line as an occurrence of its own, so one message-typed
 * option may be scattered over many. Occurrences are merged at the wire level before unpacking:
 * protobuf-c does not merge messages that are members of a oneof.
 */
#ifndef CODEGEN_OPTIONS_H
#define CODEGEN_OPTIONS_H

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"

enum {
    OPTION_RULES = 1159,      /* buf.validate.field, .oneof and .message */
    OPTION_ROLES = 50001,     /* sales.v1.roles: repeated enum */
    OPTION_MUTATING = 50002,  /* sales.v1.mutating: bool */
    OPTION_EXECUTION = 50003, /* sales.v1.execution: enum */
    OPTION_HTTP = 72295728,   /* google.api.http */
};

/* The message in option `tag`; NULL when absent. `options` may be NULL. Malformed bytes, which
 * protoc never writes, end the process. */
ProtobufCMessage *option_message(struct arena *a, const ProtobufCMessage *options, uint32_t tag,
                                 const ProtobufCMessageDescriptor *type);

/* The last varint in option `tag`; 0 when absent. */
uint64_t option_number(const ProtobufCMessage *options, uint32_t tag);

/* The bits 1 << value of all varints in a repeated option, packed or not; values over 31 are
 * ignored. */
uint32_t option_bits(const ProtobufCMessage *options, uint32_t tag);

#endif
