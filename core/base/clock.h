/* clock: where time and randomness come from, so that a whole server can run under a fake clock and
 * a seed. Production uses system_clock; tests bring their own ops. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct clock_ops {
    int64_t (*now_us)(const struct clock_ops *); /* wall clock, UTC, microseconds since 1970 */
    int64_t (*monotonic_ns)(const struct clock_ops *); /* never goes back; only differences mean
                                                          anything */
    void (*random)(const struct clock_ops *, void *out,
                   size_t n); /* uniform bytes, secret quality */
};

extern const struct clock_ops system_clock;

#endif
