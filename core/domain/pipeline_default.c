/* The default pipeline as constant messages, made from pipeline_default.def: rows in, pointers out.
 */
#include <assert.h>

#include "domain/pipeline.h"

#define TEXT(literal) ((char *)(literal))

/* clang-format off */
enum {
#define STAGE(key, name, kind, chance, days, category) AT_##key,
#include "domain/pipeline_default.def"
#undef STAGE
    N_STAGES
};

/* Guards, each an object, then one NULL-terminated list per stage that has any. */
#define GUARD(stage, guard, kind_, argument_, minimum_, remedy_)                                   \
    static StageGuard guard_##stage##_##guard = {                                                  \
        .base = PROTOBUF_C_MESSAGE_INIT(&sales__v1__stage_guard__descriptor),                      \
        .name = TEXT(#guard), .kind = GUARD_KIND_##kind_, .argument = TEXT(argument_),             \
        .minimum = (minimum_), .remedy = TEXT(remedy_)};
#include "domain/pipeline_default.def"
#undef GUARD

static StageGuard *guards_proposal[] = {&guard_proposal_amount, &guard_proposal_close_date};
static StageGuard *guards_negotiation[] = {&guard_negotiation_contact};
static StageGuard *guards_commitment[] = {&guard_commitment_next_step, &guard_commitment_date_ahead};
static StageGuard *guards_won[] = {&guard_won_amount, &guard_won_lead, &guard_won_reason};
static StageGuard *guards_lost[] = {&guard_lost_reason};
static StageGuard *guards_discovery[] = {NULL};

#define N_GUARDS(key) \
    (sizeof guards_##key / sizeof *guards_##key - (AT_##key == AT_discovery ? 1 : 0))

#define STAGE(key_, name_, kind_, chance, days, category_)                                         \
    static Stage stage_##key_ = {                                                                  \
        .base = PROTOBUF_C_MESSAGE_INIT(&sales__v1__stage__descriptor),                            \
        .key = TEXT(#key_), .name = TEXT(name_), .kind = STAGE_KIND_##kind_,                       \
        .probability = (chance), .rotting_days = (days),                                           \
        .category = FORECAST_CATEGORY_##category_,                                                 \
        .n_guards = N_GUARDS(key_), .guards = guards_##key_};
#include "domain/pipeline_default.def"
#undef STAGE

static Stage *stages[N_STAGES] = {
#define STAGE(key, name, kind, chance, days, category) &stage_##key,
#include "domain/pipeline_default.def"
#undef STAGE
};

#define REASON(code_, name_, kind_, competitor_)                                                   \
    static CloseReasonOption reason_##code_ = {                                                    \
        .base = PROTOBUF_C_MESSAGE_INIT(&sales__v1__close_reason_option__descriptor),              \
        .code = TEXT(#code_), .name = TEXT(name_), .kind = STAGE_KIND_##kind_,                     \
        .needs_competitor = (competitor_)};
#include "domain/pipeline_default.def"
#undef REASON

enum {
#define REASON(code, name, kind, competitor) REASON_##code,
#include "domain/pipeline_default.def"
#undef REASON
    N_REASONS
};

static CloseReasonOption *reasons[N_REASONS] = {
#define REASON(code, name, kind, competitor) &reason_##code,
#include "domain/pipeline_default.def"
#undef REASON
};

/* Forward by any number of stages, back by one, lost from everywhere; reopened to any open stage. */
#define MOVE(from, to, reopen_)                                                                    \
    {.base = PROTOBUF_C_MESSAGE_INIT(&sales__v1__stage_move__descriptor),                          \
     .from_stage = TEXT(#from), .to_stage = TEXT(#to), .reopen = (reopen_)}
static StageMove moves[] = {
    MOVE(discovery, proposal, false),     MOVE(discovery, negotiation, false),
    MOVE(discovery, commitment, false),   MOVE(discovery, won, false),
    MOVE(discovery, lost, false),
    MOVE(proposal, discovery, false),     MOVE(proposal, negotiation, false),
    MOVE(proposal, commitment, false),    MOVE(proposal, won, false),
    MOVE(proposal, lost, false),
    MOVE(negotiation, proposal, false),   MOVE(negotiation, commitment, false),
    MOVE(negotiation, won, false),        MOVE(negotiation, lost, false),
    MOVE(commitment, negotiation, false), MOVE(commitment, won, false),
    MOVE(commitment, lost, false),
    MOVE(won, discovery, true),           MOVE(won, proposal, true),
    MOVE(won, negotiation, true),         MOVE(won, commitment, true),
    MOVE(lost, discovery, true),          MOVE(lost, proposal, true),
    MOVE(lost, negotiation, true),        MOVE(lost, commitment, true),
};
enum { N_MOVES = sizeof moves / sizeof *moves };
static StageMove *move_list[] = {
    &moves[0],  &moves[1],  &moves[2],  &moves[3],  &moves[4],  &moves[5],  &moves[6],
    &moves[7],  &moves[8],  &moves[9],  &moves[10], &moves[11], &moves[12], &moves[13],
    &moves[14], &moves[15], &moves[16], &moves[17], &moves[18], &moves[19], &moves[20],
    &moves[21], &moves[22], &moves[23], &moves[24],
};
static_assert(sizeof move_list == N_MOVES * sizeof(void *), "every move is on the list");

static Pipeline pipeline = {
    .base = PROTOBUF_C_MESSAGE_INIT(&sales__v1__pipeline__descriptor),
    .id = TEXT("default"), .name = TEXT("Sales"), .is_default = true,
    .n_stages = N_STAGES, .stages = stages,
    .n_moves = N_MOVES, .moves = move_list,
    .n_reasons = N_REASONS, .reasons = reasons,
};
/* clang-format on */

const Pipeline *pipeline_default(void)
{
    return &pipeline;
}
