/* job_held: how many jobs of a kind each tenant holds under lease; private to this layer. */
#ifndef SQL_JOB_HELD_H
#define SQL_JOB_HELD_H

#include "sql/tx.h"

enum { JOB_HOLDERS_MAX = 256 };

struct job_holders {
    int64_t tenants[JOB_HOLDERS_MAX]; /* [n] */
    size_t held[JOB_HOLDERS_MAX];     /* [n] under lease */
    size_t n;
    size_t most;   /* that any tenant holds */
    size_t others; /* that one who is not listed may hold */
};

/* Those with the most leases that run at now_us, of all processes. The service is no tenant. */
MUST_CHECK enum status job_holders_read(struct tx *tx, str kind, int64_t now_us,
                                        struct job_holders *out);

/* How many more of `most` the tenant may have. */
size_t job_holders_room(const struct job_holders *h, int64_t tenant_id, size_t most);

/* It got n more. */
void job_holders_add(struct job_holders *h, int64_t tenant_id, size_t n);

#endif
