/* ical_probe: writes one appointment, or asks for the local time of a zone, for test_ical.py.
 *
 *   ical_probe write UID START_US END_US SEQUENCE CANCELLED SUMMARY DESCRIPTION ORGANIZER ATTENDEE
 * NAME ical_probe local ZONE UTC_S ical_probe id UUID
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "integration/calendar.h"
#include "integration/ical.h"
#include "integration/ical_zone.h"

static int write_event(char **argv)
{
    const struct ical_event e = {.uid = argv[0],
                                 .stamp_us = INT64_C(1795000000000000),
                                 .start_us = atoll(argv[1]),
                                 .end_us = atoll(argv[2]),
                                 .sequence = (int32_t)strtol(argv[3], NULL, 10),
                                 .is_cancelled = argv[4][0] == '1',
                                 .summary = argv[5],
                                 .description = argv[6],
                                 .organizer = argv[7],
                                 .organizer_name = argv[9],
                                 .attendee = argv[8],
                                 .attendee_name = argv[9]};
    const char *text;
    struct call c;

    call_init(&c, NULL, 1 << 20);
    if (ical_write(&c, &e, &text) != STATUS_OK) {
        fprintf(stderr, "%s\n", c.fault.why);
        return 1;
    }
    fputs(text, stdout);
    call_release(&c);
    return 0;
}

static int tell_local(char **argv)
{
    struct ical_local at;

    if (!ical_local(argv[0], atoll(argv[1]), &at))
        return 1;
    printf("%d %d\n", at.weekday, at.minute);
    return 0;
}

int main(int argc, char **argv)
{
    char id[CALENDAR_EVENT_ID_BYTES + 1];
    struct uuid uuid;

    if (argc == 12 && strcmp(argv[1], "write") == 0)
        return write_event(argv + 2);
    if (argc == 4 && strcmp(argv[1], "local") == 0)
        return tell_local(argv + 2);
    if (argc == 3 && strcmp(argv[1], "id") == 0 && uuid_parse(str_of(argv[2]), &uuid)) {
        calendar_event_id(uuid, id);
        puts(id);
        return 0;
    }
    return 2;
}
