/* The contract of store/job.h, run on both engines. */
#include <stdio.h>

#define STORE_SUITE job
#include "storage/store_test.h"
#include "store/job.h"

enum { MINUTE_US = 60000000 };

static int64_t now_us;

static int64_t fake_now(const struct clock_ops *c)
{
    (void)c;
    return now_us;
}

static int64_t real_monotonic(const struct clock_ops *c)
{
    (void)c;
    return system_clock.monotonic_ns(&system_clock);
}

static void real_random(const struct clock_ops *c, void *out, size_t n)
{
    (void)c;
    system_clock.random(&system_clock, out, n);
}

static const struct clock_ops fake_clock = {fake_now, real_monotonic, real_random};

/* From here on time passes when the test says so. */
static void stop_time(struct fixture *f)
{
    now_us = system_clock.now_us(&system_clock) / 1000 * 1000;
    f->call.clock = &fake_clock;
}

static enum status put_unit_(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_job_put(tx, arg);
}

static void put(struct fixture *f, long long tenant, struct job_put p)
{
    f->call.principal.tenant_id = tenant;
    RUN(f, STORE_WRITE, put_unit_, &p, STATUS_OK);
    f->call.principal.tenant_id = 1;
}

struct claiming {
    struct job_want wants[2];
    size_t n;
    struct job_list list;
};

static enum status claim_unit(struct call *c, struct tx *tx, void *arg)
{
    struct claiming *w = arg;

    (void)c;
    return tx_job_claim(tx, w->wants, w->n, &w->list);
}

static struct job_list claim_with(struct fixture *f, struct claiming *w)
{
    cr_assert_eq(store_run_system(f->store, &f->call, STORE_TAKE, claim_unit, w), STATUS_OK, "%s",
                 f->call.fault.why);
    return w->list;
}

static struct job_list claim(struct fixture *f, const char *kind, size_t limit)
{
    struct claiming w = {
        .wants = {{.kind = str_of(kind), .limit = limit, .lease_us = MINUTE_US, .turn = -1}},
        .n = 1};

    return claim_with(f, &w);
}

static struct job claim_one(struct fixture *f, const char *kind)
{
    struct job_list l = claim(f, kind, 10);

    cr_assert_eq(l.n_jobs, 1, "%zu jobs of %s", l.n_jobs, kind);
    return l.jobs[0];
}

enum how { DONE, AGAIN, RETRY, PARK, RELEASE, RENEW, DONE_THEN_REFUSE };

struct ending {
    enum how how;
    struct job *job;
    int64_t us;
    const char *effect; /* a counter to raise; NULL: none */
};

static enum status end_it(struct tx *tx, const struct ending *e)
{
    switch (e->how) {
    case DONE:
    case DONE_THEN_REFUSE: return tx_job_done(tx, e->job);
    case AGAIN: return tx_job_again(tx, e->job, e->us);
    case RETRY: return tx_job_retry(tx, e->job, e->us, STR("TARGET_DOWN"));
    case PARK: return tx_job_park(tx, e->job, STR("TARGET_GONE"));
    case RELEASE: return tx_job_release(tx, e->job);
    case RENEW: return tx_job_renew(tx, e->job, e->us);
    }
    return STATUS_INTERNAL;
}

static enum status end_unit(struct call *c, struct tx *tx, void *arg)
{
    struct ending *e = arg;
    int64_t n;

    if (e->effect)
        TRY(tx_counter_next(tx, e->effect, &n));
    TRY(end_it(tx, e));
    return e->how == DONE_THEN_REFUSE ? call_fail(c, STATUS_PRECONDITION, "no") : STATUS_OK;
}

static void end(struct fixture *f, struct ending e, enum status want)
{
    f->call.principal.tenant_id = e.job->tenant_id;
    RUN(f, STORE_WRITE, end_unit, &e, want);
    f->call.principal.tenant_id = 1;
}

static enum status get_unit_(struct call *c, struct tx *tx, void *arg)
{
    struct job *j = arg;

    (void)c;
    return tx_job_get(tx, STR("a.b"), STR("k"), j);
}

static struct job get(struct fixture *f)
{
    struct job j;

    RUN(f, STORE_READ, get_unit_, &j, STATUS_OK);
    return j;
}

static void expect_none(struct fixture *f)
{
    struct job j;

    RUN(f, STORE_READ, get_unit_, &j, STATUS_NOT_FOUND);
}

