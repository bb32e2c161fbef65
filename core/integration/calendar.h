/*
 * calendar: appointments in a calendar outside of the server: Google Calendar v3, one calendar of
 * one tenant. Others have the iCalendar text only (integration/ical.h).
 *
 * An event has an id that we choose, so that to insert it twice is to insert it once.
 *
 * What the provider answers, and what becomes of it:
 *
 *     200, 201                                   OK
 *     409 (the id is there)                      OK
 *     401                                        UNAVAILABLE CALENDAR_TOKEN: the file may be
 * renewed 403 rateLimitExceeded, userRateLimitExceeded; 429; 5xx   UNAVAILABLE CALENDAR_BUSY any
 * other                                  DENIED CALENDAR_REFUSED: not again by itself none as
 * http_send
 *
 * Retry-After is passed on with call_retry_after.
 */
#ifndef INTEGRATION_CALENDAR_H
#define INTEGRATION_CALENDAR_H

#include "base/call.h"
#include "base/secret.h"
#include "base/uuid.h"

struct calendar; /* thread-safe */
struct http_client;

struct calendar_options {
    struct http_client *http; /* borrowed */
    const char *url;          /* "https://www.googleapis.com/calendar/v3" */
    const char *calendar_id;  /* "primary", or an address */
    const char *tenant;       /* public name of the tenant whose calendar it is */
    const struct secret_source
        *token; /* OAuth access token; its file is read again when it changes */
};

/* EXHAUSTED: no memory. */
MUST_CHECK enum status calendar_open(struct call *c, const struct calendar_options *o,
                                     struct calendar **out);
void calendar_close(struct calendar *k); /* NULL is allowed */

/* Whether it is the calendar of the call's tenant. NULL: never. */
bool calendar_is_for(const struct calendar *k, const struct call *c);

struct calendar_event {
    struct uuid id;
    int64_t start_us, end_us;
    const char *time_zone; /* IANA, in which the provider shows it; "": UTC */
    const char *summary, *description;
    const char *attendee; /* address: the provider sends the invitation; "": none */
};

MUST_CHECK enum status calendar_insert(struct calendar *k, struct call *c,
                                       const struct calendar_event *e);

enum { CALENDAR_EVENT_ID_BYTES = 26 };

/* The id as the provider wants it: base32hex, lower case, of the 16 bytes; NUL-terminated. */
void calendar_event_id(struct uuid id, char out[CALENDAR_EVENT_ID_BYTES + 1]);

#endif
