/* A component is built, printed and freed; all that libical allocates is gone at the end. */
#include "integration/ical.h"

#include <libical/ical.h>

#define PRODID "-//salesd//salesd//EN"

static struct icaltimetype time_of(int64_t us)
{
    return icaltime_from_timet_with_zone((time_t)(us / 1000000), 0,
                                         icaltimezone_get_utc_timezone());
}

/* One line without what could end it or leave its quotes. NULL: no memory. */
static char *plain(struct arena *a, const char *text)
{
    char *copy = arena_cstr(a, str_of(text));

    for (char *p = copy; p && *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = ' ';
        else if (*p == '"')
            *p = '\'';
    return copy;
}

/* As plain, but line breaks stay: libical escapes them in texts. */
static char *block(struct arena *a, const char *text)
{
    char *copy = arena_cstr(a, str_of(text));

    for (char *p = copy; p && *p; p++)
        if (((unsigned char)*p < ' ' && *p != '\n' && *p != '\t') || *p == 0x7f)
            *p = ' ';
    return copy;
}

static bool has_invitation(const struct ical_event *e)
{
    return *e->organizer && *e->attendee;
}

static icalproperty_method method_of(const struct ical_event *e)
{
    if (e->is_cancelled)
        return ICAL_METHOD_CANCEL;
    return has_invitation(e) ? ICAL_METHOD_REQUEST : ICAL_METHOD_PUBLISH;
}

static bool add_texts(struct call *c, icalcomponent *event, const struct ical_event *e)
{
    char *summary = plain(&c->arena, e->summary), *description = block(&c->arena, e->description);

    if (!summary || !description)
        return false;
    if (*summary)
        icalcomponent_add_property(event, icalproperty_new_summary(summary));
    if (*description)
        icalcomponent_add_property(event, icalproperty_new_description(description));
    return true;
}

static void add_name(icalproperty *p, const char *name)
{
    if (*name)
        icalproperty_add_parameter(p, icalparameter_new_cn(name));
}

static bool add_people(struct call *c, icalcomponent *event, const struct ical_event *e)
{
    char *organizer = arena_printf(&c->arena, "mailto:%s", e->organizer);
    char *attendee = arena_printf(&c->arena, "mailto:%s", e->attendee);
    char *organizer_name = plain(&c->arena, e->organizer_name);
    char *attendee_name = plain(&c->arena, e->attendee_name);
    icalproperty *p;

    if (!organizer || !attendee || !organizer_name || !attendee_name ||
        !(organizer = plain(&c->arena, organizer)) || !(attendee = plain(&c->arena, attendee)))
        return false;
    if (!has_invitation(e))
        return true;
    p = icalproperty_new_organizer(organizer);
    add_name(p, organizer_name);
    icalcomponent_add_property(event, p);
    p = icalproperty_new_attendee(attendee);
    add_name(p, attendee_name);
    icalproperty_add_parameter(p, icalparameter_new_role(ICAL_ROLE_REQPARTICIPANT));
    icalproperty_add_parameter(p, icalparameter_new_partstat(ICAL_PARTSTAT_NEEDSACTION));
    icalproperty_add_parameter(p, icalparameter_new_rsvp(ICAL_RSVP_TRUE));
    icalcomponent_add_property(event, p);
    return true;
}

static bool fill_event(struct call *c, icalcomponent *event, const struct ical_event *e)
{
    icalcomponent_add_property(event, icalproperty_new_uid(e->uid));
    icalcomponent_add_property(event, icalproperty_new_dtstamp(time_of(e->stamp_us)));
    icalcomponent_add_property(event, icalproperty_new_dtstart(time_of(e->start_us)));
    icalcomponent_add_property(event, icalproperty_new_dtend(time_of(e->end_us)));
    icalcomponent_add_property(event, icalproperty_new_sequence(e->sequence));
    icalcomponent_add_property(
        event,
        icalproperty_new_status(e->is_cancelled ? ICAL_STATUS_CANCELLED : ICAL_STATUS_CONFIRMED));
    return add_texts(c, event, e) && add_people(c, event, e);
}

enum status ical_write(struct call *c, const struct ical_event *e, const char **out)
{
    icalcomponent *event = icalcomponent_new(ICAL_VEVENT_COMPONENT);
    icalcomponent *calendar = icalcomponent_vanew(
        ICAL_VCALENDAR_COMPONENT, icalproperty_new_prodid(PRODID), icalproperty_new_version("2.0"),
        icalproperty_new_method(method_of(e)), (void *)0);
    char *text = NULL;

    *out = NULL;
    if (event && calendar && fill_event(c, event, e)) {
        icalcomponent_add_component(calendar, event);
        event = NULL; /* owned by the calendar */
        text = icalcomponent_as_ical_string_r(calendar);
    }
    if (text && strlen(text) <= ICAL_BYTES_MAX)
        *out = arena_cstr(&c->arena, str_of(text));
    icalmemory_free_buffer(text);
    if (event)
        icalcomponent_free(event);
    if (calendar)
        icalcomponent_free(calendar);
    return *out ? STATUS_OK : call_nomem(c);
}
