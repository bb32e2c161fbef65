/* The rights of the people on record, on both engines, down to the bytes in the files. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "agent/deal.h"
#include "agent/lead.h"
#include "agent/office.h"
#include "agent/person.h"
#include "agent/retention.h"
#include "agent/subject.h"
#include "base/buf.h"
#include "sales/v1/admin.h"
#include "storage/store_test.h"
#include "store/key.h"

#define STORE_SUITE subject

STORE_TEST(nothing_about_a_person_is_in_the_files)
{
    struct office o;

    open_office(&o, f);
    no_mark_in_files(f);
    stand_up(&o);
}

STORE_TEST(an_erased_person_is_gone_everywhere)
{
    Subject who = by_mail("Zaphodina+tag@QUUXheart.example");
    EraseSubjectResponse out;
    struct office o;
    Lead *lead;
    Deal *deal;

    open_office(&o, f);
    cr_assert_eq(erase(&o, &who, &out), STATUS_OK, "%s", o.call->fault.why);
    cr_assert_eq(erased_of(&out, "lead"), 1);
    cr_assert_eq(erased_of(&out, "activity"), 2);
    cr_assert_eq(erased_of(&out, "deal"), 1);
    cr_assert(out.held == 0 && out.erase_time);
    cr_assert_eq(get_lead(f, o.call, o.lead->id, &lead), STATUS_NOT_FOUND);
    call_clear(o.call);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM lead"), 0);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM activity"), 0);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM idempotency WHERE length(body) > 0"), 0);
    /* what is left of events: the deal as it is now, and that somebody was erased */
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM outbox WHERE length(body) > 0"), 2);
    cr_assert_eq(deal_get(o.call, &o.agents, o.deal->id, &deal), STATUS_OK);
    cr_assert(deal->n_contacts == 0 && !*deal->next_step && !strstr(deal->name, "Zaphodina"));
    cr_assert_eq(deal->amount->amount_minor, 1250000);
    cr_assert_eq(erase(&o, &who, &out), STATUS_NOT_FOUND);
    no_mark_in_files(f);
    stand_up(&o);
}

STORE_TEST(what_was_noted_on_the_deal_alone_is_erased_and_exported_too)
{
    Subject who = by_mail(MAIL);
    ExportSubjectResponse lines = EXPORT_SUBJECT_RESPONSE_INIT;
    struct subject_export *x;
    EraseSubjectResponse out;
    struct office o;
    Lead *other;

    open_office(&o, f);
    other = create_lead(&o, "Somebody Else", "else@example.org", "");
    log_deal_note(&o, o.deal, NAME " " NOTE);
    log_deal_note(&o, create_deal(&o, other), "of another lead's deal");
    cr_assert_eq(subject_export_open(o.call, &o.agents, &who, &x), STATUS_OK);
    do
        cr_assert_eq(subject_export_next(o.call, &o.agents, x, &lines), STATUS_OK);
    while (lines.json_lines.len);
    subject_export_close(x);
    cr_assert_eq(lines.records, 6); /* and what the other deal says of them as a contact */
    cr_assert_eq(erase(&o, &who, &out), STATUS_OK, "%s", o.call->fault.why);
    cr_assert_eq(erased_of(&out, "activity"), 3);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM activity"), 1);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM outbox WHERE kind = 'activity' AND "
                                   "length(body) > 0"),
                 1);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM idempotency WHERE length(body) > 0"), 0);
    stand_up(&o);
}

/* An erasure that is in the middle of its work when something is filed under the person. */
struct meanwhile {
    struct office *o;
    bool is_deal;
    int n_runs;
};

static void file_meanwhile(struct meanwhile *k)
{
    struct office other = *k->o;
    struct call c;

    fixture_call(&c, 1);
    c.principal = k->o->call->principal;
    other.call = &c;
    if (k->is_deal)
        create_deal(&other, k->o->lead);
    else
        log_old_note(&other, k->o->lead, NOTE);
    call_release(&c);
}

static enum status erase_meanwhile_unit(struct call *c, struct tx *tx, void *arg)
{
    struct meanwhile *k = arg;
    struct person_counts counts = {0};
    Lead *lead;

    (void)c;
    TRY(tx_get_lead(tx, str_of(k->o->lead->id), &lead));
    if (k->n_runs++ == 0)
        file_meanwhile(k);
    return person_erase(tx, lead, &counts);
}

STORE_TEST(what_is_filed_during_an_erasure_is_erased_too)
{
    for (int is_deal = 0; is_deal < 2 && f->engine == ENGINE_POSTGRES; is_deal++) {
        struct meanwhile k = {.is_deal = is_deal};
        struct office o;

        sit_down(&o, f);
        o.lead = create_lead(&o, NAME, MAIL, PHONE);
        log_note(&o, o.lead, NOTE);
        k.o = &o;
        RUN(f, STORE_WRITE, erase_meanwhile_unit, &k, STATUS_OK);
        cr_assert_eq(k.n_runs, 2, "the erasure was to run again");
        cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM activity"), 0);
        cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM outbox WHERE kind = 'activity' AND "
                                       "length(body) > 0"),
                     0);
        stand_up(&o);
    }
}

