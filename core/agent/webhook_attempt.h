/*
 * webhook_attempt: one POST of a delivery to its webhook's address, signed at its time.
 *
 * Nothing is stored here: what the attempt means is for webhook_lane.
 */
#ifndef AGENT_WEBHOOK_ATTEMPT_H
#define AGENT_WEBHOOK_ATTEMPT_H

#include "agent/webhook_meter.h"
#include "base/call.h"
#include "store/records.h"

struct http_client;

enum {
    WEBHOOK_TIMEOUT_MS = 15000, /* of one attempt */
    WEBHOOK_ANSWER_BYTES = 64 << 10,
};

struct webhook_attempt {
    int64_t began_us, took_ns;
    int http_status; /* or WEBHOOK_NO_ANSWER... of domain/webhook_policy.h */
    enum webhook_result result;
    const char *error;     /* in the call's arena; no part of the URL; "": none */
    int64_t retry_after_s; /* what a failure asks for; 0: nothing */
};

/* OK, whatever comes of it. CANCELLED: it was broken off by us and says nothing. INTERNAL: the
 * delivery cannot be signed. EXHAUSTED. */
MUST_CHECK enum status webhook_attempt(struct call *c, struct http_client *http,
                                       const WebhookRecord *r, const WebhookDeliveryRecord *d,
                                       struct webhook_attempt *out);

#endif
