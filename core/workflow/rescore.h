/*
 * rescore: leads scored again at night, with AI at half price (Message Batches).
 *
 *     night   the policy's switch (off by default) -> leads that are due -> a question each,
 * guarded as guarded_call does -> the worst case of all held -> the batch apply   looked at until
 * it has ended -> results in any order -> each lead qualified with its answer, or by rules and
 * model alone where there is none -> the cost settled
 *
 * Two jobs; what happens when the server dies between any two steps:
 *
 *     before the money is held      the night begins anew
 *     then, before the id is known  nobody knows whether there is a batch: the worst case counts as
 *                                   spent, and the leads are qualified without answers. At most one
 *                                   batch a night is ever paid for
 *     later                         the batch is looked at again; leads that have been qualified
 *                                   with this batch are not qualified again
 *
 * A lead that is not asked about (no room in batch or budget) is due again in the next night. How a
 * lead becomes a question, and an answer its score, is the caller's: struct rescore_ops.
 */
#ifndef WORKFLOW_RESCORE_H
#define WORKFLOW_RESCORE_H

#include "agent/context.h"
#include "ai/guarded_call.h"
#include "job/engine.h"

enum {
    RESCORE_LEADS_MAX = 1000,  /* of a tenant and night */
    RESCORE_LOOK_MAX = 100000, /* leads that are looked at to find those */
    RESCORE_AFTER_DAYS = 30,   /* AiPolicy.rescore_after_days 0 */
    RESCORE_POLL_MS = 300000,  /* between two looks at a batch */
    RESCORE_MARK_MS = 2400000, /* when a batch is taken for lost whose id nobody wrote down: longer
                                  than a night's lease */
    RESCORE_CANCEL_MS = 25 * 3600000,  /* the service ends a batch after 24 hours */
    RESCORE_GIVE_UP_MS = 27 * 3600000, /* then it counts as paid for and without answers */
    RESCORE_HOLD_MS = 30 * 3600000,    /* of the money */
};

struct rescore_lead {
    const char *id;
    int64_t asked_us; /* the instant that the question is of */
};

struct rescore_ops {
    /*
     * The question about a lead, in c->arena: what QualifyLead with AI asks, as of asked_us. A
     * failure of the lead itself (NOT_FOUND, PRECONDITION, INVALID, DENIED) leaves it out.
     */
    enum status (*ask)(void *self, struct call *c, const struct rescore_lead *lead,
                       struct guard_ask *out);
    /*
     * Qualifies the lead as QualifyLead does, with guarded_call's `given` for its question; given
     * NULL: without AI. c->request_id is made of batch and lead and says that it happens once: pass
     * it through mutate(). A failure of the lead itself is counted and no more.
     */
    enum status (*apply)(void *self, struct call *c, const struct rescore_lead *lead,
                         const struct guard_given *given);
};

/* By qualification.h; self: the struct agents. */
extern const struct rescore_ops rescore_leads;

struct rescore {
    struct agents *agents; /* with its guard */
    const struct rescore_ops *ops;
    void *self; /* for ops */
};

/* self of both: a struct rescore. */
extern const struct job_kind rescore_night_kind, rescore_apply_kind;

#define RESCORE_JOB_APPLY "rescore.apply"

#endif