STORE_TEST(a_job_waits_until_it_is_due_and_comes_with_its_payload)
{
    struct job j;

    stop_time(f);
    put(f, 1,
        (struct job_put){.kind = STR("a.b"),
                         .key = STR("k"),
                         .due_us = now_us + 5,
                         .payload = STR("Vera Secret")});
    put(f, 2, (struct job_put){.kind = STR("a.b"), .key = STR("k")});
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM job WHERE due_at > 0"), 2);
    j = claim_one(f, "a.b");
    cr_assert_eq(j.tenant_id, 2);
    cr_assert_eq(j.payload.n, 0);
    cr_assert_eq(claim(f, "a.b", 10).n_jobs, 0);
    now_us += 5;
    cr_assert_eq(claim(f, "other", 10).n_jobs, 0);
    j = claim_one(f, "a.b");
    cr_assert_eq(j.tenant_id, 1);
    cr_assert(str_eq(j.kind, STR("a.b")) && str_eq(j.key, STR("k")));
    cr_assert(str_eq(j.payload, STR("Vera Secret")));
    cr_assert_eq(j.due_us, now_us);
    cr_assert_eq(j.lease_until_us, now_us + MINUTE_US);
    cr_assert_eq(j.attempts, 1);
    cr_assert_eq(j.state, JOB_LEASED);
    cr_assert_not(j.is_damaged);
    cr_assert_eq(claim(f, "a.b", 10).n_jobs, 0);
}

STORE_TEST(done_commits_with_the_effect_or_not_at_all)
{
    struct job j;

    stop_time(f);
    put(f, 1, (struct job_put){.kind = STR("a.b"), .key = STR("k")});
    j = claim_one(f, "a.b");
    end(f, (struct ending){DONE_THEN_REFUSE, &j, 0, "effect"}, STATUS_PRECONDITION);
    cr_assert_eq(get(f).state, JOB_LEASED);
    end(f, (struct ending){DONE, &j, 0, "effect"}, STATUS_OK);
    cr_assert_eq(j.ended, JOB_END_DONE);
    expect_none(f);
    cr_assert_eq(fixture_number(f, "SELECT value FROM counter WHERE name = 'effect'"), 1);
    end(f, (struct ending){DONE, &j, 0, "effect"}, STATUS_CONFLICT);
    cr_assert_eq(fixture_number(f, "SELECT value FROM counter WHERE name = 'effect'"), 1);
}

/* Whoever lost the lease cannot end the job in any way, and its effect rolls back. */
STORE_TEST(a_lease_that_ran_out_is_taken_over_and_fences_the_old_one_off)
{
    static const enum how hows[] = {DONE, AGAIN, RETRY, PARK, RELEASE, RENEW};
    struct job old, new;

    stop_time(f);
    put(f, 1, (struct job_put){.kind = STR("a.b"), .key = STR("k"), .payload = STR("p")});
    old = claim_one(f, "a.b");
    now_us += MINUTE_US - 1;
    cr_assert_eq(claim(f, "a.b", 10).n_jobs, 0);
    now_us += 1;
    new = claim_one(f, "a.b");
    cr_assert_eq(new.fence, old.fence + 1);
    cr_assert_eq(new.attempts, 2);
    cr_assert(str_eq(new.payload, STR("p")));
    for (size_t i = 0; i < sizeof hows / sizeof *hows; i++)
        end(f, (struct ending){hows[i], &old, now_us, "effect"}, STATUS_CONFLICT);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM counter WHERE name = 'effect'"), 0);
    end(f, (struct ending){DONE, &new, 0, "effect"}, STATUS_OK);
    expect_none(f);
}

STORE_TEST(a_renewed_lease_lasts_longer)
{
    struct job j;

    stop_time(f);
    put(f, 1, (struct job_put){.kind = STR("a.b"), .key = STR("k")});
    j = claim_one(f, "a.b");
    now_us += MINUTE_US - 1;
    end(f, (struct ending){RENEW, &j, MINUTE_US, NULL}, STATUS_OK);
    cr_assert_eq(j.ended, JOB_END_NONE);
    cr_assert_eq(j.lease_until_us, now_us + MINUTE_US);
    now_us += MINUTE_US - 1;
    cr_assert_eq(claim(f, "a.b", 10).n_jobs, 0);
    end(f, (struct ending){DONE, &j, 0, NULL}, STATUS_OK);
}

