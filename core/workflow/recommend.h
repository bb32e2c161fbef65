/*
 * recommend: next best actions for a lead or a deal: from the records to stored advice.
 *
 *     records -> facts (agent/recommendation.h) -> advice (domain/action.h) -> words (optional, AI)
 *     -> one unit: facts again, advice again, a decision in the ledger, recommendations
 *
 * What advice there is never depends on a model: one only words the reason and a draft, before the
 * unit, for at most RECOMMEND_WORDED_MAX of the new ones and RECOMMEND_WORDS_MS each; without it
 * the sentences of the table stand. It is advice: nothing else changes.
 */
#ifndef WORKFLOW_RECOMMEND_H
#define WORKFLOW_RECOMMEND_H

#include "agent/recommendation.h"
#include "ai/guarded_call.h"
#include "internal/v1/records.h"

enum {
    RECOMMEND_WORDED_MAX = 3,
    RECOMMEND_WORDS_MS = 4000,
    RECOMMEND_CALLS_MAX = RECOMMEND_WORDED_MAX * (GUARD_CALLS_MAX + 1),
};

/*
 * Best first: advice that is open already as it is on record, the rest new, with one decision and
 * one sales.recommendation.generated each. Dismissed advice is left out and counted while its
 * digest is the same.
 *
 * INVALID: neither lead nor deal. NOT_FOUND: the lead or deal.
 */
MUST_CHECK enum status recommend_run(struct call *c, struct agents *a,
                                     const RecommendActionsRequest *in,
                                     RecommendActionsResponse *out);

/* Row of workflow/replay.c. PRECONDITION, REPLAY_RULES: the table has changed since. */
MUST_CHECK enum status recommend_replay(struct call *c, struct agents *a,
                                        const DecisionRecord *record, ProtobufCMessage **out);

/* Parts of it. */

/* What a model said, by action. */
struct recommend_words {
    struct recommend_word {
        enum action_id action;
        unsigned char digest[ACTION_DIGEST_BYTES];
        RecommendationWords *words; /* never NULL */
    } items[RECOMMEND_WORDED_MAX];
    size_t n;
    AiCall *calls[RECOMMEND_CALLS_MAX]; /* [n_calls] for the ledger */
    size_t n_calls;
    const char *prompt_id, *prompt_sha256; /* of the prompt; NULL: none was used */
    int32_t prompt_version;
};

struct recommend_question {
    const TenantPolicy *policy;
    InsightMode mode;
    const struct recommendation_scene *scene;
    const struct action_advice *advice; /* [n] the first ones are worded */
    size_t n;
};

/* Asks for words. Fails only as guarded_call does. */
MUST_CHECK enum status recommend_word(struct call *c, struct guard *guard,
                                      const struct recommend_question *q,
                                      struct recommend_words *out);

/* Puts the words into the recommendation. */
MUST_CHECK enum status recommend_say(struct call *c, const RecommendationWords *words,
                                     Recommendation *r);

/* The inputs of a choice as a message, and back. In the call's arena; texts are borrowed. */
MUST_CHECK enum status recommend_pack(struct call *c, const struct action_ask *ask,
                                      RecommendationReplay **out);
MUST_CHECK enum status recommend_unpack(struct call *c, const RecommendationReplay *m,
                                        struct action_ask *out);

#endif
