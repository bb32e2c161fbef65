/*
 * retry: whether and when to repeat, by the policy of the vendor's own clients: x-should-retry
 * wins, else the table of errors; the wait is retry-after-ms, else retry-after (seconds or a date),
 * else 0.5 s * 2^n up to 8 s, less up to a quarter of it by chance. Pure.
 */
#ifndef AI_RETRY_H
#define AI_RETRY_H

#include "ai/provider.h"

enum {
    RETRY_MAX = 2, /* attempts after the first */
    RETRY_FIRST_MS = 500,
    RETRY_MOST_MS = 8000,
};

/* What the header of an answer asks for. */
struct retry_ask {
    int should_retry; /* 1: yes, -1: no, 0: it does not say */
    bool has_after;
    int64_t after_ms; /* >= 0 when has_after */
    bool is_exact;    /* after_ms is from retry-after-ms, which wins */
};

/* Takes in a field of the answer's header; others are ignored. */
void retry_field(struct retry_ask *ask, str name, str value, int64_t now_us);

/* Whether error e may be repeated after `n_attempts` attempts. */
bool retry_may(enum ai_error e, const struct retry_ask *ask, int n_attempts);

/* How long to wait before the attempt after n_attempts >= 1, in milliseconds.
 *   random   uniform over all its values */
int64_t retry_wait_ms(enum ai_error e, const struct retry_ask *ask, int n_attempts,
                      uint32_t random);

#endif
