/* The contract of agent/mutation.h on both engines, with the agents that use it. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lead.h"
#include "agent/mutation.h"

#define STORE_SUITE mutation
#include "storage/store_test.h"
#include "store/once.h"

/* Agents over the fixture's store. */
struct office {
    struct fixture *f;
    struct agents agents;
};

static void office_open(struct office *o, struct fixture *f)
{
    o->f = f;
    f->call.principal.roles = ROLE_BIT_ADMIN;
    cr_assert_eq(agents_init(&f->call, &o->agents, f->store), STATUS_OK);
}

static void office_close(struct office *o)
{
    agents_release(&o->agents);
}

/* A call of tenant 1 with this request id, as the interceptor leaves it. */
static void request_open(struct call *c, const char *id, unsigned char content)
{
    fixture_call(c, 1);
    c->principal.roles = ROLE_BIT_ADMIN;
    c->method = "sales.v1.SalesAgent/Test";
    c->request_id = id;
    c->request_sha256[0] = content;
}

static const char one[] = "01890000-0000-7000-8000-000000000001",
                  two[] = "01890000-0000-7000-8000-000000000002";

static enum status create(struct office *o, struct call *c, const char *email,
                          CreateLeadResponse *out)
{
    CreateLeadRequest in = CREATE_LEAD_REQUEST_INIT;
    Lead lead = LEAD_INIT;

    lead.full_name = "Grace Hopper";
    lead.email = (char *)email;
    in.lead = &lead;
    *out = (CreateLeadResponse)CREATE_LEAD_RESPONSE_INIT;
    return lead_create(c, &o->agents, &in, out);
}

static long long count(struct office *o, const char *table)
{
    char sql[64];

    snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM %s", table);
    return fixture_number(o->f, sql);
}

STORE_TEST(a_repetition_gets_the_first_answer_and_changes_nothing)
{
    struct office o;
    struct call first, again;
    CreateLeadResponse a, b;

    office_open(&o, f);
    request_open(&first, one, 1);
    cr_assert_eq(create(&o, &first, "ann@x.example", &a), STATUS_OK, "%s", first.fault.why);
    cr_assert(a.created && first.answer.n);
    for (int i = 0; i < 3; i++) {
        request_open(&again, one, 1);
        cr_assert_eq(create(&o, &again, "ann@x.example", &b), STATUS_OK, "%s", again.fault.why);
        cr_assert(str_eq(again.answer, first.answer));
        cr_assert(b.created, "the first answer, not that of a known lead");
        cr_assert_str_eq(b.lead->id, a.lead->id);
        call_release(&again);
    }
    cr_assert_eq(count(&o, "lead"), 1);
    cr_assert_eq(count(&o, "outbox"), 1);
    cr_assert_eq(count(&o, "idempotency"), 1);
    call_release(&first);
    office_close(&o);
}

STORE_TEST(another_request_under_the_same_id_is_refused)
{
    struct office o;
    struct call c;
    CreateLeadResponse out;

    office_open(&o, f);
    request_open(&c, one, 1);
    cr_assert_eq(create(&o, &c, "ann@x.example", &out), STATUS_OK);
    call_release(&c);
    request_open(&c, one, 2);
    cr_assert_eq(create(&o, &c, "bob@x.example", &out), STATUS_EXISTS);
    cr_assert_str_eq(c.fault.reason, "REQUEST_ID_REUSED");
    cr_assert_null(c.answer.p);
    call_release(&c);
    cr_assert_eq(count(&o, "lead"), 1);
    office_close(&o);
}

STORE_TEST(without_an_id_nothing_is_kept)
{
    struct office o;
    struct call c;
    CreateLeadResponse out;

    office_open(&o, f);
    request_open(&c, "", 1);
    cr_assert_eq(create(&o, &c, "ann@x.example", &out), STATUS_OK);
    cr_assert_null(c.answer.p);
    cr_assert_eq(count(&o, "idempotency"), 0);
    call_release(&c);
    office_close(&o);
}

static enum status delete_lead(struct office *o, struct call *c, const char *id)
{
    DeleteLeadRequest in = DELETE_LEAD_REQUEST_INIT;
    DeleteLeadResponse out = DELETE_LEAD_RESPONSE_INIT;

    in.id = (char *)id;
    return lead_delete(c, &o->agents, &in, &out);
}

/* The lead is gone, so a second deletion is refused; a repetition of the first is not. And what it
 * erased is gone from the answers too. */
