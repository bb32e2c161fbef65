/*
 * Periodic jobs are rows like all others: two processes that plan the same one make one. Those of
 * tenants are put by a periodic job too, so that a new tenant gets its own within a minute.
 */
#include "job/internal.h"
#include "obs/log.h"
#include "store/records.h"

enum {
    PLAN_EVERY_MS = 60000,
    SPREAD_MAX_MS = 60000, /* first times of tenants are spread over a period, at most this long */
    PAGES_MAX = 100000,    /* of PAGE_SIZE_MAX tenants */
};

struct plan {
    struct job_engine *engine;
    char *page_token;
    size_t n_damaged; /* tenants whose record does not open: nothing is planned for them */
    bool is_over;
};

static enum status put_of_tenant(struct call *c, struct tx *tx, const struct job_kind *k,
                                 int64_t tenant_id)
{
    int64_t spread_ms = k->every_ms < SPREAD_MAX_MS ? k->every_ms : SPREAD_MAX_MS;
    struct job_put put = {.tenant_id = tenant_id, .kind = str_of(k->name), .rule = JOB_KEEP};
    uint64_t random;

    if (!k->every_ms || k->scope != JOB_OF_TENANTS)
        return STATUS_OK;
    c->clock->random(c->clock, &random, sizeof random);
    put.due_us = call_now_us(c) + (int64_t)(random % (uint64_t)(spread_ms * 1000 + 1));
    return tx_job_put(tx, &put);
}

/* One page of tenants. */
static enum status tenants_unit(struct call *c, struct tx *tx, void *arg)
{
    struct plan *p = arg;
    struct list_query q = {
        .page_size = PAGE_SIZE_MAX, .page_token = str_of(p->page_token), .skips_damaged = true};
    struct list_page page;

    TRY(tx_list(tx, RECORD_TENANT, &q, &page));
    for (size_t i = 0; i < page.n_items; i++)
        for (size_t k = 0; k < p->engine->n_kinds; k++)
            TRY(put_of_tenant(c, tx, p->engine->kinds[k].row,
                              ((const TenantRecord *)page.items[i])->number));
    p->n_damaged += page.n_damaged;
    p->page_token = page.next_page_token;
    p->is_over = !page.next_page_token[0];
    return STATUS_OK;
}

static bool has_kinds_of_tenants(const struct job_engine *e)
{
    for (size_t i = 0; i < e->n_kinds; i++)
        if (e->kinds[i].row->every_ms && e->kinds[i].row->scope == JOB_OF_TENANTS)
            return true;
    return false;
}

static enum status plan_tenants(void *self, struct call *c, struct job *job)
{
    struct plan p = {.engine = self, .page_token = ""};

    (void)job;
    if (!has_kinds_of_tenants(p.engine))
        return STATUS_OK;
    for (int i = 0; i < PAGES_MAX && !p.is_over; i++) {
        struct plan page = p; /* a unit that runs again begins with the same page */

        TRY(store_run_system(p.engine->store, c, STORE_WRITE, tenants_unit, &page));
        p = page;
    }
    if (p.n_damaged)
        log_error(c, LOG_EVENT_TENANT_DAMAGED, F_INT("tenants", (int64_t)p.n_damaged));
    if (p.engine->metrics)
        series_set(p.engine->damaged, (int64_t)p.n_damaged);
    return STATUS_OK;
}

const struct job_kind plan_kind = {.name = "job.plan",
                                   .handle = plan_tenants,
                                   .lease_ms = 60000,
                                   .attempts_max = 5,
                                   .first_ms = 1000,
                                   .most_ms = 30000,
                                   .every_ms = PLAN_EVERY_MS,
                                   .scope = JOB_OF_SERVICE};

static enum status service_unit(struct call *c, struct tx *tx, void *arg)
{
    const struct job_engine *e = arg;

    (void)c;
    for (size_t i = 0; i < e->n_kinds; i++)
        if (e->kinds[i].row->every_ms && e->kinds[i].row->scope == JOB_OF_SERVICE)
            TRY(tx_job_put(
                tx,
                &(struct job_put){.kind = str_of(e->kinds[i].row->name),
                                  .rule = e->kinds[i].row == &plan_kind ? JOB_EARLIER : JOB_KEEP}));
    return STATUS_OK;
}

enum status job_engine_plan(struct job_engine *e, struct call *c)
{
    return store_run_system(e->store, c, STORE_WRITE, service_unit, e);
}
