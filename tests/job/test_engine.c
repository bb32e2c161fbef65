/* The engine without threads, under a clock that stands still: what becomes of a job, and when. */
#include <stdio.h>

#define STORE_SUITE job_engine
#include "job/engine.h"
#include "obs/metrics.h"
#include "storage/store_test.h"
#include "store/records.h"

enum { LEASE_MS = 60000, FIRST_MS = 1000, MOST_MS = 60000, ATTEMPTS = 5, EVERY_MS = 10000 };

static int64_t now_us;

static int64_t fake_now(const struct clock_ops *c)
{
    (void)c;
    return now_us;
}

static int64_t fake_monotonic(const struct clock_ops *c)
{
    (void)c;
    return now_us * 1000;
}

static void fake_random(const struct clock_ops *c, void *out, size_t n)
{
    (void)c;
    system_clock.random(&system_clock, out, n);
}

static const struct clock_ops fake_clock = {fake_now, fake_monotonic, fake_random};

/* What the next runs of a handler do, and what they saw. */
struct script {
    struct store *store;
    enum status result;
    const char *reason;
    int64_t retry_after_ms;
    enum { LEAVE_IT, END_IT, END_AND_FAIL, LOSE_IT } unit;
    int n_runs;
    struct principal who;
    int64_t left_ms, attempts;
    char key[64], payload[64];
    int order[64]; /* tenants, as they came */
};

static enum status effect_unit(struct call *c, struct tx *tx, void *arg)
{
    int64_t n;

    (void)c;
    TRY(tx_counter_next(tx, "effect", &n));
    return tx_job_done(tx, arg);
}

static enum status play(void *self, struct call *c, struct job *job)
{
    struct script *s = self;

    s->who = c->principal;
    s->left_ms = call_left_ns(c, INT64_MAX) / 1000000;
    s->attempts = job->attempts;
    snprintf(s->key, sizeof s->key, STR_FMT, STR_ARG(job->key));
    snprintf(s->payload, sizeof s->payload, STR_FMT, STR_ARG(job->payload));
    s->order[s->n_runs++ % 64] = (int)job->tenant_id;
    if (s->unit == LOSE_IT)
        job->fence--;
    if (s->unit != LEAVE_IT)
        TRY(store_run(s->store, c, STORE_WRITE, effect_unit, job));
    if (s->retry_after_ms)
        call_retry_after(c, s->retry_after_ms);
    return s->result == STATUS_OK ? STATUS_OK
                                  : call_fail_as(c, s->result, s->reason, "as the script says");
}

static const struct job_kind once_kind = {.name = "test.once",
                                          .handle = play,
                                          .lease_ms = LEASE_MS,
                                          .attempts_max = ATTEMPTS,
                                          .first_ms = FIRST_MS,
                                          .most_ms = MOST_MS},
                             service_kind = {.name = "test.service",
                                             .handle = play,
                                             .lease_ms = LEASE_MS,
                                             .attempts_max = 2,
                                             .first_ms = FIRST_MS,
                                             .most_ms = FIRST_MS,
                                             .every_ms = EVERY_MS,
                                             .scope = JOB_OF_SERVICE},
                             tenant_kind = {.name = "test.tenant",
                                            .handle = play,
                                            .lease_ms = LEASE_MS,
                                            .attempts_max = 2,
                                            .first_ms = FIRST_MS,
                                            .most_ms = FIRST_MS,
                                            .every_ms = EVERY_MS,
                                            .scope = JOB_OF_TENANTS};

static struct script script;

static struct job_engine *open_engine(struct fixture *f, const struct job_kind *kind)
{
    const struct job_binding kinds[] = {{kind, &script}};
    struct job_engine *e;

    now_us = system_clock.now_us(&system_clock) / 1000 * 1000;
    f->call.clock = &fake_clock;
    script = (struct script){.store = f->store};
    cr_assert_eq(job_engine_open(&f->call,
                                 &(struct job_engine_options){.store = f->store,
                                                              .clock = &fake_clock,
                                                              .kinds = kinds,
                                                              .n_kinds = kind ? 1 : 0,
                                                              .n_workers = 4,
                                                              .poll_ms = 1000},
                                 &e),
                 STATUS_OK);
    return e;
}

static void close_engine(struct job_engine *e)
{
    cr_assert_eq(job_engine_stop(e, 0), STATUS_OK);
    job_engine_close(e);
}

static size_t turn(struct job_engine *e)
{
    size_t n;

    cr_assert_eq(job_engine_turn(e, &n), STATUS_OK);
    return n;
}

