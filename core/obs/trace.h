/* trace: W3C trace context (traceparent), level 1: who called us, and what we tell whom we call. */
#ifndef OBS_TRACE_H
#define OBS_TRACE_H

#include "base/call.h"

enum { TRACEPARENT_BYTES = 55 };

/* A new root: fresh ids, sampled, no parent. */
void trace_start(struct trace *t, const struct clock_ops *clock);

/*
 * The span in which we serve a caller that sent `header`: its trace id and sampling, its span as
 * our parent, a span id of our own. A missing or malformed header starts a new trace and answers
 * false.
 */
bool trace_continue(struct trace *t, const struct clock_ops *clock, str header);

/* A span below `parent`, for one outgoing request. */
struct trace trace_child(const struct trace *parent, const struct clock_ops *clock);

/* "00-<trace id>-<span id>-<flags>", NUL-terminated. */
void trace_format(const struct trace *t, char out[TRACEPARENT_BYTES + 1]);

/* False for the zeroed context of work outside of any request. */
bool trace_is_set(const struct trace *t);

#endif
