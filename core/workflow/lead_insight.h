/*
 * lead_insight: what an AI model reads in the texts about a lead, asked after the score is known
 * and outside of any unit (ai/guarded_call.h has the guards).
 *
 * Asked for when the request prefers it, or leaves it to a policy that allows AI in scores and
 * gives it a budget; never for a lead that a hard rule disqualifies. The answer becomes part of the
 * start of the score that is stored: a replay takes it from there.
 */
#ifndef WORKFLOW_LEAD_INSIGHT_H
#define WORKFLOW_LEAD_INSIGHT_H

#include "agent/context.h"
#include "base/buf.h"
#include "sales/v1/activity.h"
#include "sales/v1/decision.h"
#include "workflow/lead_score.h"

struct guard_ask;
struct guard_given;

enum {
    INSIGHT_IN_FLIGHT = 20,     /* questions of one batch at a time */
    INSIGHT_TEXT_BYTES = 6000,  /* of notes and of activities, as the prompt takes them */
    INSIGHT_ACTIVITIES_MAX = 40 /* newest, whose texts are read */
};

/* The texts of one lead, newest first, as they are collected. */
struct insight_texts {
    struct buf notes, activities;
    size_t n;
};

void insight_texts_init(struct insight_texts *t, struct arena *a);
void insight_texts_add(struct insight_texts *t, const Activity *a);

/* One lead's question and what came of it. All in the arena of the call that asks. */
struct lead_insight {
    const Lead *lead; /* set by the caller, with the next three */
    const LeadScore *score;
    str notes, activities;
    InsightAnswer *answer; /* NULL: none, or not asked */
    AiCall **calls;        /* [n_calls] for the ledger */
    size_t n_calls;
};

/* May AI take part in the scores of this request? */
bool lead_insight_wanted(const struct agents *a, const TenantPolicy *policy, InsightMode mode);

/* The question about a lead as guarded_call takes it, in c->arena; the item is borrowed. */
MUST_CHECK enum status lead_insight_question(struct call *c, const TenantPolicy *policy,
                                             const struct lead_insight *i, struct guard_ask *out);

struct insight_round {
    const TenantPolicy *policy;
    InsightMode mode;
    struct lead_insight *list; /* [n]; those with score == NULL are passed over */
    size_t n;
    const struct guard_given *given; /* NULL, or the answer to the one question there is */
};

/*
 * Asks for each, at most INSIGHT_IN_FLIGHT at a time, and returns when all are answered. A question
 * that fails leaves its answer NULL: a score never fails for want of AI. CANCELLED, DEADLINE: the
 * caller has gone. EXHAUSTED: no memory for the answers.
 */
MUST_CHECK enum status lead_insight_ask(struct call *c, struct agents *a,
                                        const struct insight_round *round);

#endif
