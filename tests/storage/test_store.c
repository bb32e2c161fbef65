/* The contract of store/store.h, run on both engines: an engine is right when this and test_unit.c
 * pass. Here: records. */
#include <stdio.h>
#include <stdlib.h>

#define STORE_SUITE store
#include "storage/store_test.h"

STORE_TEST(insert_sets_what_the_store_owns_and_get_returns_it_all)
{
    Lead *in = make_lead(&f->call, "Ada Lovelace", "ada@example.org"), *out;

    cr_assert_eq(put_lead(f, &f->call, in), STATUS_OK, "%s", f->call.fault.why);
    cr_assert_eq(strlen(in->id), UUID_TEXT_BYTES);
    cr_assert(in->etag[0] && in->create_time && in->update_time);
    cr_assert_eq(get_lead(f, &f->call, in->id, &out), STATUS_OK, "%s", f->call.fault.why);
    cr_assert_str_eq(out->id, in->id);
    cr_assert_str_eq(out->etag, in->etag);
    cr_assert_str_eq(out->full_name, "Ada Lovelace");
    cr_assert_str_eq(out->email, "ada@example.org");
    cr_assert_eq(out->status, LEAD_STATUS_NEW);
    cr_assert_eq(out->create_time->seconds, in->create_time->seconds);
    cr_assert_eq(out->update_time->nanos, in->update_time->nanos);
}

STORE_TEST(unknown_malformed_and_foreign_ids_are_not_found_alike)
{
    static const char *const ids[] = {"0190d7a0-0000-7000-8000-000000000000", "", "x", "default"};
    Lead *lead = make_lead(&f->call, "Ada", NULL), *out;
    struct call other;
    char why[FAULT_WHY_BYTES];

    cr_assert_eq(put_lead(f, &f->call, lead), STATUS_OK);
    fixture_call(&other, 2);
    cr_assert_eq(get_lead(f, &other, lead->id, &out), STATUS_NOT_FOUND);
    snprintf(why, sizeof why, "%s", other.fault.why);
    call_release(&other);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        cr_assert_eq(get_lead(f, &f->call, ids[i], &out), STATUS_NOT_FOUND, "%s", ids[i]);
        cr_assert_null(out);
        cr_assert_str_eq(f->call.fault.why, why);
        call_clear(&f->call);
    }
}

/* Out of memory at any step of reading a record is that, and never taken for damage. */
STORE_TEST(too_little_memory_is_no_damage)
{
    Lead *lead = make_lead(&f->call, "Long", NULL), *out;
    enum status s = STATUS_EXHAUSTED;

    lead->status_reason = arena_alloc(&f->call.arena, 1, 1, 100001);
    memset(lead->status_reason, 'x', 100000);
    cr_assert_eq(put_lead(f, &f->call, lead), STATUS_OK);
    for (size_t bytes = 40000; s != STATUS_OK; bytes += 20000) {
        struct call c;

        fixture_call(&c, 1);
        arena_release(&c.arena);
        arena_init(&c.arena, bytes);
        s = get_lead(f, &c, lead->id, &out);
        cr_assert(s == STATUS_OK || s == STATUS_EXHAUSTED, "%zu bytes: %s", bytes, c.fault.why);
        cr_assert(s == STATUS_OK || strcmp(c.fault.reason, "REQUEST_MEMORY") == 0);
        cr_assert_lt(bytes, 2000000);
        call_release(&c);
    }
}

struct rename {
    const char *id, *etag, *name;
    Lead *lead;
};

static enum status rename_unit(struct call *c, struct tx *tx, void *arg)
{
    struct rename *r = arg;

    TRY(tx_get_lead(tx, str_of(r->id), &r->lead));
    TRY(tx_match(tx, &r->lead->base, str_of(r->etag)));
    r->lead->full_name = arena_cstr(&c->arena, str_of(r->name));
    return tx_update_lead(tx, r->lead);
}