STORE_TEST(a_retried_job_waits_and_keeps_its_attempts)
{
    struct job j;

    stop_time(f);
    put(f, 1, (struct job_put){.kind = STR("a.b"), .key = STR("k")});
    j = claim_one(f, "a.b");
    end(f, (struct ending){RETRY, &j, now_us + 10, NULL}, STATUS_OK);
    j = get(f);
    cr_assert_eq(j.state, JOB_WAITING);
    cr_assert(str_eq(j.reason, STR("TARGET_DOWN")));
    cr_assert_eq(claim(f, "a.b", 10).n_jobs, 0);
    put(f, 1, (struct job_put){.kind = STR("a.b"), .key = STR("k"), .rule = JOB_EARLIER});
    cr_assert_eq(claim(f, "a.b", 10).n_jobs, 0, "back-off is not cut short");
    now_us += 10;
    j = claim_one(f, "a.b");
    cr_assert_eq(j.attempts, 2);
    end(f, (struct ending){RELEASE, &j, 0, NULL}, STATUS_OK);
    j = claim_one(f, "a.b");
    cr_assert_eq(j.attempts, 2, "a job given back was not tried");
    end(f, (struct ending){AGAIN, &j, now_us + 7, NULL}, STATUS_OK);
    cr_assert_eq(get(f).due_us, now_us + 7);
    now_us += 7;
    cr_assert_eq(claim_one(f, "a.b").attempts, 1);
}

struct unparking {
    const char *key;
    int64_t due_us;
};

static enum status unpark_unit(struct call *c, struct tx *tx, void *arg)
{
    struct unparking *u = arg;

    (void)c;
    return tx_job_unpark(tx, STR("a.b"), str_of(u->key), u->due_us);
}

STORE_TEST(a_parked_job_stays_with_its_reason_until_somebody_lets_it_go)
{
    struct job j;

    stop_time(f);
    put(f, 1, (struct job_put){.kind = STR("a.b"), .key = STR("k"), .payload = STR("p")});
    RUN(f, STORE_WRITE, unpark_unit, (&(struct unparking){"k", 0}), STATUS_NOT_FOUND);
    j = claim_one(f, "a.b");
    end(f, (struct ending){PARK, &j, 0, NULL}, STATUS_OK);
    j = get(f);
    cr_assert_eq(j.state, JOB_PARKED);
    cr_assert(str_eq(j.reason, STR("TARGET_GONE")));
    now_us += (int64_t)100 * MINUTE_US;
    put(f, 1, (struct job_put){.kind = STR("a.b"), .key = STR("k")});
    put(f, 1, (struct job_put){.kind = STR("a.b"), .key = STR("k"), .rule = JOB_EARLIER});
    cr_assert_eq(claim(f, "a.b", 10).n_jobs, 0);
    RUN(f, STORE_WRITE, unpark_unit, (&(struct unparking){"x", 0}), STATUS_NOT_FOUND);
    RUN(f, STORE_WRITE, unpark_unit, (&(struct unparking){"k", 0}), STATUS_OK);
    j = claim_one(f, "a.b");
    cr_assert_eq(j.attempts, 1);
    cr_assert(str_eq(j.payload, STR("p")));
}

/* What a second put does, by the state it finds. */
STORE_TEST(a_second_put_does_what_its_rule_says)
{
    struct job_put p = {.kind = STR("a.b"), .key = STR("k"), .payload = STR("one")};
    struct job old, j;

    stop_time(f);
    p.due_us = now_us + 100;
    put(f, 1, p);
    p.due_us = now_us + 50;
    p.payload = STR("two");
    put(f, 1, p);
    cr_assert_eq(get(f).due_us, now_us + 100);
    p.rule = JOB_EARLIER;
    put(f, 1, p);
    cr_assert_eq(get(f).due_us, now_us + 50);
    cr_assert(str_eq(get(f).payload, STR("one")));
    p.due_us = now_us + 70;
    put(f, 1, p);
    cr_assert_eq(get(f).due_us, now_us + 50);
    now_us += 50;
    old = claim_one(f, "a.b");
    p.rule = JOB_REPLACE;
    p.due_us = now_us;
    put(f, 1, p);
    j = claim_one(f, "a.b");
    cr_assert(str_eq(j.payload, STR("two")));
    cr_assert_eq(j.attempts, 1);
    end(f, (struct ending){DONE, &old, 0, NULL}, STATUS_CONFLICT);
    end(f, (struct ending){DONE, &j, 0, NULL}, STATUS_OK);
    expect_none(f);
}

