/*
 * recommendation: advice on record, what people answered, and what the answers teach. Which advice
 * there is: domain/action.h. How it is made: workflow/recommend.h.
 *
 *     OPEN -> ACCEPTED -> DONE       OPEN -> DONE        OPEN, ACCEPTED -> DISMISSED
 *     OPEN -> EXPIRED, by a job at expire_time
 *
 * While a recommendation is open, there is no other with the same digest. A dismissed one keeps
 * advice with its digest away. ACTION_WINDOW_DAYS after the answer a job measures what followed, by
 * the metric of the action: for accepted advice and, as what happens without it, for dismissed
 * advice. Answers and measures are counted in the transaction that records them, so they are exact.
 *
 * A recommendation is seen and answered by whoever reaches its lead or its deal, and goes when the
 * person is erased.
 */
#ifndef AGENT_RECOMMENDATION_H
#define AGENT_RECOMMENDATION_H

#include "agent/context.h"
#include "domain/action.h"
#include "job/engine.h"
#include "sales/v1/sales_agent.h"
#include "store/record_types.h"

enum {
    RECOMMENDATION_ACTIVITIES_MAX = 500, /* of a lead, and of a deal: the newest count */
    RECOMMENDATION_HISTORY_MAX = 500,    /* of a lead or a deal: older answers are forgotten */
};

#define RECOMMENDATION_JOB "recommendation.due"

/*
 * Records the answer, counts it, and has what follows measured.
 *
 * NOT_FOUND, CONFLICT (ETAG_MISMATCH). PRECONDITION RECOMMENDATION_STATE: there is no such step
 * from the state it is in (metadata `state`), or it has expired.
 */
MUST_CHECK enum status recommendation_respond(struct call *c, struct agents *a,
                                              const RespondToRecommendationRequest *in,
                                              RespondToRecommendationResponse *out);

/* Expires what nobody answered, measures what somebody did. */
extern const struct job_kind recommendation_due_kind;

/* What advice rests on, read in one unit. */
struct recommendation_scene {
    Lead *lead; /* that it is about, or the deal's own; NULL: none */
    Deal *deal; /* NULL: it is about the lead */
    struct action_facts facts;
    struct action_zone zone; /* of the person, by the zone on record, else the tenant's */
    struct action_past past;
    const char *segment, *country; /* "" unknown */
};

/* One of the ids is "". NOT_FOUND: also what is out of reach. The deal's lead may be anybody's. */
MUST_CHECK enum status recommendation_look(struct tx *tx, const TenantPolicy *policy,
                                           const char *lead_id, const char *deal_id,
                                           struct recommendation_scene *out);

/* Answers so far, by action. */
MUST_CHECK enum status recommendation_tallies(struct tx *tx, const char *segment,
                                              struct action_tally out[ACTIONS]);

/* What was advised about this lead or deal before. */
struct recommendation_history {
    unsigned char (*dismissed)[ACTION_DIGEST_BYTES]; /* [n_dismissed] */
    size_t n_dismissed;
    RecommendationRecord **open; /* [n_open], in time */
    size_t n_open;
    RecommendationRecord **late; /* [n_late], open beyond their time: the job has not come yet */
    size_t n_late;
};

MUST_CHECK enum status recommendation_past(struct tx *tx, const struct recommendation_scene *scene,
                                           struct recommendation_history *out);

/* Makes an open one EXPIRED. */
MUST_CHECK enum status recommendation_expire(struct tx *tx, RecommendationRecord *r);

/* Stores advice, OPEN, with its event and the job that lets it expire. */
MUST_CHECK enum status recommendation_put(struct tx *tx, const struct recommendation_scene *scene,
                                          const struct action_advice *advice,
                                          RecommendationRecord **out);

/* Whether it is about this lead or deal, for what links to it. NOT_FOUND: there is none. INVALID:
 * it is about another. */
MUST_CHECK enum status recommendation_links(struct tx *tx, const char *id, const char *lead_id,
                                            const char *deal_id);

/* Part of the job: adds one measured answer. */
MUST_CHECK enum status recommendation_measure(struct tx *tx, const TenantPolicy *policy,
                                              RecommendationRecord *r);

/* Part of answers: changes the counts of an action in a segment. */
MUST_CHECK enum status recommendation_count(struct tx *tx, const RecommendationRecord *r,
                                            const struct action_tally *more, bool takes_right_back);

#endif
