/* Where a person can be, and that they are nowhere after an erasure: on both engines. */
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>

#include "agent/deal.h"
#include "agent/lead.h"
#include "agent/office.h"
#include "agent/person_place.h"
#include "agent/subject.h"
#include "base/buf.h"
#include "job/house.h"
#include "schema/json.h"
#include "storage/store_test.h"
#include "store/record_info.h"

#define STORE_SUITE person

/* A table that nobody has thought of is a place where people are forgotten, not erased. */
STORE_TEST(every_table_says_what_it_holds_of_people)
{
    const char *all = f->engine == ENGINE_SQLITE
                          ? "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND "
                            "name NOT LIKE 'sqlite_%' AND name NOT IN ('-'"
                          : "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = "
                            "current_schema() AND table_type = 'BASE TABLE' AND table_name NOT IN "
                            "('-'";
    const struct person_place *place;
    struct buf b;

    buf_init(&b, &f->call.arena, 4096);
    buf_put(&b, str_of(all));
    for (size_t i = 0; (place = person_place_at(i)) != NULL; i++) {
        cr_assert(*place->why);
        cr_assert_eq(person_place(str_of(place->table)), place, "%s is there twice", place->table);
        buf_printf(&b, ", '%s'", place->table);
    }
    buf_printf(&b, ")");
    cr_assert_eq(fixture_number(f, buf_str(&b).p), 0, "a table is missing in person_place.c");
}

/* Each kind that has people is found by something. */
Test(person, every_kind_that_holds_people_is_looked_for)
{
    struct person_find finds[PERSON_FINDS_MAX];
    char *others[10];
    Lead lead = LEAD_INIT;
    size_t n;

    for (size_t i = 0; i < 10; i++)
        others[i] = "other@example.org";
    lead.id = "01890a5d-ac96-774b-bcce-b302099a8057";
    lead.email = "a@example.org";
    lead.other_emails = others;
    lead.n_other_emails = 10;
    n = person_finds(&lead, finds);
    cr_assert_lt(n, (size_t)PERSON_FINDS_MAX, "there is room for all that a lead may have");
    for (unsigned k = RECORD_NONE + 1; k < RECORD_KINDS; k++) {
        const struct person_place *place =
            person_place(str_of(record_info((enum record_kind)k)->table));
        bool found = k == RECORD_LEAD;

        cr_assert_not_null(place, "%s", record_info((enum record_kind)k)->table);
        for (size_t i = 0; i < n; i++)
            found |= finds[i].kind == (enum record_kind)k;
        cr_assert_eq(found, place->way != PERSON_NOWHERE, "%s", place->table);
    }
}

/* What can still be opened, in the words of the contract. */

struct opened {
    struct buf text;
};

static enum status open_kind(struct tx *tx, enum record_kind kind, struct buf *b)
{
    struct list_page page;

    TRY(tx_list(tx, kind, &(struct list_query){.page_size = PAGE_SIZE_MAX}, &page));
    for (size_t i = 0; i < page.n_items; i++)
        TRY(message_to_json(&tx_call(tx)->arena, page.items[i], b));
    return STATUS_OK;
}

static enum status open_unit(struct call *c, struct tx *tx, void *arg)
{
    struct opened *o = arg;
    struct event_page events;
    struct job_list jobs;

    buf_init(&o->text, &c->arena, 4 << 20);
    for (unsigned k = RECORD_NONE + 1; k < RECORD_KINDS; k++)
        if (record_info((enum record_kind)k)->scope == SCOPE_TENANT)
            TRY(open_kind(tx, (enum record_kind)k, &o->text));
    TRY(tx_event_list(tx, (struct event_cursor){0}, PAGE_SIZE_MAX, &events));
    for (size_t i = 0; i < events.n_events; i++)
        buf_put(&o->text, events.events[i].data);
    TRY(tx_job_list(tx, &(struct job_query){.limit = PAGE_SIZE_MAX}, &jobs));
    for (size_t i = 0; i < jobs.n_jobs; i++)
        buf_put(&o->text, jobs.jobs[i].payload);
    return STATUS_OK;
}

