/* The contract of store/once.h, run on both engines. */
#define STORE_SUITE once
#include "storage/store_test.h"
#include "store/once.h"

enum { DAY_S = 24 * 3600 };

static const unsigned char content[2][32] = {{1}, {2}};

/* The fixture's clock, ahead by this much. */
static int64_t ahead_us;

static int64_t later_us(const struct clock_ops *c)
{
    (void)c;
    return system_clock.now_us(&system_clock) + ahead_us;
}

static void turn_clock(struct fixture *f, struct clock_ops *clock, int64_t seconds)
{
    *clock = system_clock;
    clock->now_us = later_us;
    ahead_us = seconds * 1000000;
    f->call.clock = clock;
}

struct step {
    struct once once;
    const char *subject, *answer;
    enum once_found found;
    str got;
    size_t n;
};

static struct step step_of(unsigned char id, int what, const char *answer)
{
    return (struct step){
        .once = {"t.T/Make", {{id}}, content[what]}, .subject = "", .answer = answer};
}

static enum status put_unit(struct call *c, struct tx *tx, void *arg)
{
    struct step *s = arg;
    Lead *lead = make_lead(c, s->answer, NULL);

    TRY(tx_insert_lead(tx, lead));
    return once_put(tx, &s->once, str_of(s->subject), str_of(s->answer));
}

static enum status find_unit(struct call *c, struct tx *tx, void *arg)
{
    struct step *s = arg;

    (void)c;
    return once_find(tx, &s->once, &s->found, &s->got);
}

static void expect_found(struct fixture *f, struct step s, enum once_found want)
{
    RUN(f, STORE_READ, find_unit, &s, STATUS_OK);
    cr_assert_eq(s.found, want, "%s: %d, expected %d", engine_names[f->engine], s.found, want);
    cr_assert(str_eq(s.got, want == ONCE_REPEATED ? str_of(s.answer) : (str){0}));
}

STORE_TEST(an_answer_is_found_by_tenant_method_id_and_content)
{
    struct step s = step_of(7, 0, "the answer"), other = s;

    expect_found(f, s, ONCE_NEW);
    RUN(f, STORE_WRITE, put_unit, &s, STATUS_OK);
    expect_found(f, s, ONCE_REPEATED);
    expect_found(f, step_of(7, 1, ""), ONCE_REUSED);
    expect_found(f, step_of(8, 0, ""), ONCE_NEW);
    other.once.method = "t.T/Change";
    expect_found(f, other, ONCE_NEW);
    f->call.principal.tenant_id = 2;
    expect_found(f, s, ONCE_NEW);
}

STORE_TEST(the_second_to_store_an_answer_changes_nothing)
{
    struct step s = step_of(7, 0, "first"), again = step_of(7, 0, "second");

    RUN(f, STORE_WRITE, put_unit, &s, STATUS_OK);
    RUN(f, STORE_WRITE, put_unit, &again, STATUS_EXISTS);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM lead"), 1);
    expect_found(f, s, ONCE_REPEATED);
}

static enum status refuse_unit(struct call *c, struct tx *tx, void *arg)
{
    TRY(put_unit(c, tx, arg));
    return call_fail(c, STATUS_PRECONDITION, "no");
}

STORE_TEST(the_answer_of_a_unit_that_fails_is_not_kept)
{
    struct step s = step_of(7, 0, "x");

    RUN(f, STORE_WRITE, refuse_unit, &s, STATUS_PRECONDITION);
    expect_found(f, s, ONCE_NEW);
}

/* Answers are sealed, and a digest of the content that anybody can compute is not there. */
STORE_TEST(the_row_shows_nothing_of_request_and_answer)
{
    struct step s = step_of(7, 0, "a secret that is shown once");

    RUN(f, STORE_WRITE, put_unit, &s, STATUS_OK);
    cr_assert_eq(fixture_number(f, f->engine == ENGINE_SQLITE
                                       ? "SELECT COUNT(*) FROM idempotency WHERE "
                                         "instr(body, 'secret') OR instr(digest, x'01000000')"
                                       : "SELECT COUNT(*) FROM idempotency WHERE "
                                         "position('secret'::bytea in body) > 0 OR "
                                         "position('\\x01000000'::bytea in digest) > 0"),
                 0);
    fixture_sql(f, "UPDATE idempotency SET method = 't.T/Other'");
    s.once.method = "t.T/Other";
    RUN(f, STORE_READ, find_unit, &s, STATUS_DATA_LOSS);
}

STORE_TEST(an_answer_survives_a_restart_and_expires_after_a_day)
{
    struct step s = step_of(7, 0, "old"), fresh = step_of(7, 1, "new");
    struct clock_ops clock;

    RUN(f, STORE_WRITE, put_unit, &s, STATUS_OK);
    cr_assert_eq(fixture_reopen(f), STATUS_OK);
    turn_clock(f, &clock, DAY_S - 60);
    expect_found(f, s, ONCE_REPEATED);
    turn_clock(f, &clock, DAY_S + 1);
    expect_found(f, s, ONCE_NEW);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM idempotency"), 1, "a read keeps it");
    RUN(f, STORE_WRITE, find_unit, &s, STATUS_OK);
    RUN(f, STORE_WRITE, put_unit, &fresh, STATUS_OK);
    expect_found(f, fresh, ONCE_REPEATED);
}

static const char person[] = "01890000-0000-7000-8000-000000000001";

static enum status erase_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return once_erase(tx, str_of(arg));
}

STORE_TEST(a_persons_answers_can_be_erased_and_stay_known)
{
    struct step s = step_of(7, 0, "hers"), t = step_of(8, 0, "his");

    s.subject = person;
    RUN(f, STORE_WRITE, put_unit, &s, STATUS_OK);
    RUN(f, STORE_WRITE, put_unit, &t, STATUS_OK);
    RUN(f, STORE_WRITE, erase_unit, (void *)person, STATUS_OK);
    RUN(f, STORE_WRITE, erase_unit, (void *)"no id", STATUS_OK);
    expect_found(f, s, ONCE_ERASED);
    expect_found(f, t, ONCE_REPEATED);
    RUN(f, STORE_WRITE, put_unit, &s, STATUS_EXISTS);
}

static enum status expire_unit(struct call *c, struct tx *tx, void *arg)
{
    struct step *s = arg;

    (void)c;
    return once_expire(tx, 2, &s->n);
}

STORE_TEST(expired_answers_of_all_tenants_go_in_batches)
{
    struct step s = {.n = 0}, kept = step_of(9, 0, "kept");
    struct clock_ops clock;

    for (unsigned char i = 1; i <= 3; i++) {
        struct step old = step_of(i, 0, "old");

        f->call.principal.tenant_id = i;
        RUN(f, STORE_WRITE, put_unit, &old, STATUS_OK);
    }
    turn_clock(f, &clock, DAY_S + 1);
    RUN(f, STORE_WRITE, put_unit, &kept, STATUS_OK);
    RUN(f, STORE_WRITE, expire_unit, &s, STATUS_OK);
    cr_assert_eq(s.n, 1, "a tenant's unit forgets its own");
    fixture_sql(f, "UPDATE idempotency SET expire_time = expire_time - 1 WHERE tenant_id = 2");
    cr_assert_eq(store_run_system(f->store, &f->call, STORE_WRITE, expire_unit, &s), STATUS_OK);
    cr_assert_eq(s.n, 2);
    cr_assert_eq(store_run_system(f->store, &f->call, STORE_WRITE, expire_unit, &s), STATUS_OK);
    cr_assert_eq(s.n, 0);
    expect_found(f, kept, ONCE_REPEATED);
}