static enum status put_unit_(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_job_put(tx, arg);
}

static void put(struct fixture *f, const char *key)
{
    struct job_put p = {.kind = STR("test.once"), .key = str_of(key), .payload = STR("what")};

    RUN(f, STORE_WRITE, put_unit_, &p, STATUS_OK);
}

struct getting {
    str kind, key;
    struct job job;
};

static enum status get_unit_(struct call *c, struct tx *tx, void *arg)
{
    struct getting *g = arg;

    (void)c;
    return tx_job_get(tx, g->kind, g->key, &g->job);
}

static struct job get(struct fixture *f, const char *key)
{
    struct getting g = {STR("test.once"), str_of(key), {0}};

    RUN(f, STORE_READ, get_unit_, &g, STATUS_OK);
    return g.job;
}

static long long n_jobs(struct fixture *f)
{
    return fixture_number(f, "SELECT COUNT(*) FROM job");
}

STORE_TEST(a_handler_runs_as_the_job_of_its_tenant)
{
    struct job_engine *e = open_engine(f, &once_kind);

    put(f, "k");
    cr_assert_eq(turn(e), 1);
    cr_assert_eq(script.n_runs, 1);
    cr_assert_eq(script.who.tenant_id, 1);
    cr_assert_eq(script.who.kind, ACTOR_SYSTEM);
    cr_assert_eq(script.who.roles, 0);
    cr_assert_str_eq(script.who.subject, "job:test.once");
    cr_assert_eq(script.left_ms, LEASE_MS);
    cr_assert_str_eq(script.key, "k");
    cr_assert_str_eq(script.payload, "what");
    cr_assert_eq(n_jobs(f), 0, "the engine ends what its handler leaves");
    cr_assert_eq(turn(e), 0);
    close_engine(e);
}

STORE_TEST(an_effect_and_its_end_happen_once)
{
    struct job_engine *e = open_engine(f, &once_kind);

    put(f, "k");
    script.unit = END_IT;
    cr_assert_eq(turn(e), 1);
    cr_assert_eq(n_jobs(f), 0);
    put(f, "k"); /* a failure after the end changes nothing */
    script.unit = END_AND_FAIL;
    script.result = STATUS_UNAVAILABLE;
    cr_assert_eq(turn(e), 1);
    cr_assert_eq(n_jobs(f), 0);
    put(f, "k"); /* not ours any more: no effect, and it stays with who has it */
    script.unit = LOSE_IT;
    cr_assert_eq(turn(e), 1);
    cr_assert_eq(get(f, "k").state, JOB_LEASED);
    cr_assert_eq(fixture_number(f, "SELECT value FROM counter WHERE name = 'effect'"), 2);
    close_engine(e);
}

/* The pause before attempt n + 1 is first * 2^(n-1), at most the most, and of that at least half.
 */
STORE_TEST(a_transient_failure_is_retried_with_growing_pauses_and_then_parked)
{
    struct job_engine *e = open_engine(f, &once_kind);
    int64_t most_us = FIRST_MS * 1000, pause_us;

    put(f, "k");
    script.result = STATUS_UNAVAILABLE;
    script.reason = "TARGET_DOWN";
    for (int attempt = 1; attempt < ATTEMPTS; attempt++) {
        cr_assert_eq(turn(e), 1, "attempt %d", attempt);
        cr_assert_eq(script.attempts, attempt);
        cr_assert_eq(get(f, "k").state, JOB_WAITING);
        cr_assert(str_eq(get(f, "k").reason, STR("TARGET_DOWN")));
        pause_us = get(f, "k").due_us - now_us;
        cr_assert(pause_us >= most_us / 2 && pause_us <= most_us, "attempt %d: %lld of %lld",
                  attempt, (long long)pause_us, (long long)most_us);
        now_us += pause_us - 1;
        cr_assert_eq(turn(e), 0);
        now_us += 1;
        most_us *= 2;
    }
    cr_assert_eq(turn(e), 1);
    cr_assert_eq(get(f, "k").state, JOB_PARKED);
    cr_assert(str_eq(get(f, "k").reason, STR("TARGET_DOWN")));
    now_us += (int64_t)86400 * 1000000;
    cr_assert_eq(turn(e), 0);
    cr_assert_eq(script.n_runs, ATTEMPTS);
    close_engine(e);
}

