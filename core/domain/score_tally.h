/* score_tally: contributions that add up; used by the scores only. All in thousandths of a point,
 * in integers. */
#ifndef DOMAIN_SCORE_TALLY_H
#define DOMAIN_SCORE_TALLY_H

#include "domain/score.h"

#define SCORE_MILLI INT64_C(1000) /* thousandths of a point in a point */

enum {
    SCORE_CONTRIBUTIONS_MAX = 256, /* as LeadScore.contributions says */
    SCORE_MISSING_MAX = 64,
    SCORE_CONFIDENCE_FIELDS = 550, /* permille of confidence that all fields together are worth */
};

/* One score in the making. */
struct score_tally {
    struct arena *arena;
    LeadScore *out;
    int64_t total_milli; /* base and contributions so far */
};

/* What a contribution says beside its points. */
struct score_label {
    const char *signal;
    SignalGroup group;
    const char *value, *words;
};

struct score_amount {
    int64_t milli, micro; /* of a point, of log-odds */
};

/* An empty score with its lists, its base in it. EXHAUSTED. */
MUST_CHECK enum status score_tally_init(struct score_tally *t, struct arena *a, int64_t base_milli);

/* Adds a contribution, unless it is nothing. False: the arena is full. */
MUST_CHECK bool score_put(struct score_tally *t, struct score_amount amount,
                          struct score_label label);

/* Brings the total to a whole number of 0 to 100 points, 0 where a hard rule fired, and sets score,
 * grade and routing. False: the arena is full. */
MUST_CHECK bool score_settle(struct score_tally *t, const QualificationPolicy *policy);

/* Score, grade and routing of a total that is whole. */
void score_place(LeadScore *s, const QualificationPolicy *policy, int64_t total_milli);

/* Largest first; equal ones stay as they are. */
void score_sort(LeadScore *s);

/* "grade B". */
const char *score_grade_name(LeadGrade grade);

/* The number as people read it, with the unit behind it unless that is ""; NULL: no room. */
const char *score_number_text(struct arena *a, double number, const char *unit);

#endif
