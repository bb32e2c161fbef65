/* audit: the trail for those who may read it, and the sealer. Contract of the trail: store/audit.h.
 */
#ifndef AGENT_AUDIT_H
#define AGENT_AUDIT_H

#include "agent/context.h"
#include "sales/v1/admin.h"
#include "store/audit.h"

/* A page, cut to what fits into a message: entries of imports are large. */
MUST_CHECK enum status audit_list(struct call *c, struct agents *a,
                                  const ListAuditEntriesRequest *in, ListAuditEntriesResponse *out);

/* Walks the chain in units of AUDIT_BATCH_MAX entries, in the memory of one. A long trail is
 * checked in ranges, or DEADLINE ends it: docs/audit.md has the rates. What is wrong with the trail
 * is the answer, not a failure. */
MUST_CHECK enum status audit_verify(struct call *c, struct agents *a, const VerifyAuditRequest *in,
                                    VerifyAuditResponse *out);

#endif
