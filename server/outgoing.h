/* outgoing: the client for requests that customers' URLs ask for, as configured. */
#ifndef SERVER_OUTGOING_H
#define SERVER_OUTGOING_H

#include "server/config.h"

struct http_client; /* integration/http.h */

/* INVALID: a list of address ranges. */
MUST_CHECK enum status outgoing_open(struct call *c, const struct config *config,
                                     const char *version, struct http_client **out);

struct calendar; /* integration/calendar.h */

/* *out is NULL, and that is fine, when no tenant is named. INVALID: no token. */
MUST_CHECK enum status outgoing_calendar(struct call *c, const struct config *config,
                                         struct http_client *http, struct calendar **out);

struct enrichment; /* agent/enrichment.h */
struct metrics;

/* *out is NULL, and that is fine, when no provider is configured. INVALID: no key, an address that
 * ends with a slash, a word that is none of those. */
MUST_CHECK enum status outgoing_enrichment(struct call *c, const struct config *config,
                                           struct http_client *http, struct metrics *metrics,
                                           struct enrichment **out);

/* NULL is allowed. */
void outgoing_close(struct http_client *client);

#endif
