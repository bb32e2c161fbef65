/* outgoing: the client for requests that customers' URLs ask for, as configured. */
#ifndef SERVER_OUTGOING_H
#define SERVER_OUTGOING_H

#include "server/config.h"

struct http_client; /* integration/http.h */

/* INVALID: a list of address ranges. */
MUST_CHECK enum status outgoing_open(struct call *c, const struct config *config,
                                     const char *version, struct http_client **out);

/* NULL is allowed. */
void outgoing_close(struct http_client *client);

#endif