/* Else a job that looks at a queue could miss what came while it looked. */
STORE_TEST(a_job_asked_for_while_it_runs_runs_again)
{
    struct job_put p = {.kind = STR("a.b"), .key = STR("k"), .rule = JOB_EARLIER};
    struct job j;

    stop_time(f);
    put(f, 1, p);
    j = claim_one(f, "a.b");
    put(f, 1, p);
    cr_assert_eq(claim(f, "a.b", 10).n_jobs, 0);
    end(f, (struct ending){DONE, &j, 0, NULL}, STATUS_OK);
    j = claim_one(f, "a.b");
    put(f, 1, p);
    end(f, (struct ending){AGAIN, &j, now_us + MINUTE_US, NULL}, STATUS_OK);
    j = claim_one(f, "a.b");
    end(f, (struct ending){DONE, &j, 0, NULL}, STATUS_OK);
    expect_none(f);
}

static enum status cancel_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    (void)arg;
    return tx_job_cancel(tx, STR("a.b"), STR("k"));
}

STORE_TEST(a_cancelled_job_is_gone_also_for_who_runs_it)
{
    struct job j;

    stop_time(f);
    RUN(f, STORE_WRITE, cancel_unit, NULL, STATUS_OK);
    put(f, 1, (struct job_put){.kind = STR("a.b"), .key = STR("k")});
    put(f, 2, (struct job_put){.kind = STR("a.b"), .key = STR("k"), .due_us = now_us + 1});
    j = claim_one(f, "a.b");
    RUN(f, STORE_WRITE, cancel_unit, NULL, STATUS_OK);
    end(f, (struct ending){DONE, &j, 0, "effect"}, STATUS_CONFLICT);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM job"), 1, "the other tenant's stays");
}

static enum status list_unit_(struct call *c, struct tx *tx, void *arg)
{
    struct job_query q = {.limit = 2, .states = *(uint32_t *)arg};
    struct job_list l;
    char last[UUID_TEXT_BYTES + 1] = "";
    size_t n = 0;

    do {
        TRY(tx_job_list(tx, &q, &l));
        for (size_t i = 0; i < l.n_jobs; i++) {
            char id[UUID_TEXT_BYTES + 1];

            uuid_format(l.jobs[i].id, id);
            cr_assert_gt(strcmp(id, last), 0);
            memcpy(last, id, sizeof last);
            q.after_id = l.jobs[i].id;
            n++;
        }
    } while (l.n_jobs == q.limit);
    *(uint32_t *)arg = (uint32_t)n;
    (void)c;
    return STATUS_OK;
}

STORE_TEST(a_list_shows_the_tenants_jobs_by_state)
{
    static const struct {
        uint32_t states, n;
    } rows[] = {{0, 5},
                {1 << JOB_WAITING, 3},
                {1 << JOB_LEASED, 1},
                {1 << JOB_PARKED, 1},
                {1 << JOB_PARKED | 1 << JOB_LEASED, 2}};
    struct job_list l;

    stop_time(f);
    for (int i = 0; i < 5; i++) {
        char key[16];

        snprintf(key, sizeof key, "%d", i);
        put(f, 1, (struct job_put){.kind = STR("a.b"), .key = str_of(key), .due_us = now_us + i});
        put(f, 2, (struct job_put){.kind = STR("z"), .key = str_of(key)});
    }
    now_us++;
    l = claim(f, "a.b", 10);
    cr_assert_eq(l.n_jobs, 2);
    end(f, (struct ending){PARK, &l.jobs[0], 0, NULL}, STATUS_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t n = rows[i].states;

        RUN(f, STORE_READ, list_unit_, &n, STATUS_OK);
        cr_assert_eq(n, rows[i].n, "row %zu: %u", i, n);
    }
}

struct many {
    const char *kind;
    int from, n;
    int64_t due_us;
};

static enum status put_many(struct call *c, struct tx *tx, void *arg)
{
    struct many *m = arg;

    for (int i = m->from; i < m->from + m->n; i++) {
        struct job_put p = {.kind = str_of(m->kind), .due_us = m->due_us + i};

        p.key = str_of(arena_printf(&c->arena, "%d", i));
        TRY(tx_job_put(tx, &p));
    }
    return STATUS_OK;
}

