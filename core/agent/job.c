/* Jobs of the unit's tenant; those of the service are the operator's log's and metrics' business.
 */
#include "agent/job.h"

#include <assert.h>

#include "agent/instant.h"
#include "agent/mutation.h"
#include "store/audit.h"
#include "store/job.h"

static const JobState shown[] = {
    [JOB_WAITING] = JOB_STATE_WAITING,
    [JOB_LEASED] = JOB_STATE_RUNNING,
    [JOB_PARKED] = JOB_STATE_PARKED,
};

/* Bits of struct job_query. */
static uint32_t states_of(JobState wish)
{
    uint32_t bits = 0;

    for (unsigned i = 0; i < sizeof shown / sizeof *shown; i++)
        if (shown[i] == wish)
            bits |= 1U << i;
    return bits;
}

static enum status show(struct call *c, const struct job *j, Job **out)
{
    Job *m = NEW(&c->arena, Job, 1);

    *out = m;
    if (!m)
        return call_nomem(c);
    *m = (Job)JOB_INIT;
    m->id = uuid_text(&c->arena, j->id);
    m->kind = arena_cstr(&c->arena, j->kind);
    m->key = arena_cstr(&c->arena, j->key);
    m->reason = arena_cstr(&c->arena, j->reason);
    if (!m->id || !m->kind || !m->key || !m->reason)
        return call_nomem(c);
    m->state = shown[j->state];
    m->attempts = (uint32_t)j->attempts;
    TRY(instant_new(c, j->create_us, &m->create_time));
    TRY(instant_new(c, j->update_us, &m->update_time));
    return instant_new(c, j->due_us, &m->due_time);
}

struct listing {
    struct job_query query;
    struct job_list jobs;
};

static enum status list_unit(struct call *c, struct tx *tx, void *arg)
{
    struct listing *k = arg;

    (void)c;
    return tx_job_list(tx, &k->query, &k->jobs);
}

enum status job_list(struct call *c, struct agents *a, const ListJobsRequest *in,
                     ListJobsResponse *out)
{
    size_t size = in->page_size ? (size_t)in->page_size : PAGE_SIZE_DEFAULT;
    struct listing k = {
        .query = {.kind = str_of(in->kind), .states = states_of(in->state), .limit = size}};

    if (*in->page_token && !uuid_parse(str_of(in->page_token), &k.query.after_id)) {
        call_detail(c, FAULT_FIELD, "page_token", STR("page_token"), "a token of this list");
        return call_fail_as(c, STATUS_INVALID, "VALIDATION", "the page token is not of this list");
    }
    TRY(store_run(a->store, c, STORE_READ, list_unit, &k));
    out->jobs = NEW(&c->arena, Job *, k.jobs.n_jobs + 1);
    if (!out->jobs)
        return call_nomem(c);
    for (size_t i = 0; i < k.jobs.n_jobs; i++)
        TRY(show(c, &k.jobs.jobs[i], &out->jobs[i]));
    out->n_jobs = k.jobs.n_jobs;
    if (out->n_jobs == size)
        out->next_page_token = out->jobs[size - 1]->id;
    return STATUS_OK;
}

struct retrying {
    const RetryJobRequest *in;
    RetryJobResponse *out;
};

static enum status retry_unit(struct call *c, struct tx *tx, void *arg)
{
    const struct retrying *k = arg;
    str kind = str_of(k->in->kind), key = str_of(k->in->key);
    AuditEntry e = AUDIT_ENTRY_INIT;
    struct job job;

    TRY(tx_job_unpark(tx, kind, key, 0));
    TRY(tx_job_get(tx, kind, key, &job));
    TRY(show(c, &job, &k->out->job));
    e.record_kind = "job";
    e.record_id = k->out->job->id;
    return tx_audit(tx, &e);
}

enum status job_retry(struct call *c, struct agents *a, const RetryJobRequest *in,
                      RetryJobResponse *out)
{
    struct retrying k = {in, out};

    return mutate(c, a, &(struct mutation){.unit = retry_unit, .arg = &k, .answer = &out->base});
}
