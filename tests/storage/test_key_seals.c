/* No data key seals as often as its nonces might meet: counted, and replaced in time. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "storage/store_test.h"
#include "store/key.h"

#define STORE_SUITE store_key_seals

enum { MANY = 5000 }; /* more than a server seals without counting */

#define COUNT_KEYS "SELECT COUNT(*) FROM tenant_key WHERE tenant_id = 1 AND purpose = 2"
#define SEALS                                                                                      \
    "SELECT seals FROM tenant_key WHERE tenant_id = 1 AND purpose = 2 ORDER BY key_id DESC LIMIT " \
    "1"

static enum status seal_unit(struct call *c, struct tx *tx, void *arg)
{
    Lead lead = LEAD_INIT;

    (void)c;
    for (int i = 0; i < *(const int *)arg; i++)
        TRY(tx_event(tx, "sales.lead.created", RECORD_LEAD,
                     STR("01890a5d-ac96-774b-bcce-b302099a8057"), &lead.base));
    return STATUS_OK;
}

static void seal_often(struct fixture *f, int n, enum status want)
{
    struct call c;

    fixture_call(&c, 1);
    cr_assert_eq(store_run(f->store, &c, STORE_WRITE, seal_unit, &n), want, "%s", c.fault.why);
    if (want != STATUS_OK)
        cr_assert_str_eq(c.fault.reason, "TENANT_KEYS");
    call_release(&c);
}

static enum status tend_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_key_tend(tx, KEY_SHRED_S, arg);
}

static enum status rotate_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_key_rotate(tx, arg);
}

STORE_TEST(seals_are_counted_by_steps_and_by_the_hourly_job)
{
    struct key_state state;

    seal_often(f, 100, STATUS_OK);
    cr_assert_eq(fixture_number(f, SEALS), 0);
    seal_often(f, MANY, STATUS_OK);
    cr_assert_geq(fixture_number(f, SEALS), MANY + 100);
    seal_often(f, 100, STATUS_OK);
    RUN(f, STORE_WRITE, tend_unit, &state, STATUS_OK);
    cr_assert_geq(fixture_number(f, SEALS), MANY + 200);
    cr_assert_eq(fixture_number(f, COUNT_KEYS), 1);
}

STORE_TEST(a_worn_key_is_replaced_at_once)
{
    struct key_state state;

    seal_often(f, 1, STATUS_OK);
    fixture_sql(f, "UPDATE tenant_key SET seals = 2147483647");
    seal_often(f, MANY, STATUS_OK);
    cr_assert_eq(fixture_number(f, COUNT_KEYS), 2);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM audit WHERE tenant_id = 1"), 1,
                 "the trail says so");
    seal_often(f, MANY, STATUS_OK);
    cr_assert_eq(fixture_number(f, COUNT_KEYS), 2);
    cr_assert_lt(fixture_number(f, SEALS), 3 * MANY, "the new key counts from zero");
    fixture_sql(f, "UPDATE tenant_key SET seals = 2147483647"); /* two alive: no reason to wait */
    seal_often(f, 10, STATUS_OK);
    RUN(f, STORE_WRITE, tend_unit, &state, STATUS_OK);
    cr_assert_eq(fixture_number(f, COUNT_KEYS), 3);
}

/* A failed unit has used nonces too: what it sealed is counted with the next. */
static enum status fail_unit(struct call *c, struct tx *tx, void *arg)
{
    TRY(seal_unit(c, tx, arg));
    return call_fail(c, STATUS_PRECONDITION, "for the test");
}

STORE_TEST(what_failed_units_sealed_counts_too)
{
    int n = MANY;

    seal_often(f, 1, STATUS_OK);
    RUN(f, STORE_WRITE, fail_unit, &n, STATUS_PRECONDITION);
    seal_often(f, 1, STATUS_OK);
    cr_assert_geq(fixture_number(f, SEALS), MANY);
}

STORE_TEST(a_worn_key_that_cannot_be_replaced_stops_writes_before_the_bound)
{
    uint32_t version;

    seal_often(f, 1, STATUS_OK);
    for (int i = 1; i < 16; i++)
        RUN(f, STORE_WRITE, rotate_unit, &version, STATUS_OK);
    store_keys_forget(f->store, 1);
    fixture_sql(f, "UPDATE tenant_key SET seals = 3000000000");
    seal_often(f, MANY, STATUS_OK);
    fixture_sql(f, "UPDATE tenant_key SET seals = 4026531840"); /* 2^32 - 2^28 */
    seal_often(f, MANY, STATUS_EXHAUSTED);
    seal_often(f, 1, STATUS_EXHAUSTED);
    fixture_sql(f, "UPDATE tenant_key SET seals = 0");
    seal_often(f, 1, STATUS_OK);
}
