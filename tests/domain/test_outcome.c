/* outcome: every field has a role, names that promise an outcome, the last open instant. */
#include "domain/outcome.h"
#include "lead_case.h"
#include "support/table.h"

Test(outcome, every_field_of_a_lead_has_one_role)
{
    const ProtobufCMessageDescriptor *d = &sales__v1__lead__descriptor;

    for (unsigned i = 0; i < d->n_fields; i++) {
        str name = str_of(d->fields[i].name);
        enum outcome_role role = outcome_role_of_field(name);
        bool expected = str_eq(name, STR("outcome")) || str_eq(name, STR("closed_at")) ||
                        str_eq(name, STR("status")) || str_eq(name, STR("status_time")) ||
                        str_eq(name, STR("status_reason")) || str_eq(name, STR("score")) ||
                        str_eq(name, STR("converted_deal_id")) ||
                        str_eq(name, STR("merged_into_id"));

        cr_assert_eq(role == OUTCOME_OUTCOME, expected,
                     "is \"%s\" an input of a score? outcome.def does not say", d->fields[i].name);
    }
}

struct name_case {
    const char *key;
    bool denied;
};

static const struct name_case names[] = {
    {"outcome", true},
    {"won", true},
    {"y", true},
    {"converted", true},
    {"closed", true},
    {"closed_at", true},
    {"deal.won", true},
    {"loss-reason", true},
    {"contract_signed", true},
    {"is_customer", true},
    {"target", true},
    {"date_converted", true},
    {"poutcome", false},
    {"prev_outcome", false},
    {"outcome_previous", false},
    {"years", false},
    {"windows", false},
    {"target_market", false},
    {"wonderful", false},
    {"closest_city", false},
    {"age", false},
    {"customer_type", false},
    {"", false},
    {"_", false},
};

TABLE_TEST(outcome, a_name_that_promises_an_outcome_is_told, struct name_case, names)
{
    const char *why = outcome_of_name(str_of(row->key));

    cr_assert_eq(why != NULL, row->denied, "%s: %s", row->key, why ? why : "let through");
}

struct event_case {
    const char *key, *value;
    bool is_outcome;
};

static const struct event_case events[] = {
    {"event", "contract_signed", true},
    {"event_type", "Contract Signed", true},
    {"stage", "closed-won", true},
    {"status", "LOST", true},
    {"event", "contract", false},
    {"event", "contract_signed_by", false},
    {"topic", "won", false},
    {"event", "", false},
};

TABLE_TEST(outcome, an_activity_that_follows_from_the_outcome_is_told, struct event_case, events)
{
    Activity a = ACTIVITY_INIT;
    Activity_AttributesEntry entry = ACTIVITY_ATTRIBUTES_ENTRY_INIT, *entries = &entry;
    AttributeValue v = ATTRIBUTE_VALUE_INIT;

    entry.key = (char *)row->key;
    entry.value = &v;
    v.kind_case = SALES__V1__ATTRIBUTE_VALUE__KIND_STRING_VALUE;
    v.string_value = (char *)row->value;
    a.attributes = &entries;
    a.n_attributes = 1;
    cr_assert_eq(outcome_is_activity(&a), row->is_outcome, "%s=%s", row->key, row->value);
}

Test(outcome, the_latest_open_instant_lies_before_the_end)
{
    struct arena arena;

    arena_init(&arena, 1 << 20);
    Lead *l = lead_new(&arena, 100);
    int64_t born = moment_us(l->created_at, 0);

    cr_assert_eq(outcome_latest_as_of_us(l), INT64_MAX);
    l->outcome = LEAD_OUTCOME_LOST; /* nobody knows since when */
    cr_assert_eq(outcome_latest_as_of_us(l), born);
    l->closed_at = moment_new(&arena, NOW - 10 * MOMENT_DAY_US);
    cr_assert_eq(outcome_latest_as_of_us(l), NOW - 10 * MOMENT_DAY_US - 1);
    l->status = LEAD_STATUS_CONVERTED;
    l->status_time = moment_new(&arena, NOW - 40 * MOMENT_DAY_US);
    cr_assert_eq(outcome_latest_as_of_us(l), NOW - 40 * MOMENT_DAY_US - 1);
    arena_release(&arena);
}
