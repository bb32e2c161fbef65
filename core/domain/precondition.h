/*
 * precondition: one reason why a move is refused in the present state, in the shape of
 * google.rpc.PreconditionFailure.Violation. Made by lifecycle and pipeline; the service records
 * each with call_detail(c, FAULT_PRECONDITION, p.type, p.subject, "%s", p.text).
 */
#ifndef DOMAIN_PRECONDITION_H
#define DOMAIN_PRECONDITION_H

#include "base/str.h"

struct precondition {
    const char *type; /* static: "LEAD_STATUS", "STAGE_MOVE", "STAGE_GUARD" ... */
    str subject;      /* what refused: a status, a stage, a guard's name */
    const char *text; /* what would satisfy it, one sentence; static or in the arena of the check */
};

#endif