STORE_TEST(update_changes_the_etag_and_a_stale_one_is_refused)
{
    Lead *lead = make_lead(&f->call, "Ada", NULL), *out;
    struct rename r;
    char *first;

    cr_assert_eq(put_lead(f, &f->call, lead), STATUS_OK);
    first = lead->etag;
    r = (struct rename){lead->id, first, "Ada Byron", NULL};
    RUN(f, STORE_WRITE, rename_unit, &r, STATUS_OK);
    cr_assert_str_neq(r.lead->etag, first);
    r = (struct rename){lead->id, first, "Nobody", NULL};
    cr_assert_eq(store_run(f->store, &f->call, STORE_WRITE, rename_unit, &r), STATUS_CONFLICT);
    cr_assert_str_eq(f->call.fault.reason, "ETAG_MISMATCH");
    call_clear(&f->call);
    cr_assert_eq(get_lead(f, &f->call, lead->id, &out), STATUS_OK);
    cr_assert_str_eq(out->full_name, "Ada Byron");
    r = (struct rename){lead->id, "", "Countess", NULL};
    RUN(f, STORE_WRITE, rename_unit, &r, STATUS_OK);
}

static enum status blind_update_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_update_lead(tx, arg);
}

STORE_TEST(update_without_a_read_checks_the_etag_of_the_message)
{
    Lead *lead = make_lead(&f->call, "Ada", NULL);
    char *first, *other;

    cr_assert_eq(put_lead(f, &f->call, lead), STATUS_OK);
    first = lead->etag;
    RUN(f, STORE_WRITE, blind_update_unit, lead, STATUS_OK);
    lead->etag = first;
    RUN(f, STORE_WRITE, blind_update_unit, lead, STATUS_CONFLICT);
    lead->etag = "not an etag";
    RUN(f, STORE_WRITE, blind_update_unit, lead, STATUS_CONFLICT);
    other = lead->id;
    lead->id = "0190d7a0-0000-7000-8000-000000000000";
    RUN(f, STORE_WRITE, blind_update_unit, lead, STATUS_NOT_FOUND);
    cr_assert(other);
}

static enum status delete_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_delete_lead(tx, str_of(arg), (str){0});
}

STORE_TEST(delete_leaves_nothing_behind)
{
    Lead *lead = make_lead(&f->call, "Ada Lovelace", "a@b.c"), *out;

    lead->n_tags = 1;
    lead->tags = (char *[]){"vip"};
    cr_assert_eq(put_lead(f, &f->call, lead), STATUS_OK);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM word"), 3);
    RUN(f, STORE_WRITE, delete_unit, lead->id, STATUS_OK);
    RUN(f, STORE_WRITE, delete_unit, lead->id, STATUS_NOT_FOUND);
    cr_assert_eq(get_lead(f, &f->call, lead->id, &out), STATUS_NOT_FOUND);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM word"), 0);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM lead"), 0);
}

static enum status refuse_unit(struct call *c, struct tx *tx, void *arg)
{
    TRY(tx_insert_lead(tx, make_lead(c, "Half Written", "half@written.org")));
    TRY(tx_event(tx, "sales.lead.created", RECORD_LEAD, STR("x"), &make_lead(c, "", "")->base));
    return call_fail(c, *(enum status *)arg, "refused by the unit");
}

STORE_TEST(a_unit_that_refuses_leaves_nothing)
{
    enum status why = STATUS_PRECONDITION;

    RUN(f, STORE_WRITE, refuse_unit, &why, STATUS_PRECONDITION);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM lead"), 0);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM outbox"), 0);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM word"), 0);
    cr_assert_eq(put_lead(f, &f->call, make_lead(&f->call, "Next", "half@written.org")), STATUS_OK);
}

STORE_TEST(a_read_unit_cannot_write_and_a_unit_needs_a_tenant)
{
    struct call nobody;

    RUN(f, STORE_READ, blind_update_unit, make_lead(&f->call, "x", NULL), STATUS_INTERNAL);
    fixture_call(&nobody, 0);
    cr_assert_eq(put_lead(f, &nobody, make_lead(&nobody, "x", NULL)), STATUS_INTERNAL);
    call_release(&nobody);
}

STORE_TEST(a_taken_external_id_is_named)
{
    Lead *a = make_lead(&f->call, "A", NULL), *b = make_lead(&f->call, "B", NULL);

    a->external_id = b->external_id = "crm-17";
    cr_assert_eq(put_lead(f, &f->call, a), STATUS_OK);
    cr_assert_eq(put_lead(f, &f->call, b), STATUS_EXISTS);
    cr_assert(has_detail(&f->call, "kind", "lead"));
    cr_assert(has_detail(&f->call, "column", "external_id"));
    cr_assert_null(strstr(f->call.fault.why, "crm-17"));
}

static enum status copy_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_insert_copy(tx, RECORD_LEAD, &((Lead *)arg)->base);
}

