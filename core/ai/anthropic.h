/*
 * anthropic: the provider that asks the Messages API of Anthropic, or what speaks it.
 *
 * One thread carries all calls over shared connections (HTTP/2 where there is TLS). Each call waits
 * for its turn (limiter: calls in flight, and the rate that the service says is left), is refused
 * at once while the service keeps failing (breaker), and is repeated as retry.h says, within its
 * time. A stream that ends without message_stop has failed. A repeated call may be billed twice:
 * the service knows no idempotency key.
 *
 * The key is read again when its file changes. It is in no log and no error, and wiped from our
 * memory after each attempt.
 */
#ifndef AI_ANTHROPIC_H
#define AI_ANTHROPIC_H

#include "ai/provider.h"
#include "base/secret.h"

struct metrics;

struct anthropic_options {
    const char *url;     /* "https://api.anthropic.com": no slash at its end */
    const char *version; /* header field anthropic-version */
    struct secret_source key;
    const char *user_agent;
    const char *ca_file;       /* NULL or "": the authorities of the system */
    const char *const *models; /* [n_models] that the configuration names: for metrics and
                                  anthropic_check_models; copied */
    size_t n_models;
    int in_flight_max;             /* > 0: calls under way */
    int queue_max;                 /* > 0: calls that are open; more: AI_BUSY */
    struct metrics *metrics;       /* NULL: nothing is counted */
    const struct clock_ops *clock; /* NULL: the system's */
};

/* ai_close closes it. INVALID: url. EXHAUSTED: no memory or no thread. */
MUST_CHECK enum status anthropic_open(struct call *c, const struct anthropic_options *o,
                                      struct ai_provider **out);

enum anthropic_life { ANTHROPIC_ACTIVE, ANTHROPIC_DEPRECATED, ANTHROPIC_RETIRED };

struct anthropic_model {
    const char *id; /* of the options */
    enum anthropic_life life;
    char retires_at[32]; /* RFC 3339 or "" */
    bool is_known;       /* false: the service could not be asked, life says nothing */
};

/*
 * Asks the service how long each configured model will live, and logs what is not active: for start
 * and once a day. Only the key's refusal and such are failures; an unknown model is retired.
 *   out   [n_models of the options]
 */
MUST_CHECK enum status anthropic_check_models(struct ai_provider *p, struct call *c,
                                              struct anthropic_model *out);

#endif
