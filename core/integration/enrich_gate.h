/*
 * enrich_gate: whether a provider outside may be asked now: a quota, the pause that the provider
 * asked for, and a breaker (base/breaker.h) for one that fails. Thread-safe; time is an argument.
 */
#ifndef INTEGRATION_ENRICH_GATE_H
#define INTEGRATION_ENRICH_GATE_H

#include <pthread.h>

#include "base/breaker.h"
#include "integration/enrich.h"

/* So many a minute, evenly, after a burst of a tenth of them (GCRA). Not thread-safe. */
struct enrich_rate {
    int64_t interval_ns, burst_ns;
    int64_t next_ns; /* when the next one would be due, if all came evenly */
};

enum {
    ENRICH_PAUSE_MIN_MS = 1000,    /* of a provider that wants fewer questions and says no time */
    ENRICH_PAUSE_MAX_MS = 3600000, /* no wish of a provider counts for longer */
};

/* a_minute > 0. */
void enrich_rate_init(struct enrich_rate *r, int64_t a_minute);

/* Takes one. 0: it may be; else nanoseconds until one may. */
int64_t enrich_rate_take(struct enrich_rate *r, int64_t now_ns);

struct enrich_gate {
    pthread_mutex_t lock; /* guards the rest */
    struct enrich_rate quota;
    struct breaker breaker;
    int64_t not_before_ns; /* the provider asked for a pause */
};

void enrich_gate_init(struct enrich_gate *g, int64_t a_minute);
void enrich_gate_release(struct enrich_gate *g);

/* Whether to ask now. BREAKER_REFUSED: not, and *wait_ms_out (> 0) says for how long; *reason_out
 * why. Any other has to be handed back by enrich_gate_leave. */
enum breaker_pass enrich_gate_enter(struct enrich_gate *g, int64_t now_ns, int64_t *wait_ms_out,
                                    const char **reason_out);

/* The end of a question: LIMITED keeps everybody out for its wait_ms; FAILED counts against the
 * provider. */
void enrich_gate_leave(struct enrich_gate *g, enum breaker_pass pass, int64_t now_ns,
                       const struct enrich_result *r);

/* For metrics. */
enum breaker_state enrich_gate_state(struct enrich_gate *g);

#endif
