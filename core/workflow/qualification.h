/*
 * qualification: from what is on record about a lead to a score, a status and an event.
 *
 * lead_look.h reads what is known, lead_insight.h asks AI, lead_score.h decides, lead_decision.h
 * keeps why; this moves the lead, all in one unit but the question to AI, and says
 * `sales.lead.qualified`. A lead that has left the reach of qualification (converted, merged)
 * is refused.
 */
#ifndef WORKFLOW_QUALIFICATION_H
#define WORKFLOW_QUALIFICATION_H

#include "agent/context.h"
#include "sales/v1/sales_agent.h"

struct guard_ask;
struct guard_given;

enum {
    QUALIFY_BATCH_MAX = 50,   /* leads per unit of work: a unit stays under 100 ms */
    QUALIFY_BATCH_ASKED = 40, /* with AI: twice as many as are asked about at a time */
};

/* One lead. NOT_FOUND, CONFLICT (stale etag), PRECONDITION (its status). With as_of or
 * validate_only nothing is stored. */
MUST_CHECK enum status qualification_run(struct call *c, struct agents *a,
                                         const QualifyLeadRequest *in, QualifyLeadResponse *out);

/* A lead, and the answer of a batch to the question about it as of an instant. */
struct qualify_given {
    const char *lead_id;
    int64_t asked_us;
    const struct guard_given *answer; /* ai/guarded_call.h; NULL: there is none */
};

/* The question that AI would be asked about the lead as of in->asked_us, in c->arena. PRECONDITION,
 * NOT_SCORED: there is none: a hard rule disqualifies it. NOT_FOUND. */
MUST_CHECK enum status qualification_question(struct call *c, struct agents *a,
                                              const struct qualify_given *in,
                                              struct guard_ask *out);

/* As qualification_run of now, but nobody is asked: AI's part is the answer given, if the question
 * as of asked_us is still the same. */
MUST_CHECK enum status qualification_given(struct call *c, struct agents *a,
                                           const struct qualify_given *in,
                                           QualifyLeadResponse *out);

struct qualify_batch {
    const str *ids; /* [n] UUID texts, n <= QUALIFY_BATCH_MAX */
    size_t n;
    bool validate_only;
    bool brief; /* results without contributions */
    InsightMode insight_mode;
};

/*
 * Some leads in one unit of work; a lead that cannot be qualified gets an error of its own.
 *
 *   out  one result per id, in their order; fewer than n, but at least one, when the records fill
 *        half of the call's memory: the rest is for the next call
 */
MUST_CHECK enum status qualification_batch(struct call *c, struct agents *a,
                                           const struct qualify_batch *in, QualifyResults *out);

#endif
