/*
 * training_judge: whether a model that was just learned comes into use.
 *
 * The smaller mean log loss on the validation cases wins; of equals the one in use stays. Cases
 * that the one in use was learned from flatter it, so they do not count where at least
 * JUDGE_NEWER_LEAST newer ones with JUDGE_OUTCOMES_LEAST of each outcome are among them. Whoever is
 * no better than the rate of the training cases is rejected. A model in use of another catalogue of
 * signals cannot predict any more and does not defend its place.
 */
#ifndef WORKFLOW_TRAINING_JUDGE_H
#define WORKFLOW_TRAINING_JUDGE_H

#include "agent/model_use.h"
#include "model/learn.h"
#include "sales/v1/model.h"

enum { JUDGE_NEWER_LEAST = 100, JUDGE_OUTCOMES_LEAST = 10, JUDGE_REASON_BYTES = 500 };

extern const char judge_rule[]; /* as the card says it */

struct judge_champion {
    const struct model_use *use; /* NULL: none is in use */
    int64_t until_us;            /* it was learned from cases before this */
};

struct judgement {
    ModelState state; /* ACTIVE: it is the better one; else REJECTED */
    char reason[JUDGE_REASON_BYTES + 1];
    bool has_previous;
    struct measures previous; /* of the one in use, on all validation cases */
};

/* learned->verdict is LEARNED and *f the frame it was learned from. EXHAUSTED: the arena is. */
MUST_CHECK enum status training_judge(struct judgement *out, struct arena *a,
                                      const struct learned *learned, const struct frame *f,
                                      const struct judge_champion *champion);

#endif
