/* The table of kinds. A new kind of job is one row here. */
#include "server/jobs.h"

#include <assert.h>
#include <stddef.h>

#include "agent/enrichment_refresh.h"
#include "agent/proposal_run.h"
#include "agent/recommendation.h"
#include "agent/retention.h"
#include "agent/webhook_lane.h"
#include "agent/webhook_sweep.h"
#include "job/audit_seal.h"
#include "job/house.h"
#include "job/key_care.h"
#include "server/language.h"
#include "workflow/rescore.h"
#include "workflow/training.h"

/* clang-format off */
#define ROLE(name) (1 << CONFIG_ROLE_##name)
#define PART(name) offsetof(struct job_parts, name)

static const struct {
    const struct job_kind *kind;
    uint32_t roles; /* processes with one of these roles run it */
    size_t self;    /* the part that its handler gets */
} rows[] = {
    /* kind                  roles        self */
    {&audit_seal_job,        ROLE(LEAD),  PART(store)},
    {&house_expire_answers,  ROLE(LEAD),  PART(store)},
    {&house_expire_spend,    ROLE(LEAD),  PART(store)},
    {&house_scrub,           ROLE(LEAD),  PART(store)},
    {&webhook_lane_kind,     ROLE(EMAIL), PART(agents)},
    {&webhook_sweep_kind,    ROLE(LEAD),  PART(agents)},
    {&key_tend,              ROLE(LEAD),  PART(store)},
    {&key_rewrap,            ROLE(LEAD),  PART(store)},
    {&retention_kind,        ROLE(LEAD),  PART(agents)},
    {&training_kind,         ROLE(LEAD),  PART(agents)},
    {&training_check_kind,   ROLE(LEAD),  PART(agents)},
    {&proposal_run_kind,     ROLE(LEAD),  PART(agents)},
    {&proposal_expire_kind,  ROLE(LEAD),  PART(agents)},
    {&proposal_calendar_kind, ROLE(LEAD), PART(agents)},
    {&language_check_models, ROLE(LEAD),  PART(language)},
    {&enrichment_refresh_kind, ROLE(LEAD), PART(agents)},
    {&rescore_night_kind,    ROLE(LEAD),  PART(rescore)},
    {&rescore_apply_kind,    ROLE(LEAD),  PART(rescore)},
    {&recommendation_due_kind, ROLE(LEAD), PART(agents)},
};
/* clang-format on */

enum { ROWS = sizeof rows / sizeof *rows };

static size_t bind(const struct config *config, const struct job_parts *parts,
                   struct job_binding out[ROWS])
{
    size_t n = 0;

    for (size_t i = 0; i < ROWS; i++) {
        void *self = *(void *const *)((const char *)parts + rows[i].self);

        assert(self); /* a part that main forgot would crash the first run of the kind */
        if (config->roles & rows[i].roles)
            out[n++] = (struct job_binding){rows[i].kind, self};
    }
    return n;
}

/* Half of the workers, where nothing is said: of a kind, which has three quarters of them, that
 * leaves some to other tenants. */
static size_t tenant_jobs(const struct config *config)
{
    return (size_t)(config->job_tenant ? config->job_tenant : (config->job_workers + 1) / 2);
}

enum status jobs_start(struct call *c, const struct config *config, const struct job_parts *parts,
                       struct job_engine **out)
{
    struct job_binding kinds[ROWS];
    size_t n = bind(config, parts, kinds);

    *out = NULL;
    if (!n || !config->job_workers)
        return STATUS_OK;
    TRY(job_engine_open(c,
                        &(struct job_engine_options){.store = parts->store,
                                                     .metrics = parts->metrics,
                                                     .kinds = kinds,
                                                     .n_kinds = n,
                                                     .n_workers = (size_t)config->job_workers,
                                                     .tenant_jobs = tenant_jobs(config),
                                                     .poll_ms = config->job_poll},
                        out));
    TRY(job_engine_plan(*out, c));
    return job_engine_start(*out, c);
}

enum status jobs_stop(struct call *c, struct job_engine *e, int64_t grace_ms)
{
    int64_t began_ns = call_monotonic_ns(c);
    enum status s;

    if (!e)
        return STATUS_OK;
    s = job_engine_stop(e, grace_ms);
    log_info(c, LOG_EVENT_JOBS_DRAINED, F_STR("result", status_name(s)),
             F_NS("took", call_monotonic_ns(c) - began_ns));
    return s;
}
