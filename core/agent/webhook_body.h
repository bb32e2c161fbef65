/*
 * webhook_body: what an event tells the outside: ids, states and scores, never personal data.
 *
 *   {"type":"sales.lead.qualified","timestamp":"2026-11-20T18:00:00.123456Z",
 *    "data":{"lead_id":"0193...","sequence":42,"status":"QUALIFIED","score":87,"grade":"A"}}
 *
 * `sequence` grows with every event about the same record: a receiver drops what is older than what
 * it has. A field that the record does not have is left out.
 */
#ifndef AGENT_WEBHOOK_BODY_H
#define AGENT_WEBHOOK_BODY_H

#include "store/store.h"

/* The JSON in the call's arena, at most WEBHOOK_BODY_BYTES. EXHAUSTED. */
MUST_CHECK enum status webhook_body(struct call *c, const struct event *e, str *out);

#endif
