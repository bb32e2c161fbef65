#include <criterion/criterion.h>

#include "agent/desk.h"
#include "agent/lead_import.h"

enum { ROWS_MAX = 8 };

/* Rows "number external_id email", imported as one batch. */
struct rows {
    Lead leads[ROWS_MAX];
    ImportRow rows[ROWS_MAX], *list[ROWS_MAX];
    ImportRows message;
};

static void add(struct rows *r, uint64_t number, const char *external_id, const char *email)
{
    size_t i = r->message.n_rows++;

    r->leads[i] = (Lead)LEAD_INIT;
    r->leads[i].external_id = (char *)external_id;
    r->leads[i].email = (char *)email;
    r->rows[i] = (ImportRow)IMPORT_ROW_INIT;
    r->rows[i].row_number = number;
    r->rows[i].lead = &r->leads[i];
    r->list[i] = &r->rows[i];
    r->message.rows = r->list;
}

static void start(struct desk *d, const char *id, DuplicatePolicy policy, struct import *out)
{
    ImportOpen open = IMPORT_OPEN_INIT;

    open.import_id = (char *)id;
    open.duplicate_policy = policy;
    cr_assert_eq(import_open(d->call, &d->agents, &open, out), STATUS_OK, "%s", d->call->fault.why);
}

static const char one[] = "01932b6e-5f00-7abc-8def-0123456789ab";

static void expect(const ImportResults *r, size_t i, ImportOutcome outcome)
{
    cr_assert_lt(i, r->n_results);
    cr_assert_eq(r->results[i]->outcome, outcome, "row %zu: %s", i,
                 import_outcome_name(r->results[i]->outcome));
}

DESK_TEST(lead_import, rows_of_one_batch_know_each_other)
{
    struct rows r = {.message = IMPORT_ROWS_INIT};
    ImportResults out = IMPORT_RESULTS_INIT;
    struct import import;

    start(d, one, DUPLICATE_POLICY_RETURN, &import);
    add(&r, 1, "a", "ada@acme.example");
    add(&r, 2, "b", "Ada+x@ACME.example");
    add(&r, 3, "a", "");
    add(&r, 4, "c", "c@acme.example");
    cr_assert_eq(import_rows(d->call, &d->agents, &import, &r.message, &out), STATUS_OK, "%s",
                 d->call->fault.why);
    expect(&out, 0, IMPORT_OUTCOME_CREATED);
    expect(&out, 1, IMPORT_OUTCOME_DUPLICATE);
    cr_assert_eq(out.results[1]->match_reason, MATCH_REASON_EMAIL);
    expect(&out, 2, IMPORT_OUTCOME_DUPLICATE);
    cr_assert_eq(out.results[2]->match_reason, MATCH_REASON_EXTERNAL_ID);
    expect(&out, 3, IMPORT_OUTCOME_CREATED);
    cr_assert_eq(desk_events(d, "sales.lead.created"), 2);
}

DESK_TEST(lead_import, overwriting_a_row_of_the_same_batch_keeps_one_lead)
{
    struct rows r = {.message = IMPORT_ROWS_INIT};
    ImportResults out = IMPORT_RESULTS_INIT;
    struct import import;

    start(d, one, DUPLICATE_POLICY_OVERWRITE, &import);
    add(&r, 1, "a", "");
    add(&r, 2, "a", "");
    r.leads[0].city = "Rom";
    r.leads[1].job_title = "CEO";
    cr_assert_eq(import_rows(d->call, &d->agents, &import, &r.message, &out), STATUS_OK, "%s",
                 d->call->fault.why);
    expect(&out, 1, IMPORT_OUTCOME_UPDATED);
    cr_assert_str_eq(out.results[0]->lead_id, out.results[1]->lead_id);
    cr_assert_str_eq(desk_get_lead(d, out.results[0]->lead_id)->city, "Rom");
    cr_assert_str_eq(desk_get_lead(d, out.results[0]->lead_id)->job_title, "CEO");
}