/* How many of the marks can be read by somebody who has all keys. Answers are counted by the test:
 * they open for their own request only. */
static int marks_opened(struct office *o)
{
    struct opened all;
    int n = 0;

    cr_assert_eq(store_run(o->agents.store, o->call, STORE_READ, open_unit, &all), STATUS_OK, "%s",
                 o->call->fault.why);
    for (size_t i = 0; i < MARKS; i++) {
        str rest = buf_str(&all.text);
        bool found = false;

        for (; !found && rest.n >= strlen(marks[i]); rest = str_sub(rest, 1, rest.n))
            found = strncasecmp(rest.p, marks[i], strlen(marks[i])) == 0;
        n += found;
    }
    return n;
}

/* A deal of `lead` (NULL: of nobody) that has these contacts. */
static Deal *deal_with(struct office *o, Lead *lead, DealContact **contacts, size_t n, char *step)
{
    CreateDealRequest in = CREATE_DEAL_REQUEST_INIT;
    CreateDealResponse out = CREATE_DEAL_RESPONSE_INIT;
    Deal deal = DEAL_INIT;
    Money amount = MONEY_INIT;

    amount.amount_minor = 900;
    amount.currency_code = "EUR";
    deal.name = "Boilers for the plant";
    deal.lead_id = lead ? lead->id : "";
    deal.amount = &amount;
    deal.expected_close_date = "2031-01-31";
    deal.next_step = step;
    deal.contacts = contacts;
    deal.n_contacts = n;
    in.deal = &deal;
    o->call->method = "sales.v1.SalesAgent/CreateDeal";
    o->call->answer = (str){0};
    o->call->request_id = uuid_text(&o->call->arena, uuid_new(o->call));
    cr_assert_eq(deal_create(o->call, &o->agents, &in, &out), STATUS_OK, "%s", o->call->fault.why);
    o->call->request_id = "";
    return out.deal;
}

static Deal *read_deal(struct office *o, const Deal *deal)
{
    Deal *out;

    cr_assert_eq(deal_get(o->call, &o->agents, deal->id, &out), STATUS_OK);
    return out;
}

/* The person as a contact in deals of others: by id, by an address in another spelling, by a second
 * address, and in a text. */
struct elsewhere {
    Lead *other, *held;
    Deal *of_other, *of_nobody, *of_held;
};

static void spread(struct office *o, struct elsewhere *e)
{
    static DealContact by_id = DEAL_CONTACT_INIT, by_mailbox = DEAL_CONTACT_INIT,
                       by_second = DEAL_CONTACT_INIT, somebody = DEAL_CONTACT_INIT;
    UpdateLeadRequest in = UPDATE_LEAD_REQUEST_INIT;
    UpdateLeadResponse out = UPDATE_LEAD_RESPONSE_INIT;
    FieldMask mask = FIELD_MASK_INIT;
    Lead change = LEAD_INIT;
    char *paths[] = {"other_emails"}, *second[] = {"zb@quuxheart.example"};

    change.id = o->lead->id;
    change.other_emails = second;
    change.n_other_emails = 1;
    mask.paths = paths;
    mask.n_paths = 1;
    in.lead = &change;
    in.update_mask = &mask;
    cr_assert_eq(lead_update(o->call, &o->agents, &in, &out), STATUS_OK, "%s", o->call->fault.why);
    e->other = create_lead(o, "Otto Normal", "otto@example.org", "");
    e->held = create_lead(o, "Helga Held", "helga@example.org", "");
    by_id.lead_id = o->lead->id;
    by_id.name = NAME;
    by_mailbox.email = "Zaphodina+work@QuuxHeart.example";
    by_second.email = "zb@quuxheart.example";
    somebody.email = "otto@example.org";
    somebody.name = "Otto Normal";
    e->of_other = deal_with(o, e->other, (DealContact *[]){&by_id, &somebody, &by_second}, 3,
                            "ask Beeblequux, then send the offer");
    e->of_nobody = deal_with(o, NULL, (DealContact *[]){&by_mailbox}, 1, "wait for spring");
    e->of_held = deal_with(o, e->held, (DealContact *[]){&by_mailbox, &somebody}, 2, "");
    log_deal_note(o, o->deal, NOTE);
}

