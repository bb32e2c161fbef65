/*
 * guarded_batch: the guards around many questions that can wait, for half the price (ai/batch.h).
 *
 *     now      guard_batch_add    may it, redaction, prompt - as guarded_call does for each
 *              guard_batch_hold   the worst case of all, in a unit of the caller's
 *              guard_batch_create
 *     later    guarded_call with guard_ask.given: the same steps again, over the facts of then.
 * Only when they give word by word the same question is the answer one to it, and only then do its
 * placeholders mean what they meant: what they stand for was never kept
 *
 * Whoever uses it stores the id and settles the hold.
 */
#ifndef AI_GUARDED_BATCH_H
#define AI_GUARDED_BATCH_H

#include "ai/batch.h"
#include "ai/guarded_call.h"

enum {
    /* What the service asks for a batch, as a part of the price of single calls: a half
     * (platform.claude.com, Message Batches, pricing). */
    GUARD_BATCH_PART = 2,
    GUARD_BATCH_BYTES = AI_BATCH_BYTES_MAX / 2, /* of questions, by their worst case */
};

struct guard_question {
    struct ai_batch_item item;
    struct ai_cache_key question;
    int64_t worst_micro;
    size_t bytes;
};

/* Questions for one batch; what they consist of is in `arena`, which the caller owns. */
struct guard_batch {
    struct guard *guard;
    struct arena *arena;
    struct guard_question *questions; /* [n_max], the caller's */
    size_t n, n_max, bytes;
};

/* Whether a batch may be made of this task at all: a provider that has batches, a model, a price.
 * Policies are asked with each question. */
bool guard_has_batches(const struct guard *g, enum ai_task task);

/*
 * Adds a question, unless a guard says no (*end is not ANSWERED; the reasons of guarded_call) or it
 * has no room (*end is TIME).
 *
 *   key   unique in the batch, AI_BATCH_KEY_BYTES; copied
 *
 * INVALID, AI_SLOT: the inputs do not fit the prompt. EXHAUSTED: the call's arena, or the batch's.
 */
MUST_CHECK enum status guard_batch_add(struct guard_batch *b, struct call *c, const char *key,
                                       const struct guard_ask *ask, enum guard_end *end);

/* The most that the first n can cost. */
int64_t guard_batch_worst_micro(const struct guard_batch *b, size_t n);

/* As ai_batch_create, of the first n. */
MUST_CHECK enum status guard_batch_create(const struct guard_batch *b, struct call *c, size_t n,
                                          str *id_out);

/* What an answer did cost; 0: it has an error, such are not billed. */
int64_t guard_batch_cost_micro(const struct guard *g, enum ai_task task,
                               const struct ai_response *r);

/* Counts what a batch did cost, once it is settled. */
void guard_batch_settled(const struct guard *g, int64_t micro);

struct ai_provider *guard_provider(const struct guard *g);

#endif