/* The store would refuse all rows for the sake of one, at every attempt to go on. */
DESK_TEST(lead_import, a_row_that_fits_two_leads_holds_back_no_other)
{
    struct rows known = {.message = IMPORT_ROWS_INIT}, r = {.message = IMPORT_ROWS_INIT};
    ImportResults out = IMPORT_RESULTS_INIT, merged = IMPORT_RESULTS_INIT;
    struct import import;

    start(d, one, DUPLICATE_POLICY_FILL, &import);
    add(&known, 1, "a", "");
    add(&known, 2, "b", "b@acme.example");
    cr_assert_eq(import_rows(d->call, &d->agents, &import, &known.message, &out), STATUS_OK);
    add(&r, 3, "a", "b@acme.example"); /* a's external id, b's mailbox */
    add(&r, 4, "c", "c@acme.example");
    add(&r, 5, "b", "c@acme.example"); /* b has a mailbox, which stays */
    add(&r, 6, "a", "a@acme.example");
    add(&r, 7, "e", "a@acme.example"); /* a's since the row before */
    add(&r, 8, "b", "f@acme.example"); /* which b does not get */
    add(&r, 9, "f", "f@acme.example");
    cr_assert_eq(import_rows(d->call, &d->agents, &import, &r.message, &merged), STATUS_OK, "%s",
                 d->call->fault.why);
    expect(&merged, 0, IMPORT_OUTCOME_FAILED);
    cr_assert_str_eq(merged.results[0]->error->fields[0]->field, "email");
    expect(&merged, 1, IMPORT_OUTCOME_CREATED);
    expect(&merged, 2, IMPORT_OUTCOME_UPDATED);
    expect(&merged, 3, IMPORT_OUTCOME_UPDATED);
    expect(&merged, 4, IMPORT_OUTCOME_UPDATED);
    cr_assert_str_eq(merged.results[4]->lead_id, out.results[0]->lead_id);
    expect(&merged, 5, IMPORT_OUTCOME_UPDATED);
    expect(&merged, 6, IMPORT_OUTCOME_CREATED);
}

DESK_TEST(lead_import, a_refused_row_holds_back_no_other)
{
    struct rows r = {.message = IMPORT_ROWS_INIT};
    ImportResults out = IMPORT_RESULTS_INIT;
    struct import import;

    start(d, one, DUPLICATE_POLICY_FAIL, &import);
    add(&r, 1, "a", "not an address");
    add(&r, 2, "b", "");
    add(&r, 3, "b", "");
    add(&r, 4, "", "");
    add(&r, 5, "e", "");
    r.rows[4].lead = NULL;
    cr_assert_eq(import_rows(d->call, &d->agents, &import, &r.message, &out), STATUS_OK, "%s",
                 d->call->fault.why);
    expect(&out, 0, IMPORT_OUTCOME_FAILED);
    cr_assert_str_eq(out.results[0]->error->fields[0]->field, "email");
    expect(&out, 1, IMPORT_OUTCOME_CREATED);
    expect(&out, 2, IMPORT_OUTCOME_FAILED);
    cr_assert_str_eq(out.results[2]->error->reason, "DUPLICATE_LEAD");
    expect(&out, 3, IMPORT_OUTCOME_FAILED);
    expect(&out, 4, IMPORT_OUTCOME_FAILED);
    cr_assert_str_eq(out.results[4]->error->reason, "ROW_UNREADABLE");
    cr_assert_eq(import.counts.failed, 4);
}

/* The rows are done when the answer is packed: it must fit, or their errors are lost. */
DESK_TEST(lead_import, the_errors_of_a_full_batch_fit_into_an_answer)
{
    enum { PAIRS = 64 };
    ImportRow *rows = NEW(&d->call->arena, ImportRow, IMPORT_ROWS_MAX);
    ImportRow **list = NEW(&d->call->arena, ImportRow *, IMPORT_ROWS_MAX);
    ImportRows message = IMPORT_ROWS_INIT;
    ImportResults out = IMPORT_RESULTS_INIT;
    Sales__V1__Lead__AttributesEntry pairs[PAIRS], *attributes[PAIRS];
    AttributeValue none = ATTRIBUTE_VALUE_INIT;
    Lead lead = LEAD_INIT;
    struct import import;

    for (size_t i = 0; i < PAIRS; i++) {
        pairs[i] = (Sales__V1__Lead__AttributesEntry)SALES__V1__LEAD__ATTRIBUTES_ENTRY__INIT;
        pairs[i].key = arena_printf(&d->call->arena, "%062zu !", i);
        pairs[i].value = &none;
        attributes[i] = &pairs[i];
    }
    lead.attributes = attributes;
    lead.n_attributes = PAIRS;
    for (size_t i = 0; i < IMPORT_ROWS_MAX; i++) {
        rows[i] = (ImportRow)IMPORT_ROW_INIT;
        rows[i].row_number = i + 1;
        rows[i].lead = &lead;
        list[i] = &rows[i];
    }
    message.rows = list;
    message.n_rows = IMPORT_ROWS_MAX;
    start(d, one, DUPLICATE_POLICY_RETURN, &import);
    cr_assert_eq(import_rows(d->call, &d->agents, &import, &message, &out), STATUS_OK, "%s",
                 d->call->fault.why);
    expect(&out, IMPORT_ROWS_MAX - 1, IMPORT_OUTCOME_FAILED);
    cr_assert_gt(out.results[0]->error->n_fields, 10);
    cr_assert_lt(protobuf_c_message_get_packed_size(&out.base), MESSAGE_BYTES_MAX);
}