/* Tenant 1 put a thousand, all due before those of the others. */
STORE_TEST(a_claim_in_turn_gives_every_tenant_a_share)
{
    struct claiming w = {
        .wants = {{.kind = STR("a.b"), .limit = 40, .lease_us = MINUTE_US, .turn = 0}}, .n = 1};
    int of[8] = {0};

    stop_time(f);
    for (long long tenant = 1; tenant <= 5; tenant++) {
        f->call.principal.tenant_id = tenant;
        RUN(f, STORE_WRITE, put_many,
            (&(struct many){"a.b", 0, tenant == 1 ? 1000 : 3, now_us - 2000 + tenant}), STATUS_OK);
    }
    f->call.principal.tenant_id = 7; /* nothing due */
    RUN(f, STORE_WRITE, put_many, (&(struct many){"a.b", 0, 50, now_us + 1}), STATUS_OK);
    f->call.principal.tenant_id = 1;
    claim_with(f, &w);
    cr_assert_eq(w.list.n_jobs, 40);
    cr_assert_eq(w.wants[0].n_claimed, 40);
    for (size_t i = 0; i < 40; i++)
        of[w.list.jobs[i].tenant_id]++;
    for (int tenant = 2; tenant <= 5; tenant++)
        cr_assert_eq(of[tenant], 3, "tenant %d got %d", tenant, of[tenant]);
    cr_assert_eq(of[1], 28);
    w.wants[0].turn = JOB_TURN_NONE;
    claim_with(f, &w);
    cr_assert_eq(w.list.n_jobs, 40);
    for (size_t i = 0; i < 40; i++)
        cr_assert_eq(w.list.jobs[i].tenant_id, 1);
}

/* Tenant 1 put twenty, all due before those of the other. */
STORE_TEST(a_claim_leaves_the_jobs_of_tenants_at_their_cap)
{
    struct claiming w = {.wants = {{.kind = STR("a.b"),
                                    .limit = 10,
                                    .lease_us = MINUTE_US,
                                    .turn = JOB_TURN_NONE,
                                    .tenant_most = 4}},
                         .n = 1};
    struct job mine;

    stop_time(f);
    for (long long tenant = 1; tenant <= 2; tenant++) {
        f->call.principal.tenant_id = tenant;
        RUN(f, STORE_WRITE, put_many,
            (&(struct many){"a.b", 0, tenant == 1 ? 20 : 3, now_us - 3000 + 1000 * tenant}),
            STATUS_OK);
        RUN(f, STORE_WRITE, put_many, (&(struct many){"other", 0, 1, now_us - 1}), STATUS_OK);
    }
    f->call.principal.tenant_id = 1;
    cr_assert_eq(claim(f, "other", 10).n_jobs, 2, "leases of another kind do not count");
    claim_with(f, &w);
    cr_assert_eq(w.list.n_jobs, 4);
    cr_expect(w.wants[0].is_capped);
    mine = w.list.jobs[0];
    cr_assert_eq(mine.tenant_id, 1);
    claim_with(f, &w);
    cr_assert_eq(w.list.n_jobs, 3);
    for (size_t i = 0; i < 3; i++)
        cr_expect_eq(w.list.jobs[i].tenant_id, 2);
    claim_with(f, &w);
    cr_expect_eq(w.list.n_jobs, 0);
    cr_expect(w.wants[0].is_capped, "there are more, and they are not for now");
    end(f, (struct ending){DONE, &mine, 0, NULL}, STATUS_OK);
    w.wants[0].turn = 0;
    claim_with(f, &w);
    cr_assert_eq(w.list.n_jobs, 1, "for the one that ended");
    cr_expect_eq(w.list.jobs[0].tenant_id, 1);
    now_us += MINUTE_US; /* leases that ran out count no more, and are taken over */
    w.wants[0].limit = 20;
    claim_with(f, &w);
    cr_expect_geq(w.list.n_jobs, 7);
    w.wants[0].tenant_most = 0;
    claim_with(f, &w);
    cr_expect_gt(w.list.n_jobs, 0);
    cr_expect_not(w.wants[0].is_capped);
}

