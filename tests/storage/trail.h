/* trail: what tests of the audit trail do over and over. */
#ifndef STORAGE_TRAIL_H
#define STORAGE_TRAIL_H

#include "storage/store_test.h"
#include "store/audit.h"

/* What a whole verification says, as VerifyAudit does it. */
struct verdict {
    AuditProblem problem;
    uint64_t sequence, checked, unsealed;
    struct audit_state state;
};
struct verdict trail_verify(struct fixture *f);

/* Seals all that waits; how many. */
size_t trail_seal(struct fixture *f);

/* The entries, oldest first, at most PAGE_SIZE_MAX; *n_out is how many. */
AuditEntry **trail_list(struct fixture *f, const char *filter, size_t *n_out);

/* Inserts n leads, one unit each. */
void trail_leads(struct fixture *f, int n);

#endif
