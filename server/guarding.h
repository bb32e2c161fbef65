/* guarding: what every call of a language model passes, as configured; see ai/guarded_call.h. */
#ifndef SERVER_GUARDING_H
#define SERVER_GUARDING_H

#include "ai/guarded_call.h"
#include "server/config.h"
#include "server/language.h"

struct guarding_parts {
    struct prompts *prompts;
    struct redactor *redactor;
    struct ai_cache *cache;
    struct guard *guard;
};

/* The language, the store and the metrics outlive it. INVALID: the configuration: prices, prompt
 * files, or a model without a price. What it opened must be closed, also when it fails. */
MUST_CHECK enum status guarding_open(struct call *c, const struct config *config,
                                     const struct language *language, struct store *store,
                                     struct guarding_parts *out);

/* No call may be under way. Zeroed is fine. */
void guarding_close(struct guarding_parts *g);

#endif