STORE_TEST(a_refusal_that_the_first_success_caused_is_the_first_answer)
{
    struct office o;
    struct call made, first, again;
    CreateLeadResponse lead, out;

    office_open(&o, f);
    request_open(&made, one, 1);
    cr_assert_eq(create(&o, &made, "ann@x.example", &lead), STATUS_OK);
    request_open(&first, two, 1);
    cr_assert_eq(delete_lead(&o, &first, lead.lead->id), STATUS_OK, "%s", first.fault.why);
    request_open(&again, two, 1);
    cr_assert_eq(delete_lead(&o, &again, lead.lead->id), STATUS_OK, "%s", again.fault.why);
    cr_assert(str_eq(again.answer, first.answer));
    call_release(&again);
    request_open(&again, "", 1);
    cr_assert_eq(delete_lead(&o, &again, lead.lead->id), STATUS_NOT_FOUND);
    call_release(&again);
    request_open(&again, one, 1);
    cr_assert_eq(create(&o, &again, "ann@x.example", &out), STATUS_NOT_FOUND);
    cr_assert_str_eq(again.fault.reason, "ANSWER_ERASED");
    cr_assert_eq(count(&o, "lead"), 0, "an erased person does not come back by a repetition");
    call_release(&again);
    call_release(&first);
    call_release(&made);
    office_close(&o);
}

/* Refusals are not kept: what was refused may succeed later under the same id. */
STORE_TEST(a_refusal_is_decided_anew)
{
    struct office o;
    struct call c;
    CreateLeadResponse lead;

    office_open(&o, f);
    request_open(&c, two, 1);
    cr_assert_eq(delete_lead(&o, &c, one), STATUS_NOT_FOUND);
    cr_assert_eq(count(&o, "idempotency"), 0);
    call_release(&c);
    request_open(&c, "", 1);
    cr_assert_eq(create(&o, &c, "ann@x.example", &lead), STATUS_OK);
    c.request_id = two;
    cr_assert_eq(delete_lead(&o, &c, lead.lead->id), STATUS_OK);
    call_release(&c);
    office_close(&o);
}

static enum status empty_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    (void)tx;
    ++*(int *)arg;
    return STATUS_OK;
}

/* An answer of no bytes is one, and units that only look are protected too. */
STORE_TEST(empty_answers_and_looks_are_repeated)
{
    DeleteLeadResponse out = DELETE_LEAD_RESPONSE_INIT;
    struct office o;
    int n = 0;

    office_open(&o, f);
    for (int looks = 0; looks < 2; looks++)
        for (int i = 0; i < 2; i++) {
            struct call c;

            request_open(&c, looks ? two : one, 1);
            cr_assert_eq(
                mutate(&c, &o.agents,
                       &(struct mutation){
                           .unit = empty_unit, .arg = &n, .answer = &out.base, .looks = looks}),
                STATUS_OK, "%s", c.fault.why);
            cr_assert(c.answer.p && c.answer.n == 0);
            call_release(&c);
        }
    cr_assert_eq(count(&o, "idempotency"), 2);
    office_close(&o);
}

/* Every operation of a mutation fails once, in every way that an engine knows: afterwards the same
 * request succeeds, and what happened, happened once. */
static const enum sql_error ways[] = {SQL_ERROR_BUSY,   SQL_ERROR_SERIALIZE, SQL_ERROR_CONNECTION,
                                      SQL_ERROR_UNIQUE, SQL_ERROR_IO,        SQL_ERROR_COMMIT_LOST};

STORE_TEST(a_failed_attempt_is_driven_again_and_a_success_is_not)
{
    struct office o;
    int n = 0;

    office_open(&o, f);
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++)
        for (int step = 1; step <= 12; step++) {
            CreateLeadResponse out;
            char id[40], email[40];
            struct call c;

            snprintf(id, sizeof id, "01890000-0000-7000-8000-%012d", ++n);
            snprintf(email, sizeof email, "ann%d@x.example", n);
            f->fault.error = ways[w];
            atomic_store(&f->fault.countdown, step);
            for (int attempt = 0; attempt < 3; attempt++) { /* the fault may hit the repetition */
                enum status s;

                if (attempt == 2)
                    atomic_store(&f->fault.countdown, 0);
                request_open(&c, id, 1);
                s = create(&o, &c, email, &out);
                cr_assert(s == STATUS_OK || attempt < 2, "%s", c.fault.why);
                cr_assert(s != STATUS_OK || out.created, "way %zu step %d", w, step);
                call_release(&c);
            }
            cr_assert_eq(count(&o, "lead"), n);
            cr_assert_eq(count(&o, "outbox"), n);
            cr_assert_eq(count(&o, "idempotency"), n);
        }
    office_close(&o);
}

