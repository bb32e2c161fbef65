/*
 * score: deterministic lead scoring by rules. Same input, same bytes.
 *
 * Hard rules first (disqualify.h): one that fires makes the score 0, whatever else is known. Then
 * every row of signal.def is evaluated, points are added per group between the caps of
 * signal_group.def, and the total is brought to 0..100. Every step is a contribution, so that
 * base_points_milli and all contributions add up to exactly 1000 * score. docs/scoring.md explains.
 *
 * A field that is not filled in contributes nothing and is listed as missing; a field that says
 * zero is a value like any other.
 */
#ifndef DOMAIN_SCORE_H
#define DOMAIN_SCORE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "domain/activity_rollup.h"
#include "domain/enrich_fact.h"
#include "sales/v1/lead.h"
#include "sales/v1/policy.h"

#define SCORE_RULES_VERSION "rules-3"

enum {
    SCORE_SHA256_BYTES = 64,
    SCORE_PREMIUM_MIN = 80, /* defaults where the policy says 0 */
    SCORE_QUALIFY_MIN = 50,
};

/* How far after the instant a lead may have come about: as far as created_at may be ahead. */
#define SCORE_AHEAD_US (INT64_C(300) * 1000000)

/* What is known of the lead's company beside the lead. */
struct score_account {
    bool known;            /* the rest was looked up */
    uint32_t n_contacts;   /* leads of the same company, this one included */
    bool active_known;     /* whether the next is known: it is not for an earlier instant */
    uint32_t n_active_14d; /* of them, with something logged in 14 days */
    uint32_t n_roles;      /* different buying roles among them */
    bool economic_buyer_seen;
    /* how the others ended; the lead's own end is no input of its score */
    bool open_deal, won_before, lost_before, lost_90d;
};

struct score_input {
    const Lead *lead;
    const struct activity_rollup
        *activity;                       /* as of as_of_us; NULL: activities were not looked up */
    const struct score_account *account; /* NULL: not looked up */
    const struct enrich_fact *facts;     /* [n_facts], at most ENRICH_FACTS_MAX; fields of the
                                            lead win over them; NULL: none */
    size_t n_facts;
    const QualificationPolicy *policy; /* NULL: the default */
    int64_t as_of_us;
    int64_t now_us;           /* only stamped as scored_at */
    const char *rules_sha256; /* of score_rules_sha256, computed once; NULL: computed */
};

/* Fills *out, all in the arena; strings of signals are static. Does not set decision_id. Under 20
 * us. EXHAUSTED: arena full, *out is NULL. */
MUST_CHECK enum status score_lead(struct arena *a, const struct score_input *in, LeadScore **out);

/* Status that a score leads to, by the policy's threshold (NULL: the default). */
LeadStatus score_status(const LeadScore *s, const QualificationPolicy *policy);

LeadGrade score_grade(int32_t score);

/* Points from which the next better grade begins; 0: there is none. */
int32_t score_next_grade(int32_t score);

/* Whether the lead had come about at the instant: before, there is nothing to score. */
bool score_has_begun(const Lead *lead, int64_t as_of_us);

/* Hash over every row of the rule tables: what a stored decision names. NUL-terminated hex. */
void score_rules_sha256(char out[SCORE_SHA256_BYTES + 1]);

/* Rows of the signal table. */
size_t score_n_signals(void);

#endif
