/* when: times and spans as people type and read them. All times are UTC. */
#ifndef SALESCTL_WHEN_H
#define SALESCTL_WHEN_H

#include <stdint.h>

#include "base/arena.h"

/* "2026-11-20", "2026-11-20T15:04[:05[.123]][Z|+01:00]" (a space for the T is fine), "now", or a
 * span before or after now: "-3d", "+2h". Microseconds since 1970. */
MUST_CHECK bool when_parse(str text, int64_t now_us, int64_t *out);

/* "90s", "15m", "2h", "3d", "250ms", "1w"; microseconds. At most 100 years. */
MUST_CHECK bool when_span(str text, int64_t *out);

/* "2026-11-20 15:04"; "" for NULL-like 0 seconds is the caller's business. In the arena. */
const char *when_text(struct arena *a, int64_t seconds);

/* "1.2 s", "340 ms", "2 min 5 s". In the arena. */
const char *when_span_text(struct arena *a, int64_t us);

#endif
