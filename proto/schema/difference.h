/* difference: which fields differ between two packed messages of one type. */
#ifndef SCHEMA_DIFFERENCE_H
#define SCHEMA_DIFFERENCE_H

#include <protobuf-c/protobuf-c.h>

#include "base/call.h"

enum { DIFFERENCE_DEPTH_MAX = 8 }; /* deeper fields are named by their ancestor */

struct difference {
    char **paths; /* [n <= most] "company.name", in c->arena, by ascending field number */
    size_t n, most;
};

/*
 * Compares the fields of both, by number; those of a sub-message one by one, a repeated field, or a
 * sub-message that only one has, as a whole. What only one of them holds differs. Paths beyond
 * out->most are left out.
 *
 *   before, after  packed by protobuf-c, fields in ascending order
 *   skip           [n_skip] names of fields of the message itself that do not count
 *
 * Reads the bytes as they are, no message is unpacked. EXHAUSTED: out of memory.
 */
struct difference_sides {
    const ProtobufCMessageDescriptor *type;
    str before, after;
    const char *const *skip;
    size_t n_skip;
};
MUST_CHECK enum status difference_find(struct call *c, const struct difference_sides *sides,
                                       struct difference *out);

#endif