/* The process dies before the step-th operation of its mutation. The store is closed in the parent,
 * so that the child has it to itself. */
static void die(void)
{
    kill(getpid(), SIGKILL);
}

static void run_and_die(struct fixture *f, const char *id, const char *email, long step)
{
    struct office o;
    CreateLeadResponse out;
    struct call c;

    if (fixture_reopen(f) != STATUS_OK)
        _exit(2);
    f->fault.hit = die;
    atomic_store(&f->fault.countdown, step);
    office_open(&o, f);
    request_open(&c, id, 1);
    _exit(create(&o, &c, email, &out) == STATUS_OK ? 0 : 3);
}

/* True: it died. */
static bool live_and_die(struct fixture *f, const char *id, const char *email, long step)
{
    pid_t child;
    int how;

    store_close(f->store);
    f->store = NULL;
    if ((child = fork()) == 0)
        run_and_die(f, id, email, step);
    cr_assert_eq(waitpid(child, &how, 0), child);
    cr_assert(WIFSIGNALED(how) || WEXITSTATUS(how) == 0, "step %ld: %d", step, how);
    cr_assert_eq(fixture_reopen(f), STATUS_OK);
    return WIFSIGNALED(how);
}

STORE_TEST(a_process_killed_between_any_two_operations_leaves_one_effect_in_the_end)
{
    int step = 0;
    bool died = true;

    while (died) {
        struct office o;
        CreateLeadResponse out;
        char id[40], email[40];
        struct call c;

        snprintf(id, sizeof id, "01890000-0000-7000-8000-%012d", ++step);
        snprintf(email, sizeof email, "ann%d@x.example", step);
        died = live_and_die(f, id, email, step);
        office_open(&o, f);
        for (int i = 0; i < 2; i++) {
            request_open(&c, id, 1);
            cr_assert_eq(create(&o, &c, email, &out), STATUS_OK, "%s", c.fault.why);
            cr_assert(out.created);
            call_release(&c);
        }
        cr_assert_eq(count(&o, "lead"), step);
        cr_assert_eq(count(&o, "outbox"), step);
        office_close(&o);
    }
    cr_assert_gt(step, 4, "the unit, its answer and its commit");
}

/* Concurrent duplicates: as if they had reached several replicas, nobody keeps them apart but the
 * store. */
enum { TWINS = 4, ROUNDS = 8 };

struct twin {
    struct office *o;
    pthread_barrier_t *start;
    struct call call;
    char id[40], email[40];
    enum status status;
    bool created;
};

static void *run_twin(void *arg)
{
    struct twin *t = arg;
    CreateLeadResponse out;

    pthread_barrier_wait(t->start);
    t->status = create(t->o, &t->call, t->email, &out);
    t->created = t->status == STATUS_OK && out.created;
    return NULL;
}

static void run_twins(struct office *o, int round)
{
    pthread_barrier_t start;
    pthread_t threads[TWINS];
    struct twin twins[TWINS];

    pthread_barrier_init(&start, NULL, TWINS);
    for (int i = 0; i < TWINS; i++) {
        twins[i] = (struct twin){.o = o, .start = &start};
        snprintf(twins[i].id, sizeof twins[i].id, "01890000-0000-7000-8000-%012d", round);
        snprintf(twins[i].email, sizeof twins[i].email, "ann%d@x.example", round);
        request_open(&twins[i].call, twins[i].id, 1);
        cr_assert_eq(pthread_create(&threads[i], NULL, run_twin, &twins[i]), 0);
    }
    for (int i = 0; i < TWINS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < TWINS; i++) {
        cr_assert_eq(twins[i].status, STATUS_OK, "%s", twins[i].call.fault.why);
        cr_assert(twins[i].created);
        cr_assert(str_eq(twins[i].call.answer, twins[0].call.answer));
    }
    for (int i = 0; i < TWINS; i++)
        call_release(&twins[i].call);
    pthread_barrier_destroy(&start);
}

STORE_TEST(concurrent_repetitions_have_one_effect_and_one_answer)
{
    struct office o;

    office_open(&o, f);
    for (int round = 1; round <= ROUNDS; round++) {
        run_twins(&o, round);
        cr_assert_eq(count(&o, "lead"), round);
        cr_assert_eq(count(&o, "outbox"), round);
    }
    office_close(&o);
}
