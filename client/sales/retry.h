/* retry: whether a failed attempt is worth another, and when. Pure: time and chance are arguments.
 */
#ifndef CLIENT_RETRY_H
#define CLIENT_RETRY_H

#include <stdint.h>

#include "client/sales.h"

enum {
    RETRY_ATTEMPTS_DEFAULT = 5, /* with the waits below: rides out a restart of about 1.5 s */
    RETRY_ATTEMPTS_MAX = 20,    /* more is a loop, not a retry */
    RETRY_FIRST_MS_DEFAULT = 100,
    RETRY_MOST_MS_DEFAULT = 5000,
};

struct retry_policy {
    unsigned max_attempts; /* the first included */
    int64_t first_ms;      /* bound of the first wait; doubles */
    int64_t most_ms;       /* bound of every wait that the server did not ask for */
};

struct retry_outcome {
    enum sales_status status;
    int64_t retry_after_ms; /* RetryInfo; 0: none */
    int64_t left_ms;        /* until the deadline */
    unsigned n_attempts;    /* made so far, >= 1 */
};

/*
 * Milliseconds to wait before the next attempt, -1 to give up. The request must be one that may be
 * repeated: sales_unary sees to that.
 *
 * Full jitter: uniform in [0, bound], so that clients cut off together do not come back together.
 * A time that the server asked for is kept to, plus up to first_ms of the same jitter. A wait that
 * would pass the deadline is not begun: the caller learns the real error instead of a timeout.
 *
 *   random   32 uniform bits
 */
int64_t retry_wait_ms(const struct retry_policy *p, const struct retry_outcome *o, uint32_t random);

#endif