STORE_TEST(a_server_that_says_when_is_not_asked_before)
{
    struct job_engine *e = open_engine(f, &once_kind);

    put(f, "k");
    script.result = STATUS_EXHAUSTED;
    script.retry_after_ms = 5000;
    cr_assert_eq(turn(e), 1);
    cr_assert_eq(get(f, "k").due_us, now_us + 5000000);
    cr_assert(str_eq(get(f, "k").reason, STR("RESOURCE_EXHAUSTED")));
    close_engine(e);
}

STORE_TEST(what_no_attempt_can_heal_is_parked_at_once)
{
    static const struct {
        enum status status;
        enum job_state state;
    } rows[] = {
        {STATUS_INVALID, JOB_PARKED},         {STATUS_NOT_FOUND, JOB_PARKED},
        {STATUS_EXISTS, JOB_PARKED},          {STATUS_DENIED, JOB_PARKED},
        {STATUS_PRECONDITION, JOB_PARKED},    {STATUS_OUT_OF_RANGE, JOB_PARKED},
        {STATUS_UNIMPLEMENTED, JOB_PARKED},   {STATUS_DATA_LOSS, JOB_PARKED},
        {STATUS_UNAUTHENTICATED, JOB_PARKED}, {STATUS_UNAVAILABLE, JOB_WAITING},
        {STATUS_DEADLINE, JOB_WAITING},       {STATUS_CONFLICT, JOB_WAITING},
        {STATUS_EXHAUSTED, JOB_WAITING},      {STATUS_INTERNAL, JOB_WAITING},
        {STATUS_CANCELLED, JOB_WAITING},      {STATUS_UNKNOWN, JOB_WAITING},
    };
    struct job_engine *e = open_engine(f, &once_kind);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char key[16];

        snprintf(key, sizeof key, "k%zu", i);
        put(f, key);
        script.result = rows[i].status;
        cr_assert_eq(turn(e), 1);
        cr_assert_eq(get(f, key).state, rows[i].state, "%s", status_name(rows[i].status));
        cr_assert(str_eq(get(f, key).reason, str_of(status_name(rows[i].status))));
    }
    close_engine(e);
}

/* Each attempt of it ended the process: nobody could write down that it failed. */
STORE_TEST(a_job_that_kills_its_process_is_parked_in_the_end)
{
    struct job_engine *e = open_engine(f, &once_kind);
    char sql[200];

    put(f, "k");
    snprintf(sql, sizeof sql,
             "UPDATE job SET state = 1, attempts = %d, fence = %d, lease_until = 1", ATTEMPTS,
             ATTEMPTS);
    fixture_sql(f, sql);
    cr_assert_eq(turn(e), 1);
    cr_assert_eq(script.n_runs, 0);
    cr_assert_eq(get(f, "k").state, JOB_PARKED);
    cr_assert(str_eq(get(f, "k").reason, STR("JOB_ATTEMPTS")));
    close_engine(e);
}

STORE_TEST(a_damaged_payload_is_parked_and_not_run)
{
    struct job_engine *e = open_engine(f, &once_kind);

    put(f, "k");
    fixture_sql(f, f->engine == ENGINE_SQLITE ? "UPDATE job SET body = X'0100000000AAAA'"
                                              : "UPDATE job SET body = '\\x0100000000AAAA'::bytea");
    cr_assert_eq(turn(e), 1);
    cr_assert_eq(script.n_runs, 0);
    cr_assert_eq(get(f, "k").state, JOB_PARKED);
    cr_assert(str_eq(get(f, "k").reason, STR("JOB_DAMAGED")));
    close_engine(e);
}

STORE_TEST(a_lease_that_ran_out_is_taken_over)
{
    struct job_engine *e = open_engine(f, &once_kind);

    put(f, "k");
    fixture_sql(f, "UPDATE job SET state = 1, attempts = 1, fence = 1, lease_until = 1");
    script.unit = END_IT;
    cr_assert_eq(turn(e), 1);
    cr_assert_eq(script.attempts, 2);
    cr_assert_eq(n_jobs(f), 0);
    close_engine(e);
}

STORE_TEST(a_periodic_job_keeps_its_step_and_is_never_parked)
{
    struct job_engine *e = open_engine(f, &service_kind);
    int64_t began_us = now_us;

    cr_assert_eq(job_engine_plan(e, &f->call), STATUS_OK);
    cr_assert_eq(job_engine_plan(e, &f->call), STATUS_OK);
    turn(e);
    cr_assert_eq(script.n_runs, 1);
    cr_assert_eq(script.who.tenant_id, 0);
    now_us = began_us + EVERY_MS * 1000 - 1;
    turn(e);
    cr_assert_eq(script.n_runs, 1);
    now_us = began_us + EVERY_MS * 1000 + 300000; /* late by 0.3 s */
    script.result = STATUS_INVALID;
    turn(e);
    cr_assert_eq(script.n_runs, 2);
    now_us = began_us + (int64_t)2 * EVERY_MS * 1000; /* and in step again, though it failed */
    script.result = STATUS_OK;
    turn(e);
    cr_assert_eq(script.n_runs, 3);
    now_us += (int64_t)100 * EVERY_MS * 1000; /* what was slept through is not made up for */
    turn(e);
    turn(e);
    cr_assert_eq(script.n_runs, 4);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM job WHERE state = 0"), 2, "and the plan");
    close_engine(e);
}

