/* libical knows the offset; the rest is division. */
#include "integration/ical_zone.h"

#include <libical/ical.h>
#include <string.h>

enum { DAY_S = 86400 };

bool ical_local(const char *zone, int64_t utc_s, struct ical_local *out)
{
    icaltimezone *tz, *utc = icaltimezone_get_utc_timezone();
    int64_t local_s = utc_s, day;

    *out = (struct ical_local){0};
    if (*zone && strcmp(zone, "UTC") != 0) {
        struct icaltimetype t = icaltime_from_timet_with_zone((time_t)utc_s, 0, utc);
        int is_daylight;

        if ((tz = icaltimezone_get_builtin_timezone(zone)) == NULL)
            return false;
        local_s += icaltimezone_get_utc_offset_of_utc_time(tz, &t, &is_daylight);
    }
    day = local_s / DAY_S - (local_s % DAY_S < 0);
    out->minute = (int)((local_s - day * DAY_S) / 60);
    out->weekday = (int)((day % 7 + 7 + 3) % 7) + 1; /* 1970-01-01 was a Thursday */
    return true;
}
