/* jwks_plan: when the keys of an issuer are fetched, and how long they may be used. Pure; times are
 * monotonic nanoseconds. */
#ifndef INTERCEPT_JWKS_PLAN_H
#define INTERCEPT_JWKS_PLAN_H

#include <stdbool.h>
#include <stdint.h>

enum {
    JWKS_FRESH_MIN_S = 300,    /* however short max-age is: an issuer is not a database */
    JWKS_FRESH_MAX_S = 86400,  /* however long: keys that were withdrawn must go one day */
    JWKS_REFRESH_PERCENT = 80, /* of that time, so that keys do not end under load */
    JWKS_ASK_S = 30,           /* between two fetches for kids that nobody knows */
    JWKS_RETRY_MIN_S = 5,      /* after a failure, doubled each time ... */
    JWKS_RETRY_MAX_S = 300,    /* ... up to this */
    JWKS_KEEP_S = 86400,       /* old keys while the issuer cannot be reached */
    JWKS_UNKNOWN_S = 60,       /* a kid that was not there is not asked for again */
    JWKS_FILE_S = 1,           /* between two looks at a file */
};

/* Zeroed: nothing was tried yet, and it is due. */
struct jwks_plan {
    int64_t loaded_ns; /* last success; 0: never */
    int64_t tried_ns;  /* start of the last attempt; 0: none */
    int64_t next_ns;   /* the next one without being asked */
    int n_failures;    /* since the last success */
};

void jwks_plan_tried(struct jwks_plan *p, int64_t now_ns);

/* max_age_s < 0: the issuer does not say. */
void jwks_plan_loaded(struct jwks_plan *p, int64_t now_ns, int64_t max_age_s);
void jwks_plan_failed(struct jwks_plan *p, int64_t now_ns);

bool jwks_plan_is_due(const struct jwks_plan *p, int64_t now_ns);

/* An unknown kid may start a fetch. */
bool jwks_plan_may_ask(const struct jwks_plan *p, int64_t now_ns);

/* The keys that were loaded may be used. */
bool jwks_plan_is_usable(const struct jwks_plan *p, int64_t now_ns);

#endif
