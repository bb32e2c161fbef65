/*
 * score_learned: points from what a learned model says, with hard rules first and an AI's bounded
 * adjustment last. Knows no model: shares of log-odds come in, points go out. Pure.
 *
 *     points = 50 + 10 * log2(odds / odds of the anchor)
 *
 * Ten points double the odds, as in credit scorecards, and what happens at the base rate is worth
 * 50. Points are linear in log-odds, so every share of log-odds is a share of points. A running sum
 * is rounded to thousandths and each share gets the difference it makes: they add up exactly, in
 * points and in log-odds, and each is within 0.001 points of its true value. What brings the total
 * into 0..100 and to a whole number is a contribution of its own. docs/scoring.md.
 */
#ifndef DOMAIN_SCORE_LEARNED_H
#define DOMAIN_SCORE_LEARNED_H

#include "domain/feature.h"

enum {
    SCORE_SHARES_MAX = 1024,   /* sources of a model */
    SCORE_ANCHOR_POINTS = 50,  /* at the base rate */
    SCORE_DOUBLE_POINTS = 10,  /* that double the odds */
    SCORE_LISTED_MAX = 224,    /* shares listed one by one */
    SCORE_LISTED_MILLI = 50,   /* and from how many thousandths on; smaller ones are added up per
                                  group as "rest_GROUP" */
    SCORE_MISSING_POINTS = 20, /* half width of the band if no field were filled in */
};

struct score_share {
    const char *name; /* of a feature, in the order of the vector where it is a signal */
    int64_t micro;    /* log-odds in millionths */
};

/* What a model says of a lead. base + shares + calibration = log-odds of probability. */
struct score_learned {
    const struct feature_vector *vector;
    int64_t anchor_micro, base_micro, calibration_micro;
    const struct score_share *shares; /* [n_shares <= SCORE_SHARES_MAX] */
    size_t n_shares;
    double probability;
    int64_t low_micro, high_micro; /* log-odds between which 90 % of such predictions come true */
    const char *model_id, *model_version, *model_sha256;
};

/*
 * The score by a model; hard rules, what is missing and the rules' version are those of score_lead.
 * nearest_flip is left out: it takes the model to know. EXHAUSTED: arena full.
 *
 *   band        points of low and high, wider by SCORE_MISSING_POINTS * share of missing fields
 *   confidence  1 - width of the band / 100
 */
MUST_CHECK enum status score_learned(struct arena *a, const struct score_input *in,
                                     const struct score_learned *m, LeadScore **out);

/* Makes a rules' score the prior of a cold start: its quality, and a wider band. */
void score_as_prior(LeadScore *s);

/*
 * Adds an AI's points as the contribution `ai_insight`: at most `most` either way, within 0..100
 * and within the band, none to a disqualified lead. EXHAUSTED: arena full.
 */
MUST_CHECK enum status score_adjust(struct arena *a, LeadScore *s,
                                    const QualificationPolicy *policy, int32_t points,
                                    int32_t most);

/* Thousandths of a point, 0 to 100 whole points, of log-odds in millionths. */
int64_t score_total_milli(int64_t total_micro, int64_t anchor_micro);

/* Thousandths of a point that log-odds in millionths are worth, rounded. */
int64_t score_milli_of(int64_t micro);

/* A feature in words: "412 people", "yes", "not known". NULL: arena full. */
const char *score_feature_text(struct arena *a, const struct feature_vector *v,
                               const struct feature *f);

/* The feature of this name, looked for from *from on among the signals; NULL: none. */
const struct feature *score_feature(const struct feature_vector *v, const char *name, size_t *from);

#endif