static enum status tend_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_key_tend(tx, KEY_SHRED_S, arg);
}

static enum status reseal_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_key_reseal(tx, arg, KEY_RESEAL_MAX);
}

static enum status retire_unit(struct call *c, struct tx *tx, void *arg)
{
    size_t left;

    (void)c;
    return tx_key_retire(tx, 0, arg, &left);
}

STORE_TEST(copies_from_before_an_erasure_open_no_more)
{
    Subject who = by_mail(MAIL);
    EraseSubjectResponse out;
    struct key_walk walk = {0};
    struct key_state state;
    struct office o;
    Lead *other, *lead;
    size_t n;

    open_office(&o, f);
    other = create_lead(&o, "Somebody Else", "else@example.org", "");
    fixture_sql(f, "CREATE TABLE old_lead AS SELECT * FROM lead");
    fixture_sql(f, "DELETE FROM idempotency"); /* as a day later */
    cr_assert_eq(erase(&o, &who, &out), STATUS_OK, "%s", o.call->fault.why);
    RUN(f, STORE_WRITE, tend_unit, &state, STATUS_OK);
    cr_assert(state.n_live == 1 && !state.has_rotated, "erasures of a day share one rotation");
    fixture_sql(f, "UPDATE tenant_key SET create_time = create_time - 90000000000");
    RUN(f, STORE_WRITE, tend_unit, &state, STATUS_OK);
    cr_assert(state.n_live == 2 && state.has_rotated);
    store_keys_forget(f->store, 1);
    while (!walk.is_done)
        RUN(f, STORE_WRITE, reseal_unit, &walk, STATUS_OK);
    RUN(f, STORE_WRITE, retire_unit, &n, STATUS_OK);
    cr_assert_eq(n, 1);
    RUN(f, STORE_WRITE, tend_unit, &state, STATUS_OK);
    cr_assert(state.n_live == 1 && !state.has_rotated);
    store_keys_forget(f->store, 1);
    fixture_sql(f, "INSERT INTO lead SELECT * FROM old_lead WHERE id NOT IN (SELECT id FROM lead)");
    cr_assert_eq(get_lead(f, o.call, o.lead->id, &lead), STATUS_DATA_LOSS);
    call_clear(o.call);
    cr_assert_eq(get_lead(f, o.call, other->id, &lead), STATUS_OK);
    stand_up(&o);
}

/* The sealed bytes themselves, in pages that were freed and in the log. */
Test(subject, sqlite_files_forget_the_sealed_bytes_too)
{
    struct fixture f;
    Subject who = by_mail(MAIL);
    EraseSubjectResponse out;
    struct office o;
    char body[24], sql[200];

    fixture_open(&f, ENGINE_SQLITE);
    open_office(&o, &f);
    for (int i = 0; i < 3; i++) { /* 8 bytes at a time, from the middle of the body */
        long long part = 0;

        for (int j = 0; j < 8; j++) {
            snprintf(sql, sizeof sql, "SELECT instr(x'%s', substr(body, %d, 1)) - 1 FROM lead",
                     "000102", 1);
            snprintf(sql, sizeof sql,
                     "SELECT (instr('0123456789ABCDEF', substr(hex(body), %d, 1)) - 1) * 16 + "
                     "instr('0123456789ABCDEF', substr(hex(body), %d, 1)) - 1 FROM lead",
                     2 * (40 + i * 8 + j) + 1, 2 * (40 + i * 8 + j) + 2);
            part = fixture_number(&f, sql);
            body[i * 8 + j] = (char)part;
        }
    }
    cr_assert(sqlite_holds(&f, (str){body, sizeof body}), "the test looks in the right place");
    cr_assert_eq(erase(&o, &who, &out), STATUS_OK, "%s", o.call->fault.why);
    cr_assert_not(sqlite_holds(&f, (str){body, sizeof body}));
    stand_up(&o);
    fixture_close(&f);
}