/* More tenants than one claim takes from: the turn comes to each of them. */
STORE_TEST(the_turn_goes_around)
{
    struct claiming w = {
        .wants = {{.kind = STR("a.b"), .limit = 8, .lease_us = MINUTE_US, .turn = 0}}, .n = 1};
    int of[41] = {0};

    stop_time(f);
    for (long long tenant = 1; tenant <= 40; tenant++) {
        f->call.principal.tenant_id = tenant;
        RUN(f, STORE_WRITE, put_many,
            (&(struct many){"a.b", 0, tenant == 1 ? 300 : 1, now_us - 2000}), STATUS_OK);
    }
    f->call.principal.tenant_id = 1;
    for (int round = 0; round < 12; round++) {
        claim_with(f, &w);
        w.wants[0].turn = w.wants[0].next_turn;
        for (size_t i = 0; i < w.list.n_jobs; i++)
            of[w.list.jobs[i].tenant_id]++;
    }
    for (int tenant = 2; tenant <= 40; tenant++)
        cr_assert_eq(of[tenant], 1, "tenant %d got %d", tenant, of[tenant]);
}

STORE_TEST(a_claim_says_when_to_look_again)
{
    struct claiming w = {.wants = {{.kind = STR("a.b"), .limit = 1, .lease_us = 77, .turn = -1},
                                   {.kind = STR("c.d"), .limit = 0, .lease_us = 77, .turn = -1}},
                         .n = 2};

    stop_time(f);
    claim_with(f, &w);
    cr_assert_eq(w.wants[0].next_us, 0);
    put(f, 1, (struct job_put){.kind = STR("a.b"), .key = STR("k"), .due_us = now_us - 9});
    put(f, 1, (struct job_put){.kind = STR("c.d"), .key = STR("k"), .due_us = now_us + 9});
    claim_with(f, &w);
    cr_assert_eq(w.list.n_jobs, 1);
    cr_assert_eq(w.wants[0].oldest_us, now_us - 9);
    cr_assert_eq(w.wants[1].next_us, now_us + 9);
    cr_assert_eq(w.wants[1].n_claimed, 0);
    claim_with(f, &w);
    cr_assert_eq(w.wants[0].oldest_us, 0);
    cr_assert_eq(w.wants[0].next_us, now_us + 77, "the lease runs out");
    now_us += 77;
    claim_with(f, &w);
    cr_assert_eq(w.list.n_jobs, 1);
}

STORE_TEST(a_damaged_payload_is_said_and_holds_nobody_up)
{
    struct job_list l;
    int damaged = 0;

    stop_time(f);
    put(f, 1, (struct job_put){.kind = STR("a.b"), .key = STR("k"), .payload = STR("one")});
    put(f, 2, (struct job_put){.kind = STR("a.b"), .key = STR("k"), .payload = STR("two")});
    fixture_sql(f, "UPDATE job SET body = (SELECT body FROM job WHERE tenant_id = 2) "
                   "WHERE tenant_id = 1");
    l = claim(f, "a.b", 10);
    cr_assert_eq(l.n_jobs, 2);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(l.jobs[i].is_damaged, l.jobs[i].tenant_id == 1);
        damaged += l.jobs[i].is_damaged;
    }
    cr_assert_eq(damaged, 1);
    end(f, (struct ending){PARK, &l.jobs[l.jobs[1].is_damaged], 0, NULL}, STATUS_OK);
}

STORE_TEST(a_system_unit_puts_for_itself_and_for_tenants)
{
    struct job_put own = {.kind = STR("a.b"), .key = STR("k"), .payload = STR("s")},
                   for_one = {.kind = STR("a.b"), .key = STR("k"), .tenant_id = 1};
    struct job_list l;

    stop_time(f);
    cr_assert_eq(store_run_system(f->store, &f->call, STORE_WRITE, put_unit_, &own), STATUS_OK);
    cr_assert_eq(store_run_system(f->store, &f->call, STORE_WRITE, put_unit_, &for_one), STATUS_OK);
    cr_assert_eq(get(f).tenant_id, 1);
    l = claim(f, "a.b", 10);
    cr_assert_eq(l.n_jobs, 2);
    for (size_t i = 0; i < 2; i++) {
        struct ending e = {DONE, &l.jobs[i], 0, NULL};

        cr_assert_eq(store_run_system(f->store, &f->call, STORE_WRITE, end_unit, &e), STATUS_OK,
                     "%s", f->call.fault.why);
    }
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM job"), 0);
}

