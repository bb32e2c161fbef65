/* What admins see of their jobs, and what they may do about them, on both engines. */
#include <stdio.h>

#define STORE_SUITE job_admin
#include "agent/job.h"
#include "sales/v1/audit.h"
#include "storage/store_test.h"
#include "store/audit.h"
#include "store/job.h"

#define PAYLOAD "nobody is to see this"

static enum status put_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    for (const char *const *key = arg; *key; key++)
        TRY(tx_job_put(tx, &(struct job_put){.kind = STR("test.kind"),
                                             .key = str_of(*key),
                                             .payload = STR(PAYLOAD)}));
    return STATUS_OK;
}

struct fate {
    struct job_list jobs;
    const char *park; /* key */
};

static enum status claim_unit(struct call *c, struct tx *tx, void *arg)
{
    struct job_want want = {
        .kind = STR("test.kind"), .limit = 10, .lease_us = 60000000, .turn = -1};

    (void)c;
    return tx_job_claim(tx, &want, 1, &((struct fate *)arg)->jobs);
}

static enum status end_unit(struct call *c, struct tx *tx, void *arg)
{
    struct fate *k = arg;

    (void)c;
    for (size_t i = 0; i < k->jobs.n_jobs; i++)
        if (str_eq(k->jobs.jobs[i].key, str_of(k->park)))
            TRY(tx_job_park(tx, &k->jobs.jobs[i], STR("TARGET_GONE")));
        else if (!str_eq(k->jobs.jobs[i].key, STR("running")))
            TRY(tx_job_release(tx, &k->jobs.jobs[i]));
    return STATUS_OK;
}

/* Three jobs of tenant 1 in three states, and one of tenant 2. */
static struct agents set_up(struct fixture *f)
{
    const char *keys[] = {"waiting", "running", "parked", NULL}, *foreign[] = {"foreign", NULL};
    struct fate fate = {.park = "parked"};
    struct agents a;

    f->call.principal.roles = ROLE_BIT_ADMIN;
    f->call.method = "sales.v1.Admin/RetryJob";
    cr_assert_eq(agents_init(&f->call, &a, f->store), STATUS_OK);
    cr_assert_eq(store_run(f->store, &f->call, STORE_WRITE, put_unit, keys), STATUS_OK, "%s",
                 f->call.fault.why);
    cr_assert_eq(store_run_system(f->store, &f->call, STORE_TAKE, claim_unit, &fate), STATUS_OK,
                 "%s", f->call.fault.why);
    cr_assert_eq(fate.jobs.n_jobs, 3);
    cr_assert_eq(store_run(f->store, &f->call, STORE_WRITE, end_unit, &fate), STATUS_OK, "%s",
                 f->call.fault.why);
    f->call.principal.tenant_id = 2;
    cr_assert_eq(store_run(f->store, &f->call, STORE_WRITE, put_unit, foreign), STATUS_OK, "%s",
                 f->call.fault.why);
    f->call.principal.tenant_id = 1;
    return a;
}

static ListJobsResponse list(struct fixture *f, struct agents *a, ListJobsRequest in)
{
    ListJobsResponse out = LIST_JOBS_RESPONSE_INIT;

    cr_assert_eq(job_list(&f->call, a, &in, &out), STATUS_OK, "%s", f->call.fault.why);
    return out;
}

STORE_TEST(lists_show_the_state_and_the_reason_of_own_jobs)
{
    static const struct {
        const char *key, *reason;
        JobState state;
        uint32_t attempts;
    } rows[] = {{"waiting", "", JOB_STATE_WAITING, 0},
                {"running", "", JOB_STATE_RUNNING, 1},
                {"parked", "TARGET_GONE", JOB_STATE_PARKED, 1}};
    struct agents a = set_up(f);
    ListJobsRequest in = LIST_JOBS_REQUEST_INIT;
    ListJobsResponse all = list(f, &a, in);

    cr_assert_eq(all.n_jobs, 3);
    cr_assert_str_empty(all.next_page_token);
    for (size_t i = 0; i < 3; i++) {
        const Job *j = all.jobs[i];
        ListJobsResponse one;

        cr_assert_str_eq(j->key, rows[i].key);
        cr_assert_str_eq(j->kind, "test.kind");
        cr_assert_str_eq(j->reason, rows[i].reason);
        cr_assert(j->state == rows[i].state && j->attempts == rows[i].attempts, "%s", j->key);
        cr_assert(j->due_time && j->create_time && j->update_time);
        in.state = rows[i].state;
        one = list(f, &a, in);
        cr_assert(one.n_jobs == 1 && !strcmp(one.jobs[0]->id, j->id), "%s", j->key);
    }
    agents_release(&a);
}

STORE_TEST(lists_come_in_pages_and_by_kind)
{
    struct agents a = set_up(f);
    ListJobsRequest in = LIST_JOBS_REQUEST_INIT;
    ListJobsResponse out = LIST_JOBS_RESPONSE_INIT;

    in.page_size = 2;
    out = list(f, &a, in);
    cr_assert_eq(out.n_jobs, 2);
    in.page_token = out.next_page_token;
    out = list(f, &a, in);
    cr_assert(out.n_jobs == 1 && !strcmp(out.jobs[0]->key, "parked"));
    cr_assert_str_empty(out.next_page_token);
    in.page_token = "";
    in.kind = "other.kind";
    cr_assert_eq(list(f, &a, in).n_jobs, 0);
    in.page_token = "no token";
    cr_assert_eq(job_list(&f->call, &a, &in, &out), STATUS_INVALID);
    cr_assert(has_detail(&f->call, "page_token", NULL));
    agents_release(&a);
}

static enum status trail_unit(struct call *c, struct tx *tx, void *arg)
{
    const struct list_query q = {.page_size = 100};
    struct list_page page;
    size_t *n = arg;

    (void)c;
    *n = 0;
    TRY(tx_audit_list(tx, &q, &page));
    for (size_t i = 0; i < page.n_items; i++)
        *n += !strcmp(((const AuditEntry *)page.items[i])->record_kind, "job");
    return STATUS_OK;
}

static size_t entries(struct fixture *f)
{
    size_t n;

    cr_assert_eq(store_run(f->store, &f->call, STORE_READ, trail_unit, &n), STATUS_OK, "%s",
                 f->call.fault.why);
    return n;
}

STORE_TEST(what_was_given_up_runs_again_and_leaves_an_entry)
{
    static char *const not_parked[] = {"waiting", "running", "foreign", "none"};
    struct agents a = set_up(f);
    RetryJobRequest in = RETRY_JOB_REQUEST_INIT;
    RetryJobResponse out = RETRY_JOB_RESPONSE_INIT;

    in.kind = "test.kind";
    for (size_t i = 0; i < sizeof not_parked / sizeof *not_parked; i++) {
        in.key = not_parked[i];
        cr_assert_eq(job_retry(&f->call, &a, &in, &out), STATUS_NOT_FOUND, "%s", in.key);
        call_clear(&f->call);
    }
    cr_assert_eq(entries(f), 0);
    in.key = "parked";
    cr_assert_eq(job_retry(&f->call, &a, &in, &out), STATUS_OK, "%s", f->call.fault.why);
    cr_assert(out.job->state == JOB_STATE_WAITING && out.job->attempts == 0);
    cr_assert_eq(entries(f), 1);
    agents_release(&a);
}
