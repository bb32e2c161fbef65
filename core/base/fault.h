/*
 * fault: why a request failed, in the shape that google.rpc.Status details carry.
 *
 * The first failure wins: whoever finds the fault says everything once; callers propagate the code.
 * Texts must hold no secret and no personal data (field names and rules, not values of people).
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/status.h"

enum fault_detail_kind {
    FAULT_FIELD,        /* BadRequest.FieldViolation: subject = field path, text = the rule */
    FAULT_PRECONDITION, /* PreconditionFailure.Violation: type, subject, text = what would satisfy
                           it */
    FAULT_METADATA,     /* ErrorInfo.metadata: subject = key, text = value */
};

struct fault_detail {
    enum fault_detail_kind kind;
    str type; /* FAULT_PRECONDITION: e.g. "STAGE_GUARD"; FAULT_FIELD: rule id, e.g. "string.min_len"
               */
    str subject; /* see the kind */
    str text;
};

struct fault {
    enum status status;
    char why[FAULT_WHY_BYTES];    /* one line for people, no trailing period */
    const char *reason;           /* ErrorInfo.reason, UPPER_SNAKE, static; NULL: the status name */
    int64_t retry_after_ms;       /* RetryInfo; 0: none */
    struct fault_detail *details; /* [n_details] in the call's arena, in the order found */
    size_t n_details, cap_details, n_dropped, n_text_bytes;
};

#endif
