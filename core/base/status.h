/* status: how an operation ended. The numbers are gRPC's, so the edge never translates. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include "base/attr.h"

/* clang-format off */
/*    name             code  wire name               default text */
#define STATUS_LIST(X)                                                            \
    X(OK,               0,   "OK",                   "ok")                        \
    X(CANCELLED,        1,   "CANCELLED",            "cancelled by the caller")   \
    X(UNKNOWN,          2,   "UNKNOWN",              "unknown error")             \
    X(INVALID,          3,   "INVALID_ARGUMENT",     "invalid argument")          \
    X(DEADLINE,         4,   "DEADLINE_EXCEEDED",    "deadline exceeded")         \
    X(NOT_FOUND,        5,   "NOT_FOUND",            "not found")                 \
    X(EXISTS,           6,   "ALREADY_EXISTS",       "already exists")            \
    X(DENIED,           7,   "PERMISSION_DENIED",    "permission denied")         \
    X(EXHAUSTED,        8,   "RESOURCE_EXHAUSTED",   "limit reached")             \
    X(PRECONDITION,     9,   "FAILED_PRECONDITION",  "refused in this state")     \
    X(CONFLICT,         10,  "ABORTED",              "concurrent change")         \
    X(OUT_OF_RANGE,     11,  "OUT_OF_RANGE",         "out of range")              \
    X(UNIMPLEMENTED,    12,  "UNIMPLEMENTED",        "not implemented")           \
    X(INTERNAL,         13,  "INTERNAL",             "internal error")            \
    X(UNAVAILABLE,      14,  "UNAVAILABLE",          "dependency unavailable")    \
    X(DATA_LOSS,        15,  "DATA_LOSS",            "stored data is damaged")    \
    X(UNAUTHENTICATED,  16,  "UNAUTHENTICATED",      "not authenticated")
/* clang-format on */

enum status {
#define X(name, code, wire, text) STATUS_##name = (code),
    STATUS_LIST(X)
#undef X
};

/* The gRPC spelling ("INVALID_ARGUMENT") and the text used when nobody said more. */
const char *status_name(enum status s);
const char *status_text(enum status s);

/* Leaves the enclosing function when step fails. For straight-line code with nothing to undo. */
#define TRY(step)                                                                                  \
    do {                                                                                           \
        enum status try_ = (step);                                                                 \
        if (try_ != STATUS_OK)                                                                     \
            return try_;                                                                           \
    } while (0)

#endif
