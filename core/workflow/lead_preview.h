/*
 * lead_preview: leads as they would be scored now, so that AI can be asked about them before the
 * unit that stores their scores.
 */
#ifndef WORKFLOW_LEAD_PREVIEW_H
#define WORKFLOW_LEAD_PREVIEW_H

#include "workflow/lead_look.h"

struct lead_preview {
    struct lead_look look;
    const TenantPolicy *policy;
    InsightMode mode;
    const str *ids; /* [n <= QUALIFY_BATCH_MAX] UUID texts */
    size_t n;
};

/*
 * What AI says of each, by place; *out NULL: it is not wanted. What cannot be previewed is not
 * asked about: the unit that follows says why. A unit of reading, and then as lead_insight_ask.
 */
MUST_CHECK enum status lead_preview_ask(struct call *c, struct agents *a,
                                        const struct lead_preview *in, struct lead_insight **out);

/* The leads, their scores and texts alone: list [n] is filled, and nobody is asked. */
MUST_CHECK enum status lead_preview_read(struct call *c, struct agents *a,
                                         const struct lead_preview *in, struct lead_insight *list);

#endif
