/* audit_seal: gives the entries of audit trails their place, see store/audit.h. */
#ifndef JOB_AUDIT_SEAL_H
#define JOB_AUDIT_SEAL_H

#include "job/engine.h"

enum { AUDIT_SEAL_EVERY_MS = 5000 }; /* how long an entry has no seal, at most, while all is well */

/* Seals what waits on the trail of the call's tenant (0: the service's). *n_out: entries sealed. */
MUST_CHECK enum status audit_seal(struct call *c, struct store *s, uint64_t *n_out);

/* The same for the trails of all tenants, under a call of nobody's. */
MUST_CHECK enum status audit_seal_waiting(struct call *c, struct store *s);

/* Periodic, one for all tenants; self: the struct store. A trail whose end is forged is left alone
 * and said to the log (audit.refuted); it does not hold up the others. */
extern const struct job_kind audit_seal_job;

#endif
