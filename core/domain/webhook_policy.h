/* webhook_policy: what an answer to a delivery means, when it is tried again, who wants it. */
#ifndef DOMAIN_WEBHOOK_POLICY_H
#define DOMAIN_WEBHOOK_POLICY_H

#include <stdint.h>

#include "base/str.h"

enum {
    WEBHOOK_ATTEMPTS_MAX = 10,
    WEBHOOK_JITTER_P = 20,             /* each wait is up to so many percent shorter or longer */
    WEBHOOK_RETRY_AFTER_MAX_S = 86400, /* what an address may ask us to wait */
    WEBHOOK_PAUSE_S = 30,              /* of an address that is overloaded and does not say */
    WEBHOOK_GIVEN_UP_MAX = 5,          /* deliveries given up in a row before we disable it */
};

enum webhook_outcome {
    WEBHOOK_DELIVERED,
    WEBHOOK_FAILED,     /* this delivery failed; others may go on */
    WEBHOOK_OVERLOADED, /* nothing more to this address for a while */
    WEBHOOK_GONE,       /* never again to this address */
};

/* In place of an HTTP status. */
enum { WEBHOOK_NO_ANSWER = 0, WEBHOOK_NO_ANSWER_IN_TIME = 1 };

enum webhook_outcome webhook_outcome_of(int http_status);

/*
 * How long to wait after attempt number n_made (from 1) before the next.
 *
 *   random   uniform over uint32_t
 *
 * False: there is no next one.
 */
MUST_CHECK bool webhook_wait(uint32_t n_made, uint32_t random, int64_t *wait_us_out);

/* "sales.lead.created", "sales.lead.*", "*": lower-case words of letters, digits and underscores,
 * joined by dots, the last one may be a star. */
bool webhook_pattern_is_valid(str pattern);

/* Does one of the patterns match the type? No patterns: every type does. */
bool webhook_wants(char *const *patterns, size_t n_patterns, str type);

#endif
