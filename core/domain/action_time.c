/* Walking over the person's week: weekends, nights and quiet hours are stepped over. */
#include "domain/action.h"
#include "domain/moment.h"
#include "domain/tool_quiet.h"

enum {
    OPENS = 9 * 60, /* local minutes of the day: business hours, Monday to Friday */
    CLOSES = 17 * 60,
    FRIDAY = 5,
    NOW_MINUTES = 240, /* "soon" */
    WEEK_DAYS = 5,
    LATER_DAYS = 30, /* how long it is then time */
    STEPS_MAX = 64,
};

#define MINUTE_US (60 * MOMENT_SECOND_US)

static struct tool_local local_at(const struct action_zone *z, int64_t us)
{
    int64_t minutes = us / MINUTE_US - (us % MINUTE_US < 0) +
                      (us < z->change_us ? z->offset_minutes : z->later_minutes);
    int64_t day = minutes / TOOL_DAY_MINUTES - (minutes % TOOL_DAY_MINUTES < 0);

    return (struct tool_local){.weekday = (int)((day % 7 + 7 + 3) % 7) + 1,
                               .minute = (int)(minutes - day * TOOL_DAY_MINUTES)};
}

/* Minutes until the next minute that is neither night, weekend nor quiet; 0: this one is. */
static int wait_at(const struct action_ask *ask, Channel channel, struct tool_local at)
{
    if (at.weekday > FRIDAY || at.minute >= CLOSES)
        return TOOL_DAY_MINUTES - at.minute + OPENS;
    if (at.minute < OPENS)
        return OPENS - at.minute;
    return tool_quiet_minutes(ask->policy, channel, ask->country, at);
}

/* The first good moment; without one in sight, the last that was looked at. */
static int64_t first_moment(const struct action_ask *ask, Channel channel)
{
    int64_t us = ask->now_us;

    for (int i = 0; i < STEPS_MAX; i++) {
        int minutes = wait_at(ask, channel, local_at(&ask->zone, us));

        if (!minutes)
            break;
        us += minutes * MINUTE_US - us % MINUTE_US;
    }
    return us;
}

static int64_t least(int64_t x, int64_t y)
{
    return x < y ? x : y;
}

struct action_span action_time(const struct action_ask *ask, enum action_when when, int days,
                               Channel channel)
{
    struct action_span span = {.start_us = ask->now_us};
    int64_t day_end;

    if (when == ACTION_LATER) {
        span.start_us += days * MOMENT_DAY_US;
        span.end_us = span.start_us + LATER_DAYS * MOMENT_DAY_US;
        return span;
    }
    if (channel)
        span.start_us = first_moment(ask, channel);
    span.end_us = span.start_us + (when == ACTION_WEEK ? WEEK_DAYS : days) * MOMENT_DAY_US;
    if (!channel || when == ACTION_WEEK || when == ACTION_ANY)
        return span;
    day_end = span.start_us + (CLOSES - local_at(&ask->zone, span.start_us).minute) * MINUTE_US;
    span.end_us =
        when == ACTION_NOW ? least(span.start_us + NOW_MINUTES * MINUTE_US, day_end) : day_end;
    return span;
}
