/* jobs: which kinds of jobs this process runs, by its roles, and with what. */
#ifndef SERVER_JOBS_H
#define SERVER_JOBS_H

#include "job/engine.h"
#include "server/config.h"

struct agents;
struct language;
struct metrics;
struct rescore;

/* What handlers work with: each row of the table in jobs.c says which of these it gets. */
struct job_parts {
    struct store *store;
    struct agents *agents;
    struct language *language;
    struct rescore *rescore;
    struct metrics *metrics;
};

/* Opens the engine with the kinds of our roles, plans the periodic ones and starts it. *out is
 * NULL, and that is fine, when the configuration wants no job run here. */
MUST_CHECK enum status jobs_start(struct call *c, const struct config *config,
                                  const struct job_parts *parts, struct job_engine **out);

/* As job_engine_stop, said to the log; NULL is allowed. */
MUST_CHECK enum status jobs_stop(struct call *c, struct job_engine *e, int64_t grace_ms);

#endif
