/* uuid: RFC 9562 identifiers. Ours are version 7: sorted by time, so new rows land together. */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include "base/call.h"

struct uuid {
    unsigned char b[16];
};

enum { UUID_TEXT_BYTES = 36 };

/* A new version 7 id of the call's clock and random source. Within a process, ids made later sort
 * later, also within a millisecond and when the wall clock steps back. */
struct uuid uuid_new(const struct call *c);

/* Canonical lower-case text, NUL-terminated. */
void uuid_format(struct uuid u, char out[UUID_TEXT_BYTES + 1]);

/* The canonical text in the arena; NULL when out of room. */
char *uuid_text(struct arena *a, struct uuid u);

/* Accepts the 8-4-4-4-12 form in either case. False (and *out zeroed) otherwise. */
MUST_CHECK bool uuid_parse(str s, struct uuid *out);

#endif
