/*
 * path: fields of requests by name and from text, through the descriptors that the generator emits.
 * This is what lets an option of the command line be a row of a table: "--title" is
 * "lead.job_title".
 */
#ifndef SALESCTL_PATH_H
#define SALESCTL_PATH_H

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"

/* A new message of type d, all fields unset. NULL when the arena is full. */
ProtobufCMessage *path_new(struct arena *a, const ProtobufCMessageDescriptor *d);

/* What setting needs and says. */
struct setter {
    struct arena *arena; /* values live here */
    int64_t now_us;      /* what "now" is, microseconds since 1970 */
    const char *why;     /* what is wrong, after a failure: one line, in the arena */
};

/*
 * Sets the field at `path` ("lead.company.name"), making the messages on the way.
 *
 * `text` is the value as people write it: numbers; yes/no; the last words of an enum value
 * ("qualified"); times as "2026-11-20", RFC 3339, "now" or "-3d"; durations as "90s", "15m"; money
 * as "1200.50 EUR"; attributes as "key=value"; contacts as "champion:Ada Byron <ada@example.com>".
 * Repeated fields take one more value.
 */
MUST_CHECK bool path_set(struct setter *s, ProtobufCMessage *m, const char *path, str text);

/* The member that `path` ends at: its message (NULL when unset on the way) and descriptor. False:
 * no such path. */
MUST_CHECK bool path_find(const ProtobufCMessage *m, const char *path,
                          const ProtobufCMessage **holder, const ProtobufCFieldDescriptor **field);

/* "LEAD_STATUS_QUALIFIED" -> "qualified". In the arena; "?" when it is full. */
const char *enum_word(struct arena *a, const ProtobufCEnumDescriptor *e, int value);

#endif
