/* The engine with its threads and real time: kicks, limits, and how it ends. */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#define STORE_SUITE job_threads
#include "job/engine.h"
#include "storage/store_test.h"

static atomic_int n_runs, n_now, n_most, n_cancelled;
static atomic_bool gate; /* handlers wait for it */

static void sleep_ms(int ms)
{
    nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}

static enum status wait_for_gate(void *self, struct call *c, struct job *job)
{
    int now = atomic_fetch_add(&n_now, 1) + 1, most = atomic_load(&n_most);
    enum status s = STATUS_OK;

    (void)self;
    (void)job;
    while (now > most && !atomic_compare_exchange_weak(&n_most, &most, now))
        ;
    while (!atomic_load(&gate) && (s = call_check(c)) == STATUS_OK)
        sleep_ms(1);
    atomic_fetch_add(&n_cancelled, s == STATUS_CANCELLED);
    atomic_fetch_sub(&n_now, 1);
    atomic_fetch_add(&n_runs, 1);
    return s;
}

static const struct job_kind gate_kind = {.name = "test.gate",
                                          .handle = wait_for_gate,
                                          .lease_ms = 60000,
                                          .attempts_max = 3,
                                          .first_ms = 10,
                                          .most_ms = 10,
                                          .limit = 4},
                             narrow_kind = {.name = "test.gate",
                                            .handle = wait_for_gate,
                                            .lease_ms = 60000,
                                            .attempts_max = 3,
                                            .first_ms = 10,
                                            .most_ms = 10,
                                            .limit = 2};

static struct job_engine *start_with(struct fixture *f, const struct job_kind *kind,
                                     size_t tenant_jobs)
{
    const struct job_binding kinds[] = {{kind, NULL}};
    struct job_engine *e;

    cr_assert_eq(job_engine_open(&f->call,
                                 &(struct job_engine_options){.store = f->store,
                                                              .kinds = kinds,
                                                              .n_kinds = 1,
                                                              .n_workers = 4,
                                                              .tenant_jobs = tenant_jobs,
                                                              .poll_ms = 60000},
                                 &e),
                 STATUS_OK);
    cr_assert_eq(job_engine_start(e, &f->call), STATUS_OK);
    return e;
}

static struct job_engine *start(struct fixture *f, const struct job_kind *kind)
{
    return start_with(f, kind, 0);
}

static enum status put_unit_(struct call *c, struct tx *tx, void *arg)
{
    for (int i = 0; i < *(int *)arg; i++) {
        struct job_put p = {.kind = STR("test.gate")};

        p.key = str_of(arena_printf(&c->arena, "%d", i));
        TRY(tx_job_put(tx, &p));
    }
    return STATUS_OK;
}

static void put(struct fixture *f, int n)
{
    RUN(f, STORE_WRITE, put_unit_, &n, STATUS_OK);
}

/* Far more than anything here takes, far less than the poll. */
static bool reaches(atomic_int *what, int n)
{
    for (int i = 0; i < 10000 && atomic_load(what) < n; i++)
        sleep_ms(1);
    return atomic_load(what) >= n;
}

STORE_TEST(a_job_of_this_process_is_not_waited_for)
{
    struct job_engine *e = start(f, &gate_kind);

    atomic_store(&gate, true);
    sleep_ms(50); /* the first look is over, the next one is a minute away */
    put(f, 40);
    cr_assert(reaches(&n_runs, 40));
    cr_assert_eq(job_engine_stop(e, 1000), STATUS_OK);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM job"), 0);
    job_engine_close(e);
}

STORE_TEST(a_kind_keeps_to_its_limit)
{
    struct job_engine *e = start(f, &narrow_kind);

    put(f, 10);
    cr_assert(reaches(&n_now, 2));
    sleep_ms(50);
    cr_assert_eq(atomic_load(&n_most), 2);
    atomic_store(&gate, true);
    cr_assert(reaches(&n_runs, 10));
    cr_assert_eq(atomic_load(&n_most), 2);
    cr_assert_eq(job_engine_stop(e, 1000), STATUS_OK);
    job_engine_close(e);
}

static atomic_int n_of_others;

/* Jobs of the first tenant take until the gate opens. */
static enum status wait_if_first(void *self, struct call *c, struct job *job)
{
    if (job->tenant_id == 1)
        return wait_for_gate(self, c, job);
    atomic_fetch_add(&n_of_others, 1);
    return STATUS_OK;
}

/* The poll is a minute away: what is left for the cap is claimed when one of theirs has ended. */
STORE_TEST(a_tenant_whose_jobs_take_long_leaves_workers_to_others)
{
    static const struct job_kind kind = {.name = "test.gate",
                                         .handle = wait_if_first,
                                         .lease_ms = 60000,
                                         .attempts_max = 3,
                                         .first_ms = 10,
                                         .most_ms = 10};
    struct job_engine *e = start_with(f, &kind, 2);

    put(f, 10);
    cr_assert(reaches(&n_now, 2));
    f->call.principal.tenant_id = 2;
    put(f, 5);
    f->call.principal.tenant_id = 1;
    cr_assert(reaches(&n_of_others, 5), "%d", atomic_load(&n_of_others));
    cr_expect_eq(atomic_load(&n_most), 2);
    cr_expect_eq(atomic_load(&n_runs), 0);
    atomic_store(&gate, true);
    cr_assert(reaches(&n_runs, 10));
    cr_assert_eq(job_engine_stop(e, 1000), STATUS_OK);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM job WHERE kind = 'test.gate'"), 0);
    job_engine_close(e);
}

static void *open_gate(void *arg)
{
    sleep_ms(100);
    atomic_store(&gate, true);
    return arg;
}

STORE_TEST(a_drain_lets_jobs_end_and_gives_back_the_rest)
{
    struct job_engine *e = start(f, &gate_kind);
    pthread_t t;

    put(f, 30);
    cr_assert(reaches(&n_now, 4));
    pthread_create(&t, NULL, open_gate, NULL);
    cr_assert_eq(job_engine_stop(e, 10000), STATUS_OK);
    pthread_join(t, NULL);
    job_engine_close(e);
    cr_assert_eq(atomic_load(&n_runs), 4);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM job"), 26);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM job WHERE state = 0 AND attempts = 0"),
                 26);
}

STORE_TEST(a_drain_cancels_what_does_not_end_and_it_does_not_count)
{
    struct job_engine *e = start(f, &gate_kind);

    put(f, 4);
    cr_assert(reaches(&n_now, 4));
    cr_assert_eq(job_engine_stop(e, 50), STATUS_OK);
    job_engine_close(e);
    cr_assert_eq(atomic_load(&n_cancelled), 4);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM job WHERE state = 0 AND attempts = 0"), 4);
}
