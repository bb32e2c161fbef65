/*
 * refusal: why a pure rule said no.
 *
 * The domain cannot record faults itself (it has no call): it returns a status and says why in one
 * of these; the service turns it into a field violation. Both texts are static and hold no value of
 * the input, so they may be logged.
 */
#ifndef DOMAIN_REFUSAL_H
#define DOMAIN_REFUSAL_H

#include "base/status.h"

struct refusal {
    const char *rule; /* stable id, e.g. "email.label"; NULL: nothing was refused */
    const char *text; /* what would be accepted, for people */
};

/* For `return refuse(why, "email.at", "...")`. */
static inline enum status refuse(struct refusal *why, const char *rule, const char *text)
{
    *why = (struct refusal){rule, text};
    return STATUS_INVALID;
}

/* As refuse, for an arena that is full. */
static inline enum status refuse_nomem(struct refusal *why)
{
    *why = (struct refusal){"memory", "the request needs more memory than it may use"};
    return STATUS_EXHAUSTED;
}

#endif
