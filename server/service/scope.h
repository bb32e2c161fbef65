/*
 * scope: one event of a stream as a call of its own.
 *
 * The call of a stream lives for hours and so does its arena; what one event allocates must go when
 * the event ends. Inside of a scope agents get a call that is the stream's in everything but
 * memory.
 */
#ifndef SERVICE_SCOPE_H
#define SERVICE_SCOPE_H

#include "schema/stream.h"

struct scope {
    struct call call; /* for agents, until scope_leave */
    struct call *outer;
    struct arena *scratch;
};

void scope_enter(struct scope *s, struct call *c, struct rpc_stream *stream);

/* Ends the scope. A failure moves, with copies of its details, into the stream's call. Returns r.
 */
enum status scope_leave(struct scope *s, enum status r);

#endif
