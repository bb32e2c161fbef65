/*
 * anthropic_call: one call from its start to its end, over all its attempts. Private to the
 * anthropic provider. A call is made by the caller's thread, then belongs to the loop's thread;
 * only is_cancelled is written by others.
 */
#ifndef AI_ANTHROPIC_CALL_H
#define AI_ANTHROPIC_CALL_H

#include "ai/anthropic_message.h"
#include "ai/limiter.h"
#include "ai/retry.h"
#include "ai/sse.h"
#include "base/breaker.h"
#include "integration/http_loop.h"

struct anthropic;

struct anthropic_call {
    struct anthropic_call *next, *next_open; /* in the lists of the provider */
    struct anthropic *provider;
    struct call call; /* arena, clock, and whom log lines are about */
    uint64_t ticket;
    struct ai_watch watch;
    atomic_bool is_cancelled;
    const char *model;
    str body;
    struct limiter_need need;
    int64_t began_ns, deadline_ns;
    int64_t not_before_ns; /* of the next attempt; 0: at once */
    int64_t attempt_ns;    /* when the last one began */
    int n_attempts;
    bool has_piece; /* the caller has seen a part of the answer */

    struct http_transfer *transfer; /* NULL: it waits */
    enum breaker_pass pass;
    struct arena arena; /* of the attempt: what follows */
    int http_status;
    bool is_stream, is_over; /* is_over: the body is longer than we read */
    struct retry_ask ask;
    char request_id[AI_ID_BYTES];
    size_t n_request_id;
    int64_t first_ns;
    struct buf raw, whole; /* for the ledger; of answers that are no stream */
    size_t n_received;
    struct sse sse;
    struct anthropic_message message;
};

/* NULL: no memory. The caller's thread; `c` is only read. */
struct anthropic_call *anthropic_call_new(const struct call *c, const struct ai_request *q,
                                          const struct ai_watch *watch);
void anthropic_call_free(struct anthropic_call *a);

/* Forgets the attempt before. */
void anthropic_call_clear(struct anthropic_call *a);

/* Told by the loop of an attempt. */
void anthropic_call_status(void *self, int status);
bool anthropic_call_body(void *self, str bytes);
/* Header fields but for those of the limits. */
void anthropic_call_field(struct anthropic_call *a, str name, str value);

/* What the attempt came to; AI_OK: a.message is the answer. */
enum ai_error anthropic_call_outcome(struct anthropic_call *a, enum http_end end);

/* Tells the watcher the end. */
void anthropic_call_tell(struct anthropic_call *a, enum ai_error e, struct ai_response *out);

#endif
