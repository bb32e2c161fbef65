/* Batches of one tenant after the other, each a unit in a call of its own. */
#include "job/audit_seal.h"

#include "obs/log.h"
#include "store/apart.h"
#include "store/audit.h"

enum {
    STEP_BYTES = 64 << 20, /* a batch of the largest entries */
    ROUNDS_MAX = 200,      /* batches of one tenant in one run: the others want their turn */
    TENANTS_MAX = 1 << 20,
};

static enum status seal_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_audit_seal(tx, arg);
}

enum status audit_seal(struct call *c, struct store *s, uint64_t *n_out)
{
    size_t n = AUDIT_BATCH_MAX;

    *n_out = 0;
    for (int i = 0; i < ROUNDS_MAX && n == AUDIT_BATCH_MAX; i++) {
        TRY(call_check(c));
        TRY(store_run_apart(s, c, STEP_BYTES, seal_unit, &n, STORE_WRITE));
        *n_out += n;
    }
    return STATUS_OK;
}

struct next_tenant {
    int64_t after, found;
};

static enum status next_unit(struct call *c, struct tx *tx, void *arg)
{
    struct next_tenant *k = arg;

    (void)c;
    return tx_audit_waiting(tx, k->after, &k->found);
}

/* Only a forged chain is passed over; what is transient ends the run, and the next one goes on. */
static enum status seal_one(struct call *c, struct store *s, int64_t tenant_id)
{
    uint64_t n;
    enum status r;

    c->principal.tenant_id = tenant_id;
    r = audit_seal(c, s, &n);
    c->principal.tenant_id = 0;
    if (r != STATUS_DATA_LOSS)
        return r;
    LOG_AT(c, LOG_ERROR, LOG_EVENT_AUDIT_REFUTED, F_INT("tenant", tenant_id),
           F_STR("reason", c->fault.reason), F_STR("why", c->fault.why));
    call_clear(c);
    return STATUS_OK;
}

enum status audit_seal_waiting(struct call *c, struct store *s)
{
    struct next_tenant next = {.found = -1};

    for (int i = 0; i < TENANTS_MAX; i++) {
        next.after = next.found;
        TRY(store_run_apart(s, c, STEP_BYTES, next_unit, &next, STORE_READ));
        if (next.found < 0)
            return STATUS_OK;
        TRY(seal_one(c, s, next.found));
    }
    return STATUS_OK;
}

static enum status handle(void *self, struct call *c, struct job *job)
{
    (void)job;
    return audit_seal_waiting(c, self);
}

const struct job_kind audit_seal_job = {.name = "audit.seal",
                                        .handle = handle,
                                        .lease_ms = 60000,
                                        .attempts_max = 3,
                                        .first_ms = 1000,
                                        .most_ms = 10000,
                                        .every_ms = AUDIT_SEAL_EVERY_MS,
                                        .scope = JOB_OF_SERVICE};
