/*
 * ical: one appointment as iCalendar (RFC 5545, 5546), by libical.
 *
 * Times are written in UTC: an appointment that does not repeat needs no VTIMEZONE then, and every
 * calendar shows it in its owner's zone. With an organizer and an attendee it is an invitation
 * (METHOD:REQUEST), else METHOD:PUBLISH; cancelled it is METHOD:CANCEL with the same UID. A change
 * has the next sequence. Texts come from people: line breaks are escaped, lines folded at 75
 * octets, what is no text is left out, so that no text can add a property.
 */
#ifndef INTEGRATION_ICAL_H
#define INTEGRATION_ICAL_H

#include "base/call.h"

enum { ICAL_BYTES_MAX = 16384 }; /* of the whole text, as the contract says */

struct ical_event {
    const char *uid;          /* stable over all changes */
    int64_t stamp_us;         /* when this text is made */
    int64_t start_us, end_us; /* UTC, whole seconds are kept */
    int32_t sequence;         /* 0, and one more with each change */
    bool is_cancelled;
    const char *summary, *description;      /* "" is left out */
    const char *organizer, *organizer_name; /* address; "": none */
    const char *attendee, *attendee_name;
};

/* The text, CRLF between lines, in c->arena. EXHAUSTED: no memory, or longer than ICAL_BYTES_MAX.
 */
MUST_CHECK enum status ical_write(struct call *c, const struct ical_event *e, const char **out);

#endif
