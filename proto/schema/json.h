/* json: messages as proto3 JSON (https://protobuf.dev/programming-guides/json/). */
#ifndef SCHEMA_JSON_H
#define SCHEMA_JSON_H

#include <protobuf-c/protobuf-c.h>

#include "base/buf.h"
#include "base/call.h"

/*
 * Appends m: lowerCamelCase names, 64-bit numbers as strings, enums by name (by number when
 * unknown), bytes as base64, fields without presence left out when they are zero; Timestamp,
 * Duration, FieldMask, Struct, wrappers and Empty in their special forms. An Any appears as its
 * type URL and base64 bytes, because the set of known types is open.
 *
 *   a     scratch, only for sub-texts
 *   out   check buf_ok at the end
 *
 * INVALID: a Timestamp or Duration is out of its range, or nesting is deeper than
 * MESSAGE_DEPTH_MAX. EXHAUSTED: a or out is full.
 */
MUST_CHECK enum status message_to_json(struct arena *a, const ProtobufCMessage *m, struct buf *out);

#endif
