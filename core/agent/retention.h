/*
 * retention: what is older than the tenant's policy keeps it is erased, by class of data
 * (domain/compliance.h has the defaults and bounds). What hangs on a lead under legal hold stays.
 *
 *   LEAD      as DeleteLead, by the time of the last change
 *   ACTIVITY  the record, by the time of the last change; e-mails too
 *   DECISION  proposals and recommendations, by the time of the last change
 *   DEAL      the record, closed or not, by the time of the last change, and its activities that
 *             name no lead
 *   DECISION  the record, by the time it was taken
 *   ENRICHMENT  the record, by the time it was asked about last
 *   AUDIT     the oldest entries, signed as gone; never younger than 183 days
 *
 * Events expire by the window of the bus (docs/events.md).
 */
#ifndef AGENT_RETENTION_H
#define AGENT_RETENTION_H

#include "agent/context.h"
#include "job/engine.h"

enum {
    RETENTION_PAGE = 50,          /* records of one unit */
    RETENTION_PAGES_MAX = 2000,   /* of one class and run; the rest waits for the next */
    RETENTION_EVERY_MS = 21600000 /* six hours */
};

struct retention_counts {
    uint64_t leads, activities, deals, decisions, emails, proposals, enrichments, recommendations;
    uint64_t audit, held;
};

/* Expires what is due, under a call of the tenant. Units are short and of calls of their own. */
MUST_CHECK enum status retention_run(struct call *c, struct agents *a,
                                     struct retention_counts *out);

/* For the engine; self is the agents. */
extern const struct job_kind retention_kind;

#endif
