/* literal: values of rules, as C and as protovalidate prints them. `p` is a value of f's type. */
#ifndef CODEGEN_LITERAL_H
#define CODEGEN_LITERAL_H

#include <protobuf-c/protobuf-c.h>

#include "base/buf.h"

/* Initialiser of a union rule_value. */
void literal_put(struct buf *out, const ProtobufCFieldDescriptor *f, const void *p);

/* As protovalidate's %s. */
void literal_say(struct buf *out, const ProtobufCFieldDescriptor *f, const void *p);

/* As protovalidate's %x. */
void literal_say_hex(struct buf *out, str bytes);

/* Of a Timestamp or Duration. */
void literal_time(const ProtobufCMessage *t, int64_t *s, int32_t *ns);

#endif
