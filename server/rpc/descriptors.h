/* descriptors: look-ups in a serialised FileDescriptorSet, for reflection. */
#ifndef RPC_DESCRIPTORS_H
#define RPC_DESCRIPTORS_H

#include "base/status.h"
#include "base/str.h"
#include "google/protobuf/descriptor.pb-c.h"

struct descriptors;

/* Indexes every symbol of the set; `bytes` is borrowed. INVALID: no FileDescriptorSet. EXHAUSTED.
 */
MUST_CHECK enum status descriptors_new(str bytes, struct descriptors **out);
void descriptors_free(struct descriptors *d);

size_t descriptors_n_files(const struct descriptors *d);

/* The file's own bytes in the set, as they are. */
str descriptors_file(const struct descriptors *d, size_t file);
const Google__Protobuf__FileDescriptorProto *descriptors_proto(const struct descriptors *d,
                                                               size_t file);

/* Indexes of files; false: none. A symbol is the full name of a service, method, message, field,
 * oneof, enum, enum value or extension. */
bool descriptors_find_file(const struct descriptors *d, const char *name, size_t *file_out);
bool descriptors_find_symbol(const struct descriptors *d, const char *symbol, size_t *file_out);
bool descriptors_find_extension(const struct descriptors *d, const char *type, int32_t number,
                                size_t *file_out);

/* Numbers of all extensions of a type into out [cap]; returns how many there are. */
size_t descriptors_extensions(const struct descriptors *d, const char *type, int32_t *out,
                              size_t cap);

#endif
