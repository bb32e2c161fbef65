/* open_streams: how many streams each tenant holds open on this server. A stream may live for days,
 * so no rate bounds them: without a limit one tenant takes all of the server's calls. */
#ifndef INTERCEPT_OPEN_STREAMS_H
#define INTERCEPT_OPEN_STREAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct open_streams;
struct tenant_streams; /* those of one tenant; there while it has any */

struct open_streams *open_streams_new(int64_t most); /* of one tenant; NULL: no memory */
void open_streams_free(struct open_streams *s);      /* NULL is allowed; all must have left */

/* One more of the tenant. NULL: it has the most, or no memory. Thread-safe. */
MUST_CHECK struct tenant_streams *open_streams_enter(struct open_streams *s, int64_t tenant_id);

/* The stream that entered with t is over. */
void open_streams_leave(struct open_streams *s, struct tenant_streams *t);

#endif
