/*
 * lead_score: a lead's score from what is known of it, by rules and by the tenant's model. Pure:
 * the same start and the same model give the same bytes, on every build.
 *
 *     hard rules (disqualify.h) -> probability of the model -> points -> AI's adjustment
 *
 * Without a model that fits the catalogue of this build the rules' score stands in for it (a cold
 * start), and says so. docs/scoring.md has the formulas.
 */
#ifndef WORKFLOW_LEAD_SCORE_H
#define WORKFLOW_LEAD_SCORE_H

#include "agent/model_use.h"
#include "domain/feature.h"
#include "workflow/lead_start.h"

enum { LEAD_SCORE_ADJUSTMENT_MAX = 20 }; /* points of AI, as AiPolicy says; policies set less */

struct lead_scoring {
    const LeadScoreStart *start;
    const struct model_use *use; /* NULL: none; of model_use_fits */
    const char *decision_id;     /* that the answer names; "": it is not stored */
};

struct lead_scored {
    LeadScore *score;
    struct feature_vector vector;
};

/*
 * Everything in *out lives in the call's arena or is borrowed from the start. INVALID: the lead
 * came about after the instant. EXHAUSTED: the call's memory.
 */
MUST_CHECK enum status lead_score(struct call *c, const struct lead_scoring *in,
                                  struct lead_scored *out);

/* Log-odds, in millionths, that are 50 points by this model: its base rate, or even odds. The
 * caller writes it into the start. */
int64_t lead_score_anchor(const struct model_use *use);

/* Hash of the rules of this build, computed once: 64 hex digits. */
const char *lead_score_rules_sha256(void);

#endif
