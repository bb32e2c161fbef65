/* anthropic_body: a request as the Messages API wants it. Private to the anthropic provider. */
#ifndef AI_ANTHROPIC_BODY_H
#define AI_ANTHROPIC_BODY_H

#include "ai/provider.h"
#include "base/buf.h"

/*
 * Appends the JSON object: the mark for the service's cache stands behind the last stable system
 * block; no temperature, prefill or forced tool, which the models of today refuse. The schema goes
 * in as it is. Check buf_ok at the end. Equal requests give equal bytes.
 */
void anthropic_put_body(struct buf *out, const struct ai_request *q);

#endif
