/* The jobs that keep keys young, as the engine runs them, and what they must leave whole. */
#include <criterion/criterion.h>

#include "agent/audit.h"
#include "agent/key_rotation.h"
#include "agent/lead.h"
#include "agent/office.h"
#include "job/audit_seal.h"
#include "job/key_care.h"
#include "storage/store_test.h"
#include "store/key.h"

#define STORE_SUITE key_care

#define COUNT_KEYS  "SELECT COUNT(*) FROM tenant_key WHERE tenant_id = 1 AND purpose = 2"

/* A day later, and nobody repeats requests of yesterday. */
static void pass_a_day(struct fixture *f)
{
    fixture_sql(f, "UPDATE tenant_key SET create_time = create_time - 90000000000");
    fixture_sql(f, "DELETE FROM idempotency");
}

static void tend(struct office *o)
{
    struct job job = {.tenant_id = 1};

    cr_assert_eq(key_tend.handle(o->agents.store, o->call, &job), STATUS_OK, "%s",
                 o->call->fault.why);
}

/* Every entry is sealed and in its place. */
static void trail_is_whole(struct office *o)
{
    VerifyAuditRequest in = VERIFY_AUDIT_REQUEST_INIT;
    VerifyAuditResponse out = VERIFY_AUDIT_RESPONSE_INIT;
    uint64_t n;

    cr_assert_eq(audit_seal(o->call, o->agents.store, &n), STATUS_OK, "%s", o->call->fault.why);
    cr_assert_eq(audit_verify(o->call, &o->agents, &in, &out), STATUS_OK, "%s", o->call->fault.why);
    cr_assert(out.intact && out.checked > 0 && out.unsealed == 0, "problem %d at %llu", out.problem,
              (unsigned long long)out.problem_sequence);
}

/* Entries of a job, by its action. */
static size_t entries_of(struct office *o, const char *action)
{
    ListAuditEntriesRequest in = LIST_AUDIT_ENTRIES_REQUEST_INIT;
    ListAuditEntriesResponse out = LIST_AUDIT_ENTRIES_RESPONSE_INIT;

    in.filter = arena_printf(&o->call->arena, "action = \"%s\"", action);
    cr_assert_eq(audit_list(o->call, &o->agents, &in, &out), STATUS_OK, "%s", o->call->fault.why);
    for (size_t i = 0; i < out.n_entries; i++)
        cr_assert_str_eq(out.entries[i]->record_kind, "data_key");
    return out.n_entries;
}

/* Older than keys get. */
static void pass_a_year(struct fixture *f)
{
    fixture_sql(f, "UPDATE tenant_key SET create_time = create_time - 31622400000000");
}

STORE_TEST(what_the_jobs_do_to_keys_is_on_the_trail)
{
    struct office o;

    open_office(&o, f);
    tend(&o);
    cr_assert_eq(entries_of(&o, "key.rotate"), 0, "nothing was done");
    pass_a_year(f);
    tend(&o);
    cr_assert_eq(fixture_number(f, COUNT_KEYS), 2);
    cr_assert_eq(entries_of(&o, "key.rotate"), 1, "by itself, for its age");
    cr_assert_eq(entries_of(&o, "key.destroy"), 0);
    pass_a_day(f);
    tend(&o);
    cr_assert_eq(fixture_number(f, COUNT_KEYS), 1);
    cr_assert_eq(entries_of(&o, "key.rotate"), 1);
    cr_assert_eq(entries_of(&o, "key.destroy"), 1);
    trail_is_whole(&o);
    stand_up(&o);
}

STORE_TEST(an_erasure_ends_with_the_old_key_destroyed_and_the_trail_whole)
{
    Subject who = by_mail(MAIL);
    EraseSubjectResponse out;
    struct office o;
    Lead *other, *lead;

    open_office(&o, f);
    other = create_lead(&o, "Somebody Else", "else@example.org", "");
    trail_is_whole(&o);
    cr_assert_eq(erase(&o, &who, &out), STATUS_OK, "%s", o.call->fault.why);
    trail_is_whole(&o);
    tend(&o);
    cr_assert_eq(fixture_number(f, COUNT_KEYS), 1, "erasures of a day share one rotation");
    pass_a_day(f);
    tend(&o);
    cr_assert_eq(fixture_number(f, COUNT_KEYS), 2, "other servers may still use the old one");
    pass_a_day(f);
    tend(&o);
    cr_assert_eq(fixture_number(f, COUNT_KEYS), 1);
    trail_is_whole(&o);
    cr_assert_eq(fixture_reopen(f), STATUS_OK);
    o.agents.store = f->store;
    cr_assert_eq(lead_get(o.call, &o.agents, other->id, &lead), STATUS_OK, "%s", o.call->fault.why);
    trail_is_whole(&o);
    stand_up(&o);
}

STORE_TEST(a_rotation_tells_how_much_it_re_seals)
{
    RotateDataKeyResponse out = ROTATE_DATA_KEY_RESPONSE_INIT;
    struct office o;

    open_office(&o, f);
    cr_assert_eq(key_rotation_start(o.call, &o.agents, &out), STATUS_OK, "%s", o.call->fault.why);
    cr_assert_eq(out.key_version, 2);
    cr_assert_geq(out.pending_records, 4);
    tend(&o);
    trail_is_whole(&o);
    stand_up(&o);
}

STORE_TEST(the_job_of_the_service_passes_when_there_is_nothing_to_wrap)
{
    struct job job = {.tenant_id = 0};
    struct office o;
    struct call c;

    open_office(&o, f);
    call_init(&c, NULL, 8 << 20);
    cr_assert_eq(key_rewrap.handle(f->store, &c, &job), STATUS_OK, "%s", c.fault.why);
    call_release(&c);
    stand_up(&o);
}
