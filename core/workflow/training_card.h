/* training_card: what a training found out, as the card of its model. */
#ifndef WORKFLOW_TRAINING_CARD_H
#define WORKFLOW_TRAINING_CARD_H

#include "internal/v1/records.h"
#include "workflow/training_data.h"
#include "workflow/training_judge.h"

enum {
    CARD_SEGMENT_LEAST = 200, /* cases from which on a segment's gap is a finding ... */
    CARD_SEGMENT_WARNINGS = 3,
};
#define CARD_SEGMENT_GAP 0.05 /* ... when it is larger than this */

struct training_findings {
    const TrainingOrder *order;
    const struct learned *learned;
    const struct training_data *data;
    const struct judgement *judgement;
    int64_t started_us;
};

/* The card but for version and the times of the store; everything in c->arena, or borrowed from the
 * findings. */
MUST_CHECK enum status training_card(struct call *c, const struct training_findings *in,
                                     ModelCard **out);

#endif
