/* tool_quiet: when a person must be left alone on a channel, by the policy's quiet hours. Pure: the
 * caller knows what o'clock it is where the person is. Public holidays are nobody's knowledge yet.
 */
#ifndef DOMAIN_TOOL_QUIET_H
#define DOMAIN_TOOL_QUIET_H

#include "sales/v1/policy.h"

enum { TOOL_DAY_MINUTES = 1440, TOOL_WEEK_MINUTES = 7 * TOOL_DAY_MINUTES };

/* Local time of the person. */
struct tool_local {
    int weekday; /* 1 Monday to 7 Sunday, as sales.v1.Weekday */
    int minute;  /* of the day, 0 to 1439 */
};

/* Minutes until the channel is not quiet; 0: it is not now; TOOL_WEEK_MINUTES: it always is. Rules
 * with the country count; those without one where none names it. */
int tool_quiet_minutes(const TenantPolicy *policy, Channel channel, const char *country,
                       struct tool_local at);

#endif
