/* anthropic_internal: what the files of the anthropic provider share. Private to them. */
#ifndef AI_ANTHROPIC_INTERNAL_H
#define AI_ANTHROPIC_INTERNAL_H

#include <pthread.h>

#include "ai/anthropic.h"
#include "ai/anthropic_call.h"
#include "ai/batch.h"
#include "ai/meter.h"

enum { ANTHROPIC_FIELDS = 3, ANTHROPIC_MODELS_MAX = METER_MODELS_MAX };

struct anthropic {
    struct ai_provider base;
    const struct clock_ops *clock;
    struct arena texts;
    const char *url, *version, *user_agent;
    const char *messages_url;
    const char *models[ANTHROPIC_MODELS_MAX]; /* [n_models] */
    size_t n_models;
    int queue_max;
    struct secret key;
    struct http_client *http; /* batches and models: on the caller's thread */
    struct http_loop *loop;
    struct meter meter;

    pthread_mutex_t lock; /* guards what follows, up to the blank line */
    struct anthropic_call *inbox, **inbox_end;
    struct anthropic_call *index; /* by next_open: for ai_cancel */
    int n_open;
    uint64_t n_tickets;
    bool is_closing;

    struct anthropic_call *calls; /* of the loop's thread, from here on: in order of arrival */
    struct breaker breaker;
    struct limiter limiter;
};

extern const struct ai_batch_ops anthropic_batch_ops;

/* The fields of every request; values point into `bearer`, which drop with secret_drop. False: no
 * memory. */
MUST_CHECK bool anthropic_fields(struct anthropic *p, struct http_field out[ANTHROPIC_FIELDS],
                                 char **bearer);

/* One request outside of the loop, on the caller's thread. Path begins with '/'. An answer that is
 * no 200 is a failure as error.def says. */
struct anthropic_request {
    enum http_method method;
    const char *path;
    str body;
    size_t body_max;
    int64_t timeout_ms;
    bool (*take)(void *taker, str bytes); /* as http_request.take */
    void *taker;
};
MUST_CHECK enum status anthropic_send(struct anthropic *p, struct call *c,
                                      const struct anthropic_request *q, struct http_response *out);

#endif
