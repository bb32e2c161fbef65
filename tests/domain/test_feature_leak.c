/* feature_leak: nothing that tells how a lead ended, or what came later, reaches its vector. */
#include "domain/outcome.h"
#include "feature_case.h"

TestSuite(feature_leak, .init = feature_setup, .fini = feature_teardown);

static void set_enum(void *field)
{
    *(int *)field = 1;
}

/* Plants something else than nothing into a field of any type. */
static void plant(Lead *l, const ProtobufCFieldDescriptor *d)
{
    void *field = (char *)l + d->offset;

    if (d->type == PROTOBUF_C_TYPE_STRING)
        *(char **)field = (char *)"0198aaaa-0000-7000-8000-000000000001";
    else if (d->type == PROTOBUF_C_TYPE_ENUM)
        set_enum(field);
    else if (d->type == PROTOBUF_C_TYPE_BOOL)
        *(protobuf_c_boolean *)field = true;
    else if (d->descriptor == &google__protobuf__timestamp__descriptor)
        *(Timestamp **)field = moment_new(&arena, NOW - MOMENT_DAY_US);
    else if (d->descriptor == &sales__v1__lead_score_summary__descriptor) {
        LeadScoreSummary *s = NEW(&arena, LeadScoreSummary, 1);

        *s = (LeadScoreSummary)LEAD_SCORE_SUMMARY_INIT;
        s->score = 97;
        *(LeadScoreSummary **)field = s;
    } else
        cr_assert_fail("%s: do not know how to plant a value", d->name);
}

Test(feature_leak, a_leak_planted_in_any_field_that_is_no_input_changes_nothing)
{
    const ProtobufCMessageDescriptor *d = &sales__v1__lead__descriptor;
    struct activity_rollup *r = rollup_new();
    struct feature_vector before = vector(full_lead(), r);
    Lead *all = full_lead();
    int n_planted = 0;

    for (unsigned i = 0; i < d->n_fields; i++) {
        Lead *l = full_lead();

        if (outcome_role_of_field(str_of(d->fields[i].name)) == OUTCOME_INPUT)
            continue;
        plant(l, &d->fields[i]);
        plant(all, &d->fields[i]);
        n_planted++;
        struct feature_vector after = vector(l, r);

        check_equal(&before, &after);
    }
    struct feature_vector after = vector(all, r);

    check_equal(&before, &after);
    cr_assert_geq(n_planted, 16);
}

Test(feature_leak, a_leak_in_an_attribute_is_left_out_and_named)
{
    Lead *l = full_lead();

    lead_open_attributes(&arena, l, 5);
    lead_put_text(&arena, l, "y", "yes");
    lead_put_text(&arena, l, "outcome", "won");
    lead_put_text(&arena, l, "poutcome", "success");
    lead_put_time(&arena, l, "closed_at", NOW - MOMENT_DAY_US);
    lead_put_number(&arena, l, "age", 41);
    struct feature_vector v = vector(l, NULL);

    check_sound(&v);
    cr_assert_eq(v.n - v.n_signals, 2);
    check_number(&v, "attr.age", 41);
    check_text(&v, "attr.poutcome", "success");
    cr_assert_eq(v.n_caveats, 3);
    cr_assert_str_eq(v.caveats[0].name, "attr.closed_at");
    cr_assert_str_eq(v.caveats[1].name, "attr.outcome");
    cr_assert_str_eq(v.caveats[2].name, "attr.y");
    for (size_t i = 0; i < v.n_caveats; i++)
        cr_assert(*v.caveats[i].why);
}

Test(feature_leak, activities_of_later_and_of_the_outcome_change_nothing)
{
    struct activity_rollup *before = rollup_new(), *after = rollup_new();
    Activity *contract = activity_new(&arena, ACTIVITY_EVENT_UNSPECIFIED, ACTIVITY_KIND_MEETING,
                                      NOW - MOMENT_DAY_US);
    Activity_AttributesEntry entry = ACTIVITY_ATTRIBUTES_ENTRY_INIT, *entries = &entry;
    AttributeValue v = ATTRIBUTE_VALUE_INIT;

    entry.key = (char *)"event";
    entry.value = &v;
    v.kind_case = SALES__V1__ATTRIBUTE_VALUE__KIND_STRING_VALUE;
    v.string_value = (char *)"CONTRACT_SIGNED";
    contract->attributes = &entries;
    contract->n_attributes = 1;
    for (int i = 0; i < 8; i++) {
        add(before, ACTIVITY_EVENT_PAGE_VIEW, ACTIVITY_KIND_WEB, 2 + i);
        add(after, ACTIVITY_EVENT_PAGE_VIEW, ACTIVITY_KIND_WEB, 2 + i);
    }
    for (int event = 0; event < ACTIVITY_EVENT_N; event++)
        add(after, (ActivityEvent)event, (ActivityKind)(event % ACTIVITY_KIND_N), -0.001);
    activity_rollup_add(after, contract);
    struct feature_vector x = vector(full_lead(), before), y = vector(full_lead(), after);

    check_equal(&x, &y);
    check_number(&x, "page_views_28d", 8);
}

Test(feature_leak, a_guess_neither_disqualifies_nor_proves_itself)
{
    static const struct enrich_fact facts[] = {
        {"geo.country", "IR", ENRICH_TEXT, 0.5, "offline", NOW},
        {"company.domain", "acme.de", ENRICH_TEXT, 0.8, "offline", NOW},
        {"company.employees", "1", ENRICH_NUMBER, 0.9, "t", NOW},
    };
    QualificationPolicy policy = QUALIFICATION_POLICY_INIT;
    Lead *l = lead_new(&arena, 1);
    struct score_input in = {
        .lead = l, .facts = facts, .n_facts = 3, .policy = &policy, .as_of_us = NOW, .now_us = NOW};
    LeadScore *s;

    policy.min_employees = 10;
    l->email = (char *)"ada@acme.de";
    l->phone = (char *)"+982112345678";
    cr_assert_eq(score_lead(&arena, &in, &s), STATUS_OK);
    cr_assert_eq(s->n_disqualifications, 0);
    struct feature_vector v = vector_of(&in);

    check_text(&v, "hq_country", "ir");
    check_missing(&v, "phone_country_matches");
    check_missing(&v, "company_domain_matches_email");
}
