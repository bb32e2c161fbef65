/* canonical: one sequence of bytes for every way to say the same request. */
#ifndef SCHEMA_CANONICAL_H
#define SCHEMA_CANONICAL_H

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"

/*
 * Packs m without its field `except`, map entries in the order of their keys: a client that packs
 * an equal message again (Go gives out maps in random order) gets the same bytes. Unknown fields
 * are kept in the order they came.
 *
 *   m      unpacked by wire_unpack, so at most MESSAGE_DEPTH_MAX deep; not changed
 *   except name of a string field of m; a message without such a field is packed whole
 *   out    lives in `a`
 *
 * False: `a` is full.
 */
MUST_CHECK bool canonical_pack(struct arena *a, const ProtobufCMessage *m, const char *except,
                               str *out);

#endif