STORE_TEST(a_person_is_taken_out_of_what_belongs_to_others)
{
    Subject who = by_mail("zb@quuxheart.example"), held = by_mail("helga@example.org");
    EraseSubjectResponse out;
    struct elsewhere e;
    struct office o;
    uint64_t n;
    Deal *d;

    open_office(&o, f);
    spread(&o, &e);
    cr_assert_eq(marks_opened(&o), MARKS, "the test looks in the right places");
    cr_assert_eq(hold(&o, &held, true, &n), STATUS_OK);
    cr_assert_eq(erase(&o, &who, &out), STATUS_OK, "%s", o.call->fault.why);
    cr_assert_eq(erased_of(&out, "activity"), 3);
    cr_assert_eq(erased_of(&out, "deal"), 3); /* their own, and two of others */
    cr_assert_eq(out.held, 1);
    d = read_deal(&o, e.of_other);
    cr_assert_eq(d->n_contacts, 1);
    cr_assert_str_eq(d->contacts[0]->email, "otto@example.org");
    cr_assert(!*d->next_step && d->amount->amount_minor == 900);
    d = read_deal(&o, e.of_nobody);
    cr_assert(d->n_contacts == 0 && strcmp(d->next_step, "wait for spring") == 0);
    cr_assert_eq(read_deal(&o, e.of_held)->n_contacts, 2);
    /* requests: three leads, three deals; those about the held one and its deal may repeat */
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM idempotency WHERE length(body) > 0"), 2);
    cr_assert_eq(hold(&o, &held, false, &n), STATUS_OK);
    cr_assert_eq(erase(&o, &held, &out), STATUS_OK, "%s", o.call->fault.why);
    stand_up(&o);
}

STORE_TEST(nothing_that_opens_names_the_erased)
{
    Subject who = by_mail(MAIL), held = by_mail("helga@example.org");
    EraseSubjectResponse out;
    struct elsewhere e;
    struct office o;

    open_office(&o, f);
    spread(&o, &e);
    cr_assert_eq(erase(&o, &who, &out), STATUS_OK, "%s", o.call->fault.why);
    cr_assert_eq(marks_opened(&o), 0);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM idempotency WHERE length(body) > 0"), 0);
    cr_assert_eq(erase(&o, &held, &out), STATUS_OK, "%s", o.call->fault.why);
    stand_up(&o);
}

static void give(struct office *o, Lead *lead, char *owner)
{
    UpdateLeadRequest in = UPDATE_LEAD_REQUEST_INIT;
    UpdateLeadResponse out = UPDATE_LEAD_RESPONSE_INIT;
    FieldMask mask = FIELD_MASK_INIT;
    Lead change = LEAD_INIT;
    char *paths[] = {"owner_id"};

    change.id = lead->id;
    change.owner_id = owner;
    mask.paths = paths;
    mask.n_paths = 1;
    in.lead = &change;
    in.update_mask = &mask;
    cr_assert_eq(lead_update(o->call, &o->agents, &in, &out), STATUS_OK, "%s", o->call->fault.why);
}

/* Complete or refused: what is out of a rep's reach is cleaned too, and what may not be deleted is
 * left whole. */
STORE_TEST(a_rep_erases_all_or_nothing)
{
    const struct reach own = {REACH_TEAM, REACH_OWN, REACH_OWN, "access.rep"}, all = {0};
    DeleteLeadRequest in = DELETE_LEAD_REQUEST_INIT;
    DeleteLeadResponse out = DELETE_LEAD_RESPONSE_INIT;
    struct elsewhere e;
    struct office o;
    Lead *lead;

    open_office(&o, f);
    spread(&o, &e);
    o.call->reach = own;
    in.id = o.lead->id;
    cr_assert_neq(lead_delete(o.call, &o.agents, &in, &out), STATUS_OK);
    call_clear(o.call);
    o.call->reach = all;
    cr_assert_eq(marks_opened(&o), MARKS);
    cr_assert_eq(lead_get(o.call, &o.agents, o.lead->id, &lead), STATUS_OK);
    give(&o, o.lead, "ada");
    o.call->reach = own;
    cr_assert_eq(lead_delete(o.call, &o.agents, &in, &out), STATUS_OK, "%s", o.call->fault.why);
    o.call->reach = all;
    cr_assert_eq(marks_opened(&o), 0);
    stand_up(&o);
}

