/*
 * lead_model: one lead before the tenant's model: what the model says of it, and what would have to
 * change for another grade. Used by lead_score only.
 */
#ifndef WORKFLOW_LEAD_MODEL_H
#define WORKFLOW_LEAD_MODEL_H

#include "agent/feature_frame.h"
#include "agent/model_use.h"
#include "domain/score_learned.h"

enum {
    LEAD_FLIP_TRIES = 48, /* changes tried per lead: what bounds the time */
    LEAD_FLIP_VALUES = 5, /* of one signal: deciles 1, 3, 5, 7, 9, or its most frequent texts */
};

struct lead_model {
    const struct model_use *use;
    const struct feature_vector *vector;
    struct arena *scratch; /* everything below lives in it */
    struct feature_frame frame;
    struct model_view view;
    struct prediction prediction;
    int64_t anchor_micro; /* log-odds that are 50 points */
};

/* Predicts; *m is big and stays where it is. EXHAUSTED: the scratch arena is. */
MUST_CHECK enum status lead_model_predict(struct lead_model *m);

/* The score by the prediction, in arena a. EXHAUSTED. */
MUST_CHECK enum status lead_model_score(struct lead_model *m, struct arena *a,
                                        const struct score_input *in, LeadScore **out);

/*
 * Sets score->nearest_flip: of the values that the training data makes plausible for one signal,
 * the one that moves the lead into another grade with the smallest change of log-odds; none if no
 * single one of those tried does. Tried first: what is missing and can be filled in, then what
 * hurts most; never ages, the calendar and the account, which nobody can change. EXHAUSTED.
 */
MUST_CHECK enum status lead_model_flip(struct lead_model *m, struct arena *a, LeadScore *score);

/* Log-odds in millionths of a probability, which is brought to 0.0001..0.9999 first. */
int64_t lead_model_micro(double probability);

/* Indices of a category's texts, those that most rows of the training data had first. Returns how
 * many. */
size_t lead_model_words(const struct encoder_source *s, uint32_t out[LEAD_FLIP_VALUES]);

#endif
