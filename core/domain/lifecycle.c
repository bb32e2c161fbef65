/* The lead's state machine: a table of rows and a search. */
#include "domain/lifecycle.h"

static const struct {
    LeadStatus from;
    enum lifecycle_step step;
    LeadStatus to;
} moves[] = {
#define X(from, step, to) {LEAD_STATUS_##from, LIFECYCLE_##step, LEAD_STATUS_##to},
#include "domain/lifecycle.def"
#undef X
};

/* What would make each step legal. */
static const char *remedy(LeadStatus from, enum lifecycle_step step)
{
    switch (step) {
    case LIFECYCLE_QUALIFY:
        return from == LEAD_STATUS_CONVERTED
                   ? "a converted lead is not qualified again: work on its deal"
                   : "undo the merge, or qualify the lead it was merged into";
    case LIFECYCLE_CONVERT:
        return from == LEAD_STATUS_CONVERTED
                   ? "the lead became a deal already: see converted_deal_id"
                   : "qualify the lead first: only a QUALIFIED lead converts";
    case LIFECYCLE_MERGE: return "only leads that are neither converted nor merged can be merged";
    case LIFECYCLE_UNDO_MERGE: return "only a merged lead can be taken out of a merge";
    }
    return "";
}

enum status lifecycle_check(LeadStatus from, enum lifecycle_step step, LeadStatus to,
                            struct precondition *why)
{
    *why = (struct precondition){0};
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
        if (moves[i].from == from && moves[i].step == step && moves[i].to == to)
            return STATUS_OK;
    *why = (struct precondition){"LEAD_STATUS", str_of(lead_status_name(from)), remedy(from, step)};
    return STATUS_PRECONDITION;
}
