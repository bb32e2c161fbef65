/* tenant_name: tenants by number, so that a job's call says whose it is, and jobs of suspended ones
 * wait. */
#ifndef JOB_TENANT_NAME_H
#define JOB_TENANT_NAME_H

#include "store/store.h"

enum { TENANT_NAMES = 1024, TENANT_NAME_TTL_S = 10 /* as credentials: AUTH_CACHE_TTL_MS */ };

struct tenant_name {
    int64_t tenant_id, until_us;
    bool is_suspended;
    char name[TENANT_NAME_BYTES + 1]; /* "": there is no such tenant, or it is the service */
};

/* A direct-mapped cache; zeroed, it is empty. Not thread-safe. */
struct tenant_names {
    struct tenant_name slots[TENANT_NAMES];
};

/* *out is borrowed from names until the next call. tx: a unit of store_run_system. */
MUST_CHECK enum status tenant_names_get(struct tenant_names *names, struct tx *tx,
                                        int64_t tenant_id, const struct tenant_name **out);

#endif
