/* language: the provider of language models, as configured. */
#ifndef SERVER_LANGUAGE_H
#define SERVER_LANGUAGE_H

#include "ai/models.h"
#include "job/engine.h"
#include "obs/metrics.h"
#include "server/config.h"

struct language {
    struct ai_provider *provider; /* never NULL once it is open */
    struct ai_models models;
    struct metrics *metrics; /* borrowed */
};

/* Opens the provider and has its models looked up, which may take LANGUAGE_CHECK_MS and whose
 * failure is logged and no more. INVALID: the configuration. What it opened must be closed, also
 * when it fails. *out must not move. */
enum { LANGUAGE_CHECK_MS = 3000 };
MUST_CHECK enum status language_open(struct call *c, const struct config *config,
                                     const char *version, struct metrics *metrics,
                                     struct language *out);

/* Once a day, on one server: as at the start, what is not active is logged. self: the struct
 * language. */
extern const struct job_kind language_check_models;

/* Ends all its calls. Zeroed is fine. */
void language_close(struct language *l);

#endif