DESK_TEST(lead_import, a_country_and_a_zone_nobody_knows_refuse_their_row_alone)
{
    struct rows r = {.message = IMPORT_ROWS_INIT};
    ImportResults out = IMPORT_RESULTS_INIT;
    struct import import;

    start(d, one, DUPLICATE_POLICY_RETURN, &import);
    add(&r, 1, "a", "");
    add(&r, 2, "b", "");
    add(&r, 3, "c", "");
    r.leads[0].country_code = (char *)"Atlantis";
    r.leads[1].time_zone = (char *)"Mars/Olympus";
    r.leads[2].country_code = (char *)"Austria";
    r.leads[2].time_zone = (char *)"Europe/Vienna";
    cr_assert_eq(import_rows(d->call, &d->agents, &import, &r.message, &out), STATUS_OK, "%s",
                 d->call->fault.why);
    expect(&out, 0, IMPORT_OUTCOME_FAILED);
    cr_assert_str_eq(out.results[0]->error->fields[0]->field, "country_code");
    expect(&out, 1, IMPORT_OUTCOME_FAILED);
    cr_assert_str_eq(out.results[1]->error->fields[0]->field, "time_zone");
    expect(&out, 2, IMPORT_OUTCOME_CREATED);
}

/* The second batch of an import whose first one made nothing is not readied, and the same. */
DESK_TEST(lead_import, after_a_batch_of_repetitions_new_leads_still_come)
{
    struct rows known = {.message = IMPORT_ROWS_INIT}, more = {.message = IMPORT_ROWS_INIT};
    ImportResults first = IMPORT_RESULTS_INIT, out = IMPORT_RESULTS_INIT;
    struct import import;

    start(d, one, DUPLICATE_POLICY_RETURN, &import);
    add(&known, 1, "a", "");
    cr_assert_eq(import_rows(d->call, &d->agents, &import, &known.message, &first), STATUS_OK);
    cr_assert(!import.repeats);
    known.rows[0].row_number = 2;
    cr_assert_eq(import_rows(d->call, &d->agents, &import, &known.message, &first), STATUS_OK);
    expect(&first, 0, IMPORT_OUTCOME_DUPLICATE);
    cr_assert(import.repeats);
    add(&more, 3, "b", "");
    cr_assert_eq(import_rows(d->call, &d->agents, &import, &more.message, &out), STATUS_OK);
    expect(&out, 0, IMPORT_OUTCOME_CREATED);
    cr_assert(!import.repeats);
    cr_assert_eq(desk_events(d, "sales.lead.created"), 2);
}

DESK_TEST(lead_import, resuming_does_no_row_twice)
{
    struct rows r = {.message = IMPORT_ROWS_INIT}, rest = {.message = IMPORT_ROWS_INIT};
    ImportResults out = IMPORT_RESULTS_INIT, again = IMPORT_RESULTS_INIT;
    ImportOpen open = IMPORT_OPEN_INIT;
    struct import import;

    start(d, one, DUPLICATE_POLICY_RETURN, &import);
    add(&r, 1, "a", "");
    add(&r, 2, "b", "");
    cr_assert_eq(import_rows(d->call, &d->agents, &import, &r.message, &out), STATUS_OK);
    open.import_id = (char *)one;
    cr_assert_eq(import_open(d->call, &d->agents, &open, &import), STATUS_EXISTS);
    call_clear(d->call);
    open.resume = 1;
    cr_assert_eq(import_open(d->call, &d->agents, &open, &import), STATUS_OK);
    cr_assert_eq(import.done_row_number, 2);
    add(&rest, 2, "b", "");
    add(&rest, 3, "c", "");
    cr_assert_eq(import_rows(d->call, &d->agents, &import, &rest.message, &again), STATUS_OK);
    expect(&again, 0, IMPORT_OUTCOME_ALREADY_DONE);
    expect(&again, 1, IMPORT_OUTCOME_CREATED);
    cr_assert_eq(desk_events(d, "sales.lead.created"), 3);
}

DESK_TEST(lead_import, validate_only_stores_nothing)
{
    struct rows r = {.message = IMPORT_ROWS_INIT};
    ImportResults out = IMPORT_RESULTS_INIT;
    struct import import;

    start(d, one, DUPLICATE_POLICY_RETURN, &import);
    import.validate_only = true;
    add(&r, 1, "a", "");
    add(&r, 2, "a", "");
    cr_assert_eq(import_rows(d->call, &d->agents, &import, &r.message, &out), STATUS_OK);
    expect(&out, 0, IMPORT_OUTCOME_CREATED);
    expect(&out, 1, IMPORT_OUTCOME_DUPLICATE);
    cr_assert_str_eq(out.results[0]->lead_id, "");
    cr_assert_eq(desk_events(d, "sales.lead.created"), 0);
}
