/* Each batch is a unit and a call of its own, so that neither locks nor memory grow with the
 * tenant.
 */
#include "job/key_care.h"

#include "base/kill_point.h"
#include "obs/log.h"
#include "store/audit.h"
#include "store/key.h"

enum {
    TEND_LEASE_MS = 600000,
    REWRAP_LEASE_MS = 120000,
    BATCHES_MAX = 1 << 22, /* a billion rows: what bounds the loop is the end of the table */
};

typedef enum status (*run_fn)(struct store *s, struct call *c, enum store_mode mode,
                              store_unit_fn fn, void *arg);

struct tend {
    struct store *store;
    struct call *call; /* of the job */
    struct job *job;
    run_fn run; /* for a tenant, or for the service */
    struct key_state state;
    struct key_walk walk;
    bool renews;
    size_t n_retired, n_left;
};

/* On the trail of whose keys they are; the service's own for master keys. */
static enum status audit(struct tx *tx, char *action, size_t n)
{
    AuditEntry e = AUDIT_ENTRY_INIT;

    e.action = action;
    e.record_kind = "data_key";
    e.record_count = n > 1 ? (uint32_t)n : 0;
    return tx_audit(tx, &e);
}

static enum status tend_unit(struct call *c, struct tx *tx, void *arg)
{
    struct key_state *state = &((struct tend *)arg)->state;

    (void)c;
    TRY(tx_key_tend(tx, KEY_SHRED_S, state));
    return state->has_rotated ? audit(tx, "key.rotate", 1) : STATUS_OK;
}

/* The lease is extended with the batch, in its transaction. */
static enum status reseal_unit(struct call *c, struct tx *tx, void *arg)
{
    struct tend *t = arg;
    struct key_walk next = t->walk;

    (void)c;
    TRY(tx_key_reseal(tx, &next, KEY_RESEAL_MAX));
    kill_here(KILL_RESEAL_BATCH);
    if (t->renews)
        TRY(tx_job_renew(tx, t->job, (int64_t)TEND_LEASE_MS * 1000));
    t->walk = next;
    return STATUS_OK;
}

static enum status retire_unit(struct call *c, struct tx *tx, void *arg)
{
    struct tend *t = arg;

    (void)c;
    TRY(tx_key_retire(tx, KEY_GRACE_S, &t->n_retired, &t->n_left));
    return t->n_retired ? audit(tx, "key.destroy", t->n_retired) : STATUS_OK;
}

/* In a call of its own, with what the job's call says. */
static enum status run_batch(struct tend *t)
{
    struct call c;
    enum status s;

    call_init(&c, t->call->clock, CALL_ARENA_BYTES);
    c.deadline_ns = t->call->deadline_ns;
    c.cancelled = t->call->cancelled;
    c.principal = t->call->principal;
    c.trace = t->call->trace;
    c.method = t->call->method;
    s = t->run(t->store, &c, STORE_WRITE, reseal_unit, t);
    if (s != STATUS_OK)
        s = call_fail_as(t->call, s, c.fault.reason, "%s", c.fault.why);
    call_release(&c);
    return s;
}

static enum status reseal_all(struct tend *t)
{
    int64_t lease_ns = (int64_t)TEND_LEASE_MS * 1000000;

    for (int i = 0; i < BATCHES_MAX && !t->walk.is_done; i++) {
        t->renews = t->job->tenant_id && call_left_ns(t->call, lease_ns) < lease_ns / 2;
        TRY(run_batch(t));
        if (t->renews && t->call->deadline_ns)
            t->call->deadline_ns = call_monotonic_ns(t->call) + lease_ns;
    }
    return STATUS_OK;
}

static enum status tend(struct tend *t)
{
    struct call *c = t->call;

    TRY(t->run(t->store, c, STORE_WRITE, tend_unit, t));
    if (t->state.has_rotated)
        log_info(c, LOG_EVENT_KEY_ROTATED, F_INT("for_tenant", t->job->tenant_id));
    if (t->state.n_live < 2)
        return STATUS_OK;
    store_keys_forget(t->store, c->principal.tenant_id);
    TRY(reseal_all(t));
    kill_here(KILL_KEY_RETIRE);
    TRY(t->run(t->store, c, STORE_WRITE, retire_unit, t));
    log_info(c, LOG_EVENT_KEY_TENDED, F_INT("for_tenant", t->job->tenant_id),
             F_INT("resealed", (int64_t)t->walk.resealed),
             F_INT("damaged", (int64_t)t->walk.damaged), F_INT("destroyed", (int64_t)t->n_retired),
             F_INT("left", (int64_t)t->n_left));
    if (!t->n_retired)
        return STATUS_OK;
    store_keys_forget(t->store, c->principal.tenant_id);
    return store_scrub(t->store, c);
}

static enum status tend_tenant(void *self, struct call *c, struct job *job)
{
    return tend(&(struct tend){.store = self, .call = c, .job = job, .run = store_run});
}

static enum status rewrap_unit(struct call *c, struct tx *tx, void *arg)
{
    size_t *n = arg;

    (void)c;
    TRY(tx_key_rewrap(tx, n));
    return *n ? audit(tx, "key.rewrap", *n) : STATUS_OK;
}

static enum status rewrap(void *self, struct call *c, struct job *job)
{
    enum status s = store_keys_refresh(self, c);
    size_t n = KEY_REWRAP_MAX, all = 0;

    if (s != STATUS_OK) /* what was known stays in use: somebody has to look at the file */
        log_error(c, LOG_EVENT_MASTER_KEY_REFUSED, F_WHY(&c->fault));
    if (s == STATUS_PRECONDITION)
        call_clear(c);
    else if (s != STATUS_OK)
        return s;
    for (int i = 0; i < BATCHES_MAX && n == KEY_REWRAP_MAX; i++, all += n)
        TRY(store_run_system(self, c, STORE_WRITE, rewrap_unit, &n));
    if (all)
        log_info(c, LOG_EVENT_KEY_REWRAPPED, F_INT("keys", (int64_t)all));
    return tend(&(struct tend){.store = self, .call = c, .job = job, .run = store_run_system});
}

const struct job_kind key_tend = {.name = "key.tend",
                                  .handle = tend_tenant,
                                  .lease_ms = TEND_LEASE_MS,
                                  .attempts_max = 3,
                                  .first_ms = 5000,
                                  .most_ms = 300000,
                                  .limit = 2, /* it writes as much as the disk takes */
                                  .every_ms = 3600000,
                                  .scope = JOB_OF_TENANTS,
                                  .even_suspended = true}; /* old master keys go away */

const struct job_kind key_rewrap = {.name = "key.rewrap",
                                    .handle = rewrap,
                                    .lease_ms = REWRAP_LEASE_MS,
                                    .attempts_max = 3,
                                    .first_ms = 5000,
                                    .most_ms = 60000,
                                    .every_ms = 60000,
                                    .scope = JOB_OF_SERVICE};