STORE_TEST(a_deliberate_copy_may_repeat_the_email)
{
    Lead *a = make_lead(&f->call, "A", "a@x.org"), *b = make_lead(&f->call, "B", "a@x.org"),
         *d = make_lead(&f->call, "D", "a@x.org");

    cr_assert_eq(put_lead(f, &f->call, a), STATUS_OK);
    cr_assert_eq(put_lead(f, &f->call, b), STATUS_EXISTS);
    cr_assert(has_detail(&f->call, "column", "email"));
    call_clear(&f->call);
    RUN(f, STORE_WRITE, copy_unit, b, STATUS_OK);
    RUN(f, STORE_WRITE, copy_unit, d, STATUS_OK);
}

struct find {
    const char *email;
    char *id;
};

static enum status find_unit(struct call *c, struct tx *tx, void *arg)
{
    struct find *q = arg;
    Lead *lead;

    (void)c;
    q->id = NULL;
    TRY(tx_find_lead(tx, LEAD_BY_email, str_of(q->email), &lead));
    q->id = lead->id;
    return STATUS_OK;
}

STORE_TEST(find_by_a_blind_value)
{
    Lead *a = make_lead(&f->call, "A", "a@x.org");
    struct find q = {.email = "a@x.org"};

    cr_assert_eq(put_lead(f, &f->call, a), STATUS_OK);
    RUN(f, STORE_READ, find_unit, &q, STATUS_OK);
    cr_assert_str_eq(q.id, a->id);
    q.email = "A+list@X.org"; /* a MAIL column: the same mailbox in another spelling */
    RUN(f, STORE_READ, find_unit, &q, STATUS_OK);
    q.email = "b@x.org";
    RUN(f, STORE_READ, find_unit, &q, STATUS_NOT_FOUND);
    q.email = "";
    RUN(f, STORE_READ, find_unit, &q, STATUS_NOT_FOUND);
}

enum { MANY = 700 };

struct many {
    char ids[MANY][UUID_TEXT_BYTES + 1];
    str emails[MANY];
    struct uuid found[MANY];
    size_t n;
};

static enum status put_many_unit(struct call *c, struct tx *tx, void *arg)
{
    struct many *m = arg;

    for (size_t i = 0; i < MANY; i++) {
        char *email = arena_printf(&c->arena, "p%zu@x.org", i);
        Lead *lead = make_lead(c, "P", email);

        TRY(tx_insert_lead(tx, lead));
        memcpy(m->ids[i], lead->id, sizeof m->ids[i]);
        m->emails[i] = str_of(email);
    }
    return STATUS_OK;
}

static enum status find_many_unit(struct call *c, struct tx *tx, void *arg)
{
    struct many *m = arg;
    ProtobufCMessage **got = NEW(&c->arena, ProtobufCMessage *, MANY);
    str *ids = NEW(&c->arena, str, MANY);

    for (size_t i = 0; i < MANY; i++)
        ids[i] = str_of(m->ids[MANY - 1 - i]);
    ids[3] = STR("0190d7a0-0000-7000-8000-000000000000");
    TRY(tx_find_ids(tx, LEAD_BY_email, m->emails, m->n, m->found));
    TRY(tx_get_many(tx, RECORD_LEAD, ids, MANY, got));
    for (size_t i = 0; i < MANY; i++)
        if (i == 3)
            cr_assert_null(got[i]);
        else
            cr_assert_str_eq(((Lead *)got[i])->id, m->ids[MANY - 1 - i]);
    return STATUS_OK;
}

STORE_TEST(find_many_keeps_the_callers_order)
{
    struct many *m = NEW(&f->call.arena, struct many, 1);
    static const struct uuid none;
    char text[UUID_TEXT_BYTES + 1];

    RUN(f, STORE_WRITE, put_many_unit, m, STATUS_OK);
    m->emails[5] = STR("nobody@x.org");
    m->emails[6] = STR("");
    m->emails[9] = m->emails[8];
    m->n = MANY;
    RUN(f, STORE_READ, find_many_unit, m, STATUS_OK);
    for (size_t i = 0; i < MANY; i++) {
        uuid_format(m->found[i], text);
        if (i == 5 || i == 6)
            cr_assert_eq(memcmp(&m->found[i], &none, sizeof none), 0);
        else
            cr_assert_str_eq(text, m->ids[i == 9 ? 8 : i], "%zu", i);
    }
    m->n = 0;
    RUN(f, STORE_READ, find_many_unit, m, STATUS_OK);
}
