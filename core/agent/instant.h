/* instant: Timestamps of requests and replies, with the call's clock, arena and faults. */
#ifndef AGENT_INSTANT_H
#define AGENT_INSTANT_H

#include "base/call.h"
#include "domain/moment.h"
#include "google/protobuf/duration.h"

/* 0001-01-01 and 9999-12-31T23:59:59.999999: what a Timestamp may hold. */
#define INSTANT_MIN_US INT64_C(-62135596800000000)
#define INSTANT_MAX_US INT64_C(253402300799999999)

static inline int64_t instant_us(const Timestamp *t)
{
    return moment_us(t, 0);
}

/* A Timestamp in the call's arena. */
MUST_CHECK enum status instant_new(struct call *c, int64_t us, Timestamp **out);
MUST_CHECK enum status instant_now(struct call *c, Timestamp **out);
MUST_CHECK enum status duration_new(struct call *c, int64_t us, Duration **out);

/* *t, or now where it is missing. INVALID naming `field`: outside of what a Timestamp may hold, or
 * more than INSTANT_AHEAD_US ahead of the clock. */
enum { INSTANT_AHEAD_US = 5 * 60 * 1000000 }; /* clocks of clients are off by minutes */
MUST_CHECK enum status instant_of_event(struct call *c, const Timestamp *t, const char *field,
                                        int64_t *us_out);

#endif