static enum status tenant_unit(struct call *c, struct tx *tx, void *arg)
{
    Tenant tenant = TENANT_INIT;
    TenantRecord record = TENANT_RECORD_INIT;

    (void)c;
    tenant.key = arg;
    record.tenant = &tenant;
    TRY(tx_counter_next(tx, "tenant", &record.number));
    return tx_insert_tenant(tx, &record);
}

static void make_tenant(struct fixture *f, const char *name)
{
    cr_assert_eq(store_run_system(f->store, &f->call, STORE_WRITE, tenant_unit, (void *)name),
                 STATUS_OK, "%s", f->call.fault.why);
}

STORE_TEST(every_tenant_gets_its_periodic_jobs_also_a_new_one)
{
    struct job_engine *e = open_engine(f, &tenant_kind);

    make_tenant(f, "acme");
    make_tenant(f, "umbrella");
    cr_assert_eq(job_engine_plan(e, &f->call), STATUS_OK);
    turn(e); /* the plan runs and puts two */
    cr_assert_eq(n_jobs(f), 3);
    now_us += EVERY_MS * 1000;
    turn(e);
    cr_assert_eq(script.n_runs, 2);
    cr_assert_eq(script.order[0] + script.order[1], 3);
    cr_assert_str_eq(script.who.tenant, script.who.tenant_id == 1 ? "acme" : "umbrella");
    make_tenant(f, "late");
    now_us += 60000000;
    turn(e);
    cr_assert_eq(n_jobs(f), 4);
    close_engine(e);
}

struct flood {
    int n;
    int64_t due_us;
};

static enum status flood_unit(struct call *c, struct tx *tx, void *arg)
{
    struct flood *w = arg;

    for (int i = 0; i < w->n; i++) {
        struct job_put p = {.kind = STR("test.once"), .due_us = w->due_us};

        p.key = str_of(arena_printf(&c->arena, "%d", i));
        TRY(tx_job_put(tx, &p));
    }
    return STATUS_OK;
}

/* Neither the plan nor a claim of others stumbles over it; its own jobs wait. */
STORE_TEST(a_tenant_whose_record_does_not_open_holds_nobody_up)
{
    struct job_engine *e = open_engine(f, &tenant_kind);

    make_tenant(f, "acme");
    make_tenant(f, "umbrella");
    make_tenant(f, "zenith");
    fixture_sql(f, "UPDATE tenant SET version = 7 WHERE number = 2");
    cr_assert_eq(job_engine_plan(e, &f->call), STATUS_OK);
    turn(e);
    cr_expect_eq(fixture_number(f, "SELECT COUNT(*) FROM job WHERE kind = 'test.tenant'"), 2);
    cr_expect_eq(fixture_number(f, "SELECT COUNT(*) FROM job WHERE kind = 'job.plan' AND "
                                   "reason <> ''"),
                 0, "the plan did not fail");
    f->call.principal.tenant_id = 2;
    RUN(f, STORE_WRITE, put_unit_, &(struct job_put){.kind = STR("test.tenant")}, STATUS_OK);
    f->call.principal.tenant_id = 1;
    now_us += EVERY_MS * 1000;
    turn(e);
    cr_expect_eq(script.n_runs, 2, "those of the others: %d", script.n_runs);
    close_engine(e);
}

/* 5000 jobs of tenant 1, due long before the one of tenant 2. */
STORE_TEST(a_tenant_with_a_backlog_does_not_starve_another)
{
    struct job_engine *e = open_engine(f, &once_kind);
    int first = -1;

    RUN(f, STORE_WRITE, flood_unit, (&(struct flood){5000, now_us - 1000000}), STATUS_OK);
    turn(e);
    f->call.principal.tenant_id = 2;
    RUN(f, STORE_WRITE, flood_unit, (&(struct flood){1, now_us}), STATUS_OK);
    f->call.principal.tenant_id = 1;
    script.n_runs = 0;
    for (int round = 0; first < 0 && round < 3; round++) {
        turn(e);
        for (int i = 0; i < script.n_runs && i < 64 && first < 0; i++)
            if (script.order[i] == 2)
                first = i;
    }
    cr_assert(first >= 0 && first < 64, "tenant 2 was not among the next %d", script.n_runs);
    close_engine(e);
}

