/*
 * tool: one use of a tool (domain/tool.h) on records: look, and later the effect. Inside of the
 * units of proposals; nothing else runs a tool.
 *
 *     struct tool_use u = {.agents = a, .policy = policy, .proposal = p};
 *
 *     TRY(tool_prepare(c, &u));      // before the unit: what must not happen inside of one
 *     TRY(tool_look(tx, &u));        // in the unit: the records, and every gate
 *     TRY(tool_apply(tx, &u));       // the effect; u.effect_id names the record it made
 */
#ifndef AGENT_TOOL_H
#define AGENT_TOOL_H

#include "agent/context.h"
#include "agent/mutation.h"
#include "domain/tool.h"
#include "sales/v1/sales_agent.h"

struct tool_use {
    struct agents *agents;
    const TenantPolicy *policy;
    const Proposal *proposal;

    /* What tool_look found; NULL where there is none. */
    Lead *lead; /* that the arguments name, or the deal's own */
    Deal *deal;

    Activity *activity;             /* prepared */
    struct mutation move;           /* prepared */
    ProgressDealResponse *progress; /* prepared */
    const char *effect_id;          /* done: in the call's arena */
};

/*
 * Reads what the arguments name within the reach of the call, and checks every gate.
 *
 * NOT_FOUND: the lead or deal. PRECONDITION TOOL_REFUSED: one violation per closed gate.
 */
MUST_CHECK enum status tool_look(struct tx *tx, struct tool_use *u);

/* Fails as the RPC of a person does on its request. */
MUST_CHECK enum status tool_prepare(struct call *c, struct tool_use *u);

/* The effect, as the RPC of a person makes it, for the principal and within the reach of the call.
 * Fails as that RPC. A unit may run it again. */
MUST_CHECK enum status tool_apply(struct tx *tx, struct tool_use *u);

/* Whether follow-ups of the call's tenant are put into the calendar outside, by configuration and
 * by the mode of the tenant. */
bool tool_calendar_serves(const struct agents *a, const struct call *c, const TenantPolicy *policy);

/* When the appointment ends; the arguments have a duration. */
int64_t follow_up_end_us(const ScheduleFollowUpArgs *args);

#endif
