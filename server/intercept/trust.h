/*
 * trust: the rules of the trust file while the server runs: read again when the file changes, and
 * the keys of its issuers kept fresh.
 *
 * A change that cannot be read changes nothing: the rules from before stay, and the log says why.
 */
#ifndef INTERCEPT_TRUST_H
#define INTERCEPT_TRUST_H

#include "intercept/trust_file.h"

struct trust;

struct trust_options {
    const char *path;              /* the file */
    const struct clock_ops *clock; /* of keys; NULL: the system's */
    struct metrics *metrics;       /* NULL: not counted */
    int64_t n_workers;             /* that run calls; 0: many. At most half of them wait for keys */
    const char *ca_file; /* PEM of those who vouch for issuers; "" or NULL: the system's */
};

enum { TRUST_LOOK_MS = 1000 }; /* between two looks at the file */

/* Reads the file and starts the threads. INVALID: the file cannot be read or is refused.
 * EXHAUSTED: no memory or no thread. */
MUST_CHECK enum status trust_open(struct call *c, const struct trust_options *o,
                                  struct trust **out);

/* Nobody may hold rules any more. NULL is allowed. */
void trust_close(struct trust *t);

/* The rules of now; they stay as they are until trust_put. Thread-safe, never waits long. */
const struct trust_rules *trust_get(struct trust *t);
void trust_put(const struct trust_rules *rules);

/* Grows whenever rules or keys changed: what was decided under a smaller one is void. */
uint64_t trust_generation(const struct trust *t);

/* Look at the files and the clock now. */
void trust_wake(struct trust *t);

#endif
