/* A minute is quiet when some span covers it; the rest is walking from end to end of spans. */
#include "domain/tool_quiet.h"

#include <stdbool.h>
#include <string.h>

static bool begins_on(const LocalHours *h, int weekday)
{
    if (!h->n_days)
        return true;
    for (size_t i = 0; i < h->n_days; i++)
        if ((int)h->days[i] == weekday)
            return true;
    return false;
}

/* Minutes of the span that are left at `at`; 0: it does not cover it. */
static int left_of(const LocalHours *h, struct tool_local at)
{
    int before = at.weekday == 1 ? 7 : at.weekday - 1;
    bool is_over_night = h->end_minute < h->start_minute;
    int end = is_over_night ? h->end_minute + TOOL_DAY_MINUTES : h->end_minute;

    if (begins_on(h, at.weekday) && at.minute >= h->start_minute && at.minute < end)
        return end - at.minute;
    if (is_over_night && begins_on(h, before) && at.minute < h->end_minute)
        return h->end_minute - at.minute;
    return 0;
}

static bool is_for(const QuietHours *q, Channel channel, const char *country)
{
    return q->channel == channel && strcmp(q->country_code, country) == 0;
}

static bool has_rule(const TenantPolicy *p, Channel channel, const char *country)
{
    for (size_t i = 0; i < p->n_quiet_hours; i++)
        if (is_for(p->quiet_hours[i], channel, country))
            return true;
    return false;
}

static int left_at(const TenantPolicy *p, Channel channel, const char *country,
                   struct tool_local at)
{
    int most = 0;

    for (size_t i = 0; i < p->n_quiet_hours; i++) {
        const QuietHours *q = p->quiet_hours[i];

        for (size_t j = 0; is_for(q, channel, country) && j < q->n_hours; j++) {
            int left = left_of(q->hours[j], at);

            most = left > most ? left : most;
        }
    }
    return most;
}

int tool_quiet_minutes(const TenantPolicy *policy, Channel channel, const char *country,
                       struct tool_local at)
{
    const char *rules_of = has_rule(policy, channel, country) ? country : "";
    int waited = 0, left;

    while (waited < TOOL_WEEK_MINUTES && (left = left_at(policy, channel, rules_of, at)) > 0) {
        waited += left;
        at.minute += left;
        at.weekday = 1 + (at.weekday - 1 + at.minute / TOOL_DAY_MINUTES) % 7;
        at.minute %= TOOL_DAY_MINUTES;
    }
    return waited < TOOL_WEEK_MINUTES ? waited : TOOL_WEEK_MINUTES;
}