STORE_TEST(limits_are_refused_and_nothing_is_plain)
{
    struct job_put p = {.kind = STR(""), .key = STR("k")};

    RUN(f, STORE_WRITE, put_unit_, &p, STATUS_INVALID);
    p.kind = STR("a.b");
    p.payload =
        (str){arena_take(&f->call.arena, JOB_PAYLOAD_BYTES_MAX + 1), JOB_PAYLOAD_BYTES_MAX + 1};
    memset((char *)p.payload.p, 'x', p.payload.n);
    RUN(f, STORE_WRITE, put_unit_, &p, STATUS_INVALID);
    p.payload.n--;
    RUN(f, STORE_WRITE, put_unit_, &p, STATUS_OK);
    cr_assert(str_eq(get(f).payload, p.payload));
    p.payload = STR("Vera Secret");
    p.rule = JOB_REPLACE;
    RUN(f, STORE_WRITE, put_unit_, &p, STATUS_OK);
    cr_assert_eq(fixture_number(f, f->engine == ENGINE_SQLITE
                                       ? "SELECT COUNT(*) FROM job WHERE instr(body, X'56657261')"
                                       : "SELECT COUNT(*) FROM job WHERE position('Vera'::bytea "
                                         "in body) > 0"),
                 0);
    RUN(f, STORE_READ, put_unit_, &p, STATUS_INTERNAL);
}

static int64_t told_us;
static int n_told;

static void tell(void *arg, int64_t due_us)
{
    (void)arg;
    told_us = due_us;
    n_told++;
}

STORE_TEST(whoever_watches_hears_of_commits_only)
{
    struct job_put p = {.kind = STR("a.b"), .key = STR("k")};
    struct job j;

    stop_time(f);
    store_watch_jobs(f->store, tell, NULL);
    n_told = 0;
    RUN(f, STORE_WRITE, put_many, (&(struct many){"x", 0, 3, now_us + 10}), STATUS_OK);
    cr_assert_eq(n_told, 1);
    cr_assert_eq(told_us, now_us + 10);
    put(f, 1, p);
    cr_assert_eq(told_us, now_us);
    j = claim_one(f, "a.b");
    cr_assert_eq(n_told, 2);
    end(f, (struct ending){DONE_THEN_REFUSE, &j, 0, NULL}, STATUS_PRECONDITION);
    cr_assert_eq(n_told, 2);
    end(f, (struct ending){AGAIN, &j, now_us + 3, NULL}, STATUS_OK);
    cr_assert_eq(told_us, now_us + 3);
    store_watch_jobs(f->store, NULL, NULL);
}

struct stealing {
    struct fixture *f;
    size_t n_inner;
};

/* A claim while another one is open: it takes what is left, and waits for nothing. */
static enum status nested_claim(struct call *c, struct tx *tx, void *arg)
{
    struct stealing *s = arg;
    struct claiming w = {
        .wants = {{.kind = STR("a.b"), .limit = 6, .lease_us = MINUTE_US, .turn = -1}}, .n = 1};
    struct claiming inner = w;
    struct call other;

    TRY(claim_unit(c, tx, &w));
    cr_assert_eq(w.list.n_jobs, 6);
    if (s->f->engine == ENGINE_POSTGRES) {
        inner.wants[0].limit = 100;
        fixture_call(&other, 1);
        other.clock = &fake_clock;
        other.deadline_ns = call_monotonic_ns(&other) + 2000000000;
        cr_assert_eq(store_run_system(s->f->store, &other, STORE_TAKE, claim_unit, &inner),
                     STATUS_OK, "%s", other.fault.why);
        s->n_inner = inner.list.n_jobs;
        call_release(&other);
    }
    return STATUS_OK;
}

STORE_TEST(claims_share_what_is_there_and_do_not_wait)
{
    struct stealing s = {.f = f};

    stop_time(f);
    RUN(f, STORE_WRITE, put_many, (&(struct many){"a.b", 0, 10, now_us - 100}), STATUS_OK);
    cr_assert_eq(store_run_system(f->store, &f->call, STORE_TAKE, nested_claim, &s), STATUS_OK,
                 "%s", f->call.fault.why);
    cr_assert_eq(claim(f, "a.b", 100).n_jobs + s.n_inner, 4);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM job WHERE state = 1 AND fence = 1"), 10);
}
