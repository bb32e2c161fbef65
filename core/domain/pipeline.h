/*
 * pipeline: the rules a deal moves by. A Pipeline is the tenant's data: stages, moves, guards and
 * reasons; this module checks a definition, answers whether a deal may move, and makes the move.
 *
 *     pipeline_check_move(...)  every reason against it at once, each with what would satisfy it
 *     pipeline_move(...)        appends to the history and sets what follows from it
 *
 * Rules that no definition can switch off: closing needs one of the pipeline's reasons; a closed
 * deal moves by reopening only; history is never rewritten, its times never run backwards (a move
 * dated before the last one is refused); a move to an open stage must satisfy the guards of the
 * open stages it jumps over, too.
 */
#ifndef DOMAIN_PIPELINE_H
#define DOMAIN_PIPELINE_H

#include <stdint.h>

#include "base/arena.h"
#include "domain/precondition.h"
#include "domain/refusal.h"
#include "sales/v1/activity.h"
#include "sales/v1/deal.h"
#include "sales/v1/pipeline.h"

enum {
    PIPELINE_FAILURES_MAX = 32, /* reasons kept; a reader fixes no more at once */
    PIPELINE_AHEAD_SECONDS =
        300,                    /* a move may be dated this far ahead: clocks of clients are off */
    PIPELINE_HISTORY_MAX = 200, /* the contract's limit */
};

/* The pipeline that every tenant starts with: static data, not to be changed. */
const Pipeline *pipeline_default(void);

struct pipeline_problem {
    const char
        *field; /* path in the definition, e.g. "stages[2].guards[0].argument"; in the arena */
    struct refusal why;
};

/* Checks a definition as a whole. INVALID: out[0..*n_out) says what is wrong. */
MUST_CHECK enum status pipeline_validate(struct arena *a, const Pipeline *p,
                                         struct pipeline_problem out[PIPELINE_FAILURES_MAX],
                                         size_t *n_out);

/* NULL when the pipeline has no such stage. */
const Stage *pipeline_stage(const Pipeline *p, const char *key);

/* The first stage, where deals begin; open by definition. */
const Stage *pipeline_first(const Pipeline *p);

/* What somebody wants to do with a deal, and what is known beside the deal itself. */
struct pipeline_step {
    const char *to_stage;
    CloseReason *reason; /* borrowed into the deal; NULL: none given */
    const char *note;    /* "" or a sentence for the history */
    bool reopen;         /* by ReopenDeal */
    uint32_t roles;      /* of the caller, enum role_bit */
    int64_t now_us;
    int64_t occurred_us; /* when it really happened, <= now */
    bool lead_disqualified;
    uint32_t n_activities[ACTIVITY_KIND_N]; /* logged with the deal, by kind */
    Actor *actor;                           /* borrowed into the history; may be NULL */
};

struct pipeline_verdict {
    const Stage *from, *to; /* to: NULL when the stage is unknown */
    StageChangeKind kind;
    struct precondition failures[PIPELINE_FAILURES_MAX];
    size_t n_failures;
};

/*
 * May the deal make the step? Every failed rule is in out->failures.
 *
 * PRECONDITION: at least one failure. INVALID: no such stage (one failure says which there are).
 * EXHAUSTED: arena full.
 */
MUST_CHECK enum status pipeline_check_move(struct arena *a, const Pipeline *p, const Deal *d,
                                           const struct pipeline_step *step,
                                           struct pipeline_verdict *out);

/* Makes a step that pipeline_check_move allowed: history, stage, stage_kind, stage_time,
 * close_reason, closed_at. New memory is the arena's, step->reason is borrowed. EXHAUSTED: arena
 * full, *d as it was. */
MUST_CHECK enum status pipeline_move(struct arena *a, Deal *d, const struct pipeline_step *step,
                                     const struct pipeline_verdict *verdict);

/*
 * Begins a new deal. Without a history: one CREATED entry at created_at (or now) in d->stage
 * (default: the first; must be open). With one: entries are ordered by their time, must start from
 * "", follow on each other, know their stages and lie in the past; the deal takes stage and times
 * from the last. Historic moves need be no legal moves of today, and pass no guards; a past that
 * ends in a closed stage takes d->close_reason, which must then be one of the pipeline's.
 *
 * INVALID or PRECONDITION with out->failures, EXHAUSTED: arena full.
 */
MUST_CHECK enum status pipeline_begin(struct arena *a, const Pipeline *p, Deal *d,
                                      const struct pipeline_step *step,
                                      struct pipeline_verdict *out);

/* Chance of winning from the deal's stage, 0 to 1. */
double pipeline_chance(const Pipeline *p, const Deal *d);

/* The deal's own category, or its stage's. */
ForecastCategory pipeline_category(const Pipeline *p, const Deal *d);

/* Longer in its open stage than the stage allows. */
bool pipeline_is_rotting(const Pipeline *p, const Deal *d, int64_t now_us);

#endif
