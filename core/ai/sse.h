/*
 * sse: server-sent events out of bytes that come in any pieces (HTML, 9.2.6, "parsing an event
 * stream"). Lines end with LF, CR or CRLF; a byte order mark is skipped; comments, `id` and `retry`
 * are ignored; an event that the stream does not finish with an empty line is never told.
 */
#ifndef AI_SSE_H
#define AI_SSE_H

#include "base/buf.h"

enum {
    SSE_EVENT_BYTES = 1 << 20, /* data of one event, and one line: four times the longest text */
    SSE_NAME_BYTES = 64,       /* of an event's name; a longer one is cut */
};

/* name "" when the stream gave none. Borrowed until it returns. False: no more is wanted. */
typedef bool (*sse_take)(void *self, str name, str data);

struct sse {
    struct buf line, data;
    char name[SSE_NAME_BYTES];
    size_t n_name;
    bool has_data, has_cr, is_started, is_stopped;
};

/* Allocates in `a` as events grow, never more than 4 x SSE_EVENT_BYTES. */
void sse_init(struct sse *s, struct arena *a);

/* The next bytes. False: an event is too long, memory is out, or `take` wanted no more; then and
 * later nothing is told. */
MUST_CHECK bool sse_feed(struct sse *s, str bytes, sse_take take, void *self);

#endif
