/*
 * lead_look: reads what a lead's score starts from: its activities, the leads of its company, and
 * what enrichment knows.
 */
#ifndef WORKFLOW_LEAD_LOOK_H
#define WORKFLOW_LEAD_LOOK_H

#include "agent/enrichment.h"
#include "agent/model_use.h"
#include "workflow/lead_insight.h"

enum { LEAD_ACTIVITIES_MAX = 5000 /* of one lead, the newest; more add nothing to a score */ };

struct lead_look {
    const QualificationPolicy *policy; /* NULL: the default */
    const struct model_use *use;       /* that will score it; NULL: none */
    int64_t as_of_us, now_us;
    struct enrichment_ask enrichment; /* of the same instant */
    struct insight_texts *texts; /* filled with what the activities say; NULL: nobody reads it */
};

/* The start of a score of this lead, which it borrows. */
MUST_CHECK enum status lead_look(struct tx *tx, const struct lead_look *k, const Lead *lead,
                                 LeadScoreStart **out);

#endif
