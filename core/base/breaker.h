/*
 * breaker: stops asking a service that fails, so that callers fall back at once and the service can
 * recover. Closed: all may ask; it opens when the failures of the last BREAKER_WINDOW_NS weigh
 * BREAKER_SHARE_PERCENT of what ended, of at least BREAKER_ENDS_MIN. Open: nobody. Half open, after
 * a pause that doubles from one failed probe to the next: one call is the probe and decides.
 *
 * Not thread-safe; time is an argument.
 */
#ifndef BASE_BREAKER_H
#define BASE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#define BREAKER_WINDOW_NS    (INT64_C(10) * 1000000000)
#define BREAKER_PAUSE_NS     (INT64_C(2) * 1000000000)
#define BREAKER_PAUSE_MAX_NS (INT64_C(60) * 1000000000)

enum { BREAKER_ENDS_MIN = 10, BREAKER_SHARE_PERCENT = 50, BREAKER_SLICES = 10 };

enum breaker_state { BREAKER_CLOSED, BREAKER_HALF_OPEN, BREAKER_OPEN };

struct breaker {
    enum breaker_state state;
    bool is_probing;  /* half open, and the probe is under way */
    int64_t until_ns; /* open */
    int64_t pause_ns; /* of the opening before; 0: none */
    int64_t slice;    /* number of the newest slice of the window */
    int32_t n_ends[BREAKER_SLICES], n_failed[BREAKER_SLICES]; /* by slice, modulo */
};

/* What a call must hand back when it ends. */
enum breaker_pass { BREAKER_REFUSED, BREAKER_PASSED, BREAKER_PROBE };

enum breaker_pass breaker_ask(struct breaker *b, int64_t now_ns);

/* The end of a call that may ask. weight 0: the service is well; 1: it failed; 2: it begs for
 * mercy, counted twice. */
void breaker_tell(struct breaker *b, enum breaker_pass pass, int weight, int64_t now_ns);

/* The call ended without a word about the service: it was cancelled. */
void breaker_forget(struct breaker *b, enum breaker_pass pass);

#endif