STORE_TEST(a_legal_hold_goes_before_everything)
{
    Subject who = by_mail(MAIL);
    DeleteLeadRequest in = DELETE_LEAD_REQUEST_INIT;
    DeleteLeadResponse deleted = DELETE_LEAD_RESPONSE_INIT;
    EraseSubjectResponse out;
    struct office o;
    uint64_t n;

    open_office(&o, f);
    cr_assert_eq(hold(&o, &who, true, &n), STATUS_OK, "%s", o.call->fault.why);
    cr_assert_eq(n, 4); /* a lead, two notes, a deal */
    cr_assert_eq(hold(&o, &who, true, &n), STATUS_OK);
    cr_assert_eq(n, 0);
    cr_assert_eq(erase(&o, &who, &out), STATUS_PRECONDITION);
    cr_assert_str_eq(o.call->fault.reason, "LEGAL_HOLD");
    call_clear(o.call);
    in.id = o.lead->id;
    cr_assert_eq(lead_delete(o.call, &o.agents, &in, &deleted), STATUS_PRECONDITION);
    cr_assert_str_eq(o.call->fault.reason, "LEGAL_HOLD");
    call_clear(o.call);
    create_lead(&o, "Z. B.", MAIL, ""); /* a second record of the same person, not held */
    cr_assert_eq(erase(&o, &who, &out), STATUS_OK, "%s", o.call->fault.why);
    cr_assert_eq(erased_of(&out, "lead"), 1);
    cr_assert_eq(out.held, 4);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM activity"), 2);
    cr_assert_eq(hold(&o, &who, false, &n), STATUS_OK);
    cr_assert_eq(n, 4);
    cr_assert_eq(erase(&o, &who, &out), STATUS_OK, "%s", o.call->fault.why);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM activity"), 0);
    stand_up(&o);
}

/* One change of a lead under hold, by UpdateLead. */
static enum status change_held(struct office *o, Lead *to, char *path)
{
    UpdateLeadRequest in = UPDATE_LEAD_REQUEST_INIT;
    UpdateLeadResponse out = UPDATE_LEAD_RESPONSE_INIT;
    FieldMask mask = FIELD_MASK_INIT;

    to->id = o->lead->id;
    mask.paths = &path;
    mask.n_paths = 1;
    in.lead = to;
    in.update_mask = &mask;
    return lead_update(o->call, &o->agents, &in, &out);
}

STORE_TEST(a_legal_hold_keeps_personal_fields_as_they_are)
{
    Subject who = by_mail(MAIL);
    CreateLeadRequest in = CREATE_LEAD_REQUEST_INIT;
    CreateLeadResponse merged = CREATE_LEAD_RESPONSE_INIT;
    Lead to = LEAD_INIT, same = LEAD_INIT;
    struct office o;
    uint64_t n;

    open_office(&o, f);
    cr_assert_eq(hold(&o, &who, true, &n), STATUS_OK, "%s", o.call->fault.why);
    to.phone = "+4915112345678";
    cr_assert_eq(change_held(&o, &to, "phone"), STATUS_PRECONDITION);
    cr_assert_str_eq(o.call->fault.reason, "LEGAL_HOLD");
    call_clear(o.call);
    to.phone = (char *)protobuf_c_empty_string;
    cr_assert_eq(change_held(&o, &to, "phone"), STATUS_PRECONDITION, "nor emptied");
    call_clear(o.call);
    to.job_title = "COO";
    cr_assert_eq(change_held(&o, &to, "job_title"), STATUS_OK, "it was empty: %s",
                 o.call->fault.why);
    to.job_title = "CEO";
    cr_assert_eq(change_held(&o, &to, "job_title"), STATUS_PRECONDITION);
    call_clear(o.call);
    to.owner_id = "rita";
    cr_assert_eq(change_held(&o, &to, "owner_id"), STATUS_OK, "%s", o.call->fault.why);
    same.email = MAIL;
    same.full_name = "Somebody Else";
    in.lead = &same;
    in.duplicate_policy = DUPLICATE_POLICY_OVERWRITE;
    cr_assert_eq(lead_create(o.call, &o.agents, &in, &merged), STATUS_PRECONDITION);
    cr_assert_str_eq(o.call->fault.reason, "LEGAL_HOLD");
    call_clear(o.call);
    cr_assert_eq(hold(&o, &who, false, &n), STATUS_OK);
    cr_assert_eq(lead_create(o.call, &o.agents, &in, &merged), STATUS_OK, "%s", o.call->fault.why);
    stand_up(&o);
}

