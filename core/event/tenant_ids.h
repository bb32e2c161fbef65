/* tenant_ids: the public id behind the number that rows of a tenant carry. For one thread. */
#ifndef EVENT_TENANT_IDS_H
#define EVENT_TENANT_IDS_H

#include "store/store.h"

enum { TENANT_IDS_MAX = 1024 }; /* remembered; others are looked up again */

struct tenant_ids {
    struct store *store;
    struct tenant_id {
        int64_t number; /* 0: free */
        char id[UUID_TEXT_BYTES + 1];
    } names[TENANT_IDS_MAX];
};

/* The UUID text in c->arena; the nil UUID when the tenant is gone. */
MUST_CHECK enum status tenant_ids_get(struct tenant_ids *t, struct call *c, int64_t number,
                                      str *out);

#endif