STORE_TEST(a_store_that_fails_loses_no_job)
{
    struct job_engine *e = open_engine(f, &once_kind);
    int n_failed = 0;

    script.unit = END_IT;
    for (int step = 1;; step++) {
        size_t n;

        put(f, "k");
        f->fault.error = SQL_ERROR_IO;
        atomic_store(&f->fault.countdown, step);
        n_failed += job_engine_turn(e, &n) != STATUS_OK;
        if (atomic_exchange(&f->fault.countdown, 0) > 0)
            break;
        for (int i = 0; i < 4 && n_jobs(f); i++) {
            now_us += (int64_t)LEASE_MS * 1000; /* a retry falls due, or a lease runs out */
            turn(e);
        }
        cr_assert_eq(n_jobs(f), 0, "step %d", step);
        cr_assert_eq(fixture_number(f, "SELECT value FROM counter WHERE name = 'effect'"), step,
                     "step %d", step);
    }
    cr_assert_gt(n_failed, 1);
    close_engine(e);
}

STORE_TEST(metrics_tell_what_became_of_jobs)
{
    const struct job_binding kinds[] = {{&once_kind, &script}};
    struct metrics *m = metrics_open();
    struct job_engine *e = open_engine(f, &once_kind);

    close_engine(e);
    cr_assert_eq(job_engine_open(&f->call,
                                 &(struct job_engine_options){.store = f->store,
                                                              .metrics = m,
                                                              .clock = &fake_clock,
                                                              .kinds = kinds,
                                                              .n_kinds = 1,
                                                              .poll_ms = 1000},
                                 &e),
                 STATUS_OK);
    put(f, "a");
    turn(e);
    script.result = STATUS_INVALID;
    put(f, "b");
    turn(e);
    for (int i = 0; i < 2; i++) {
        const char *labels[] = {"test.once", i ? "parked" : "done"};

        cr_assert_eq(series_value(metrics_series(m, METRIC_JOB_RUNS, labels)), 1, "%s", labels[1]);
    }
    close_engine(e);
    metrics_close(m);
}

static enum status state_unit(struct call *c, struct tx *tx, void *arg)
{
    static Tenant tenant = TENANT_INIT;
    static TenantRecord record = TENANT_RECORD_INIT;
    const TenantState *state = arg;
    bool is_new = !record.tenant;

    (void)c;
    record.tenant = &tenant;
    record.number = 1;
    tenant.key = "acme";
    tenant.state = *state;
    return is_new ? tx_insert_tenant(tx, &record) : tx_update_tenant(tx, &record);
}

static void set_state(struct fixture *f, TenantState state)
{
    cr_assert_eq(store_run_system(f->store, &f->call, STORE_WRITE, state_unit, &state), STATUS_OK,
                 "%s", f->call.fault.why);
}

STORE_TEST(jobs_of_a_suspended_tenant_wait_until_it_is_served_again)
{
    struct job_engine *e = open_engine(f, &once_kind);
    struct job job;

    set_state(f, TENANT_STATE_SUSPENDED);
    put(f, "waits");
    for (int i = 0; i < 2 * ATTEMPTS; i++) { /* it costs no attempts */
        turn(e);
        job = get(f, "waits");
        cr_assert(job.state == JOB_WAITING && job.attempts == 0, "turn %d", i);
        cr_assert(job.due_us >= now_us + JOB_SUSPENDED_MS * INT64_C(1000) &&
                  job.due_us <= now_us + 2 * JOB_SUSPENDED_MS * INT64_C(1000));
        now_us = job.due_us;
    }
    cr_assert_eq(script.n_runs, 0);
    set_state(f, TENANT_STATE_ACTIVE);
    now_us += 2 * JOB_SUSPENDED_MS * INT64_C(1000);
    turn(e);
    cr_assert_eq(script.n_runs, 1);
    close_engine(e);
}

STORE_TEST(what_must_be_done_even_then_is_done)
{
    struct job_kind kind = once_kind;
    struct job_engine *e;

    kind.even_suspended = true;
    e = open_engine(f, &kind);
    set_state(f, TENANT_STATE_SUSPENDED);
    put(f, "runs");
    turn(e);
    cr_assert_eq(script.n_runs, 1);
    close_engine(e);
}
