/* field: reads members of messages through their descriptors, in one place for all label kinds. */
#ifndef SCHEMA_FIELD_H
#define SCHEMA_FIELD_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Bytes of one value of type t in a struct or an array. */
size_t field_size(ProtobufCType t);

/* Lists and maps: the number of elements. All else: 1. */
size_t field_n(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f);

/* The i-th value, i < field_n. */
const void *field_at(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, size_t i);

/* Set or unset can be told apart: messages, oneof members, proto2 fields. */
bool field_has_presence(const ProtobufCFieldDescriptor *f);

/* With presence: it is set. Lists and maps: not empty. Others: not zero. */
bool field_is_set(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f);

/* The value, of type f->type, is zero, empty or NULL. */
bool field_is_zero(const ProtobufCFieldDescriptor *f, const void *value);

/* Declared as map. Its elements are messages of the fields key and value. */
bool field_is_map(const ProtobufCFieldDescriptor *f);

/* Typed reads. Integers of either width and sign, enums and bools; floats; strings and bytes. */
int64_t field_int(const ProtobufCFieldDescriptor *f, const void *value);
uint64_t field_uint(const ProtobufCFieldDescriptor *f, const void *value);
double field_real(const ProtobufCFieldDescriptor *f, const void *value);
str field_text(const ProtobufCFieldDescriptor *f, const void *value);
const ProtobufCMessage *field_message(const void *value);

#endif
