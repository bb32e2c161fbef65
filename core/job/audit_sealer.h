/*
 * audit_sealer: seals what this process writes, a quarter of a second later. A thread; no request
 * waits for it, and it costs a request one look at a table.
 *
 * The periodic job (job/audit_seal.h) is its safety net: it seals what a process left that died,
 * and what found no place in the table. Several processes may seal one tenant: the store lets one
 * go first.
 */
#ifndef JOB_AUDIT_SEALER_H
#define JOB_AUDIT_SEALER_H

#include "store/store.h"

struct audit_sealer;

enum {
    AUDIT_SOON_MS = 250,       /* after the first entry: others come with it under one signature */
    AUDIT_SOON_TENANTS = 4096, /* that wait at once; a power of two */
};

/* Watches the store's units from now on (store_watch_audit), so no unit may run yet; what earlier
 * processes left is sealed first. NULL: no memory, or no thread. */
struct audit_sealer *audit_sealer_new(struct store *s);

/* Seals what waits, at most for some seconds, and frees. No unit may run any more. NULL is allowed.
 */
void audit_sealer_free(struct audit_sealer *a);

#endif