STORE_TEST(an_export_has_all_that_is_on_record)
{
    Subject who = SUBJECT_INIT;
    ExportSubjectResponse out = EXPORT_SUBJECT_RESPONSE_INIT;
    struct subject_export *x;
    struct office o;
    struct buf all;
    int kinds = 0;
    str rest;

    open_office(&o, f);
    create_lead(&o, "Not Her", "else@example.org", "+4915199887700");
    for (int i = 0; i < 120; i++)
        log_note(&o, o.lead, "one of many notes");
    who.key_case = SUBJECT_KEY_PHONE;
    who.phone = "+49 151 99887766";
    cr_assert_eq(subject_export_open(o.call, &o.agents, &who, &x), STATUS_OK, "%s",
                 o.call->fault.why);
    buf_init(&all, &o.call->arena, 1 << 20);
    do {
        cr_assert_eq(subject_export_next(o.call, &o.agents, x, &out), STATUS_OK);
        cr_assert_leq(out.json_lines.len, SUBJECT_LINES_BYTES);
        buf_put(&all, (str){(char *)out.json_lines.data, out.json_lines.len});
    } while (out.json_lines.len);
    subject_export_close(x);
    cr_assert_eq(out.records, 124);
    rest = buf_str(&all);
    for (size_t i = 0; i < MARKS; i++)
        cr_assert_not_null(strcasestr(rest.p, marks[i]), "%s", marks[i]);
    cr_assert_null(strstr(rest.p, "Not Her"));
    for (int n = 0; rest.n; n++) {
        str line = str_cut(&rest, '\n');

        cr_assert(str_starts(line, STR("{\"kind\":\"")) && str_ends(line, STR("}}")), "line %d", n);
        kinds |= str_starts(line, STR("{\"kind\":\"lead\"")) ? 1 : 0;
        kinds |= str_starts(line, STR("{\"kind\":\"activity\"")) ? 2 : 0;
        kinds |= str_starts(line, STR("{\"kind\":\"deal\"")) ? 4 : 0;
    }
    cr_assert_eq(kinds, 7);
    stand_up(&o);
}

STORE_TEST(nobody_and_nonsense_are_told_apart)
{
    Subject who = by_mail("nobody@example.org");
    EraseSubjectResponse out;
    struct office o;
    uint64_t n;

    open_office(&o, f);
    cr_assert_eq(hold(&o, &who, true, &n), STATUS_NOT_FOUND);
    call_clear(o.call);
    who = by_mail("no address");
    cr_assert_eq(erase(&o, &who, &out), STATUS_INVALID);
    cr_assert(has_detail(o.call, "subject.email", NULL));
    call_clear(o.call);
    who = (Subject)SUBJECT_INIT;
    cr_assert_eq(erase(&o, &who, &out), STATUS_INVALID);
    call_clear(o.call);
    stand_up(&o);
}

static enum status policy_unit(struct call *c, struct tx *tx, void *arg)
{
    static RetentionRule lead = RETENTION_RULE_INIT, note = RETENTION_RULE_INIT;
    static RetentionRule *rules[] = {&lead, &note};
    static TenantPolicy policy = TENANT_POLICY_INIT;
    Tenant tenant = TENANT_INIT;
    TenantRecord record = TENANT_RECORD_INIT;

    (void)c;
    (void)arg;
    lead.data_class = DATA_CLASS_LEAD;
    lead.days = 100;
    note.data_class = DATA_CLASS_ACTIVITY;
    note.days = 10;
    policy.retention = rules;
    policy.n_retention = 2;
    tenant.key = "acme";
    tenant.policy = &policy;
    record.tenant = &tenant;
    record.number = 1;
    return tx_insert_tenant(tx, &record);
}

STORE_TEST(what_is_too_old_expires_but_not_what_is_held)
{
    Subject held = by_mail(MAIL);
    struct retention_counts n;
    struct office o;
    Lead *old, *young;
    uint64_t records;

    cr_assert_eq(store_run_system(f->store, &f->call, STORE_WRITE, policy_unit, NULL), STATUS_OK,
                 "%s", f->call.fault.why);
    open_office(&o, f); /* a lead, two notes, a deal with a note: held */
    log_deal_note(&o, o.deal, "on the deal");
    old = create_lead(&o, "Old", "old@example.org", "");
    log_note(&o, old, "an old note");
    cr_assert_eq(hold(&o, &held, true, &records), STATUS_OK);
    fixture_sql(f, "UPDATE lead SET update_time = update_time - 8640000000000");     /* 100 days */
    fixture_sql(f, "UPDATE lead SET update_time = update_time - 172800000000");      /* 2 days */
    fixture_sql(f, "UPDATE activity SET update_time = update_time - 1036800000000"); /* 12 days */
    young = create_lead(&o, "Young", "young@example.org", "");
    log_note(&o, young, "a fresh note");
    cr_assert_eq(retention_run(o.call, &o.agents, &n), STATUS_OK, "%s", o.call->fault.why);
    cr_assert_eq(n.leads, 1);
    cr_assert_eq(n.activities, 1);
    cr_assert_eq(n.held, 4);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM lead"), 2);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM activity"), 4);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM deal"), 1);
    cr_assert_eq(hold(&o, &held, false, &records), STATUS_OK); /* a change: young again */
    cr_assert_eq(retention_run(o.call, &o.agents, &n), STATUS_OK, "%s", o.call->fault.why);
    cr_assert(n.leads == 0 && n.activities == 3 && n.held == 0);
    stand_up(&o);
}
