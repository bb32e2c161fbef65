/* tenant_name: names of tenants by number, so that a job's call says whose it is. */
#ifndef JOB_TENANT_NAME_H
#define JOB_TENANT_NAME_H

#include "store/store.h"

enum { TENANT_NAMES = 1024, TENANT_NAME_TTL_S = 300 };

struct tenant_name {
    int64_t tenant_id, until_us;
    char name[TENANT_NAME_BYTES + 1];
};

/* A direct-mapped cache; zeroed, it is empty. Not thread-safe. */
struct tenant_names {
    struct tenant_name slots[TENANT_NAMES];
};

/* The name, "" when there is no such tenant; borrowed from names until the next call. tx: a unit of
 * store_run_system. */
MUST_CHECK enum status tenant_names_get(struct tenant_names *names, struct tx *tx,
                                        int64_t tenant_id, const char **out);

#endif
