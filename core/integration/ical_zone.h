/* ical_zone: what o'clock it is somewhere, by the IANA time zones of the system (libical reads
 * them). Thread-safe. */
#ifndef INTEGRATION_ICAL_ZONE_H
#define INTEGRATION_ICAL_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct ical_local {
    int weekday; /* 1 Monday to 7 Sunday */
    int minute;  /* of the day, 0 to 1439 */
};

/* False: there is no such zone ("" is UTC). */
MUST_CHECK bool ical_local(const char *zone, int64_t utc_s, struct ical_local *out);

#endif