STORE_TEST(an_export_has_what_deals_of_others_say_and_no_more)
{
    Subject who = by_mail("zb@quuxheart.example");
    ExportSubjectResponse out = EXPORT_SUBJECT_RESPONSE_INIT;
    struct subject_export *x;
    struct elsewhere e;
    struct office o;
    struct buf all;

    open_office(&o, f);
    spread(&o, &e);
    cr_assert_eq(subject_export_open(o.call, &o.agents, &who, &x), STATUS_OK, "%s",
                 o.call->fault.why);
    buf_init(&all, &o.call->arena, 1 << 20);
    do {
        cr_assert_eq(subject_export_next(o.call, &o.agents, x, &out), STATUS_OK, "%s",
                     o.call->fault.why);
        buf_put(&all, (str){(char *)out.json_lines.data, out.json_lines.len});
    } while (out.json_lines.len);
    subject_export_close(x);
    cr_assert_eq(out.records,
                 8); /* the lead, three notes, their deal, three of others: each once */
    cr_assert_not_null(strstr(buf_str(&all).p, e.of_other->id));
    cr_assert_not_null(strstr(buf_str(&all).p, e.of_nobody->id));
    cr_assert_null(strcasestr(buf_str(&all).p, "otto"));
    cr_assert_null(strstr(buf_str(&all).p, "wait for spring"));
    stand_up(&o);
}

/* Files. */

static void delete_lead(struct office *o, Lead *lead)
{
    DeleteLeadRequest in = DELETE_LEAD_REQUEST_INIT;
    DeleteLeadResponse out = DELETE_LEAD_RESPONSE_INIT;

    in.id = lead->id;
    cr_assert_eq(lead_delete(o->call, &o->agents, &in, &out), STATUS_OK, "%s", o->call->fault.why);
}

static long long wal_bytes(struct fixture *f)
{
    char path[200];
    FILE *file;
    long long n;

    snprintf(path, sizeof path, "%s/store.db-wal", f->dir);
    if ((file = fopen(path, "rb")) == NULL)
        return 0;
    fseek(file, 0, SEEK_END);
    n = ftell(file);
    fclose(file);
    return n;
}

/* Many deletions, one job; it waits for a reader that is in the way, and then the log is empty. */
Test(person, sqlite_empties_its_log_after_deletions_even_with_a_reader_in_the_way)
{
    static const char jobs[] = "SELECT COUNT(*) FROM job WHERE kind = 'house.scrub'";
    struct job job = {0};
    struct fixture f;
    struct office o;
    sqlite3 *reader;
    char path[200];

    fixture_open(&f, ENGINE_SQLITE);
    open_office(&o, &f);
    delete_lead(&o, create_lead(&o, "A", "a@example.org", ""));
    delete_lead(&o, create_lead(&o, "B", "b@example.org", ""));
    delete_lead(&o, o.lead);
    cr_assert_eq(fixture_number(&f, jobs), 1);
    cr_assert_gt(wal_bytes(&f), 0);
    snprintf(path, sizeof path, "%s/store.db", f.dir);
    cr_assert_eq(sqlite3_open(path, &reader), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(reader, "BEGIN; SELECT COUNT(*) FROM lead", NULL, NULL, NULL),
                 SQLITE_OK);
    fixture_sql(&f, "CREATE TABLE behind_the_reader(n BIGINT)");
    cr_assert_eq(house_scrub.handle(f.store, o.call, &job), STATUS_UNAVAILABLE);
    cr_assert_gt(wal_bytes(&f), 0);
    call_clear(o.call);
    sqlite3_close(reader);
    cr_assert_eq(house_scrub.handle(f.store, o.call, &job), STATUS_OK, "%s", o.call->fault.why);
    cr_assert_eq(wal_bytes(&f), 0);
    stand_up(&o);
    fixture_close(&f);
}
