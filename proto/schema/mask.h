/*
 * mask: partial updates of messages by field paths (AIP-134, AIP-161), for any message type.
 *
 * A path is snake_case field names joined by dots; behind a map field the rest of the path is the
 * key, dots included ("attributes.crm.stage"). Repeated fields are replaced as a whole.
 */
#ifndef SCHEMA_MASK_H
#define SCHEMA_MASK_H

#include <protobuf-c/protobuf-c.h>

#include "base/call.h"

/* What an update may touch. */
struct mask {
    const char *const *locked; /* top-level fields that clients may not change, NULL-terminated */
    char *const *paths;        /* [n_paths]; none: every field that is set */
    size_t n_paths;
};

/*
 * Copies the fields that the mask names from src to dst; a path that src leaves unset empties dst.
 * Without paths: every field that src sets, down to the leaves, map keys one by one; locked fields
 * are skipped then. dst borrows from src and from c->arena afterwards.
 *
 * INVALID: a path is unknown, locked or goes through a repeated field; all of them are named as
 * update_mask.paths[i], and dst is untouched then.
 */
MUST_CHECK enum status mask_apply(struct call *c, const struct mask *mask,
                                  const ProtobufCMessage *src, ProtobufCMessage *dst);

/* Sets the named top-level fields of m to "not set": what only the server may say. */
void message_clear_fields(ProtobufCMessage *m, const char *const *names);

/* Copies into dst every field, down to the leaves, that dst leaves unset and src sets. */
MUST_CHECK enum status message_fill(struct call *c, const char *const *locked,
                                    const ProtobufCMessage *src, ProtobufCMessage *dst);

#endif
