/* signal: evaluators of what happened and of what somebody told, through the vector. */
#include "feature_case.h"

TestSuite(signal, .init = feature_setup, .fini = feature_teardown);

static Activity *talk(ActivityKind kind, int days_ago, int64_t seconds)
{
    Activity *a =
        activity_new(&arena, ACTIVITY_EVENT_UNSPECIFIED, kind, NOW - days_ago * MOMENT_DAY_US);

    a->duration = NEW(&arena, Duration, 1);
    *a->duration = (Duration)DURATION_INIT;
    a->duration->seconds = seconds;
    return a;
}

Test(signal, minutes_of_talk_add_up_within_ninety_days)
{
    struct activity_rollup *r = rollup_new();

    activity_rollup_add(r, talk(ACTIVITY_KIND_CALL, 1, 600));
    activity_rollup_add(r, talk(ACTIVITY_KIND_CALL, 90, 300));
    activity_rollup_add(r, talk(ACTIVITY_KIND_CALL, 91, 6000));
    activity_rollup_add(r, talk(ACTIVITY_KIND_CALL, 2, -60));
    activity_rollup_add(r, talk(ACTIVITY_KIND_CALL, 2, INT64_C(1) << 60));
    activity_rollup_add(r, talk(ACTIVITY_KIND_MEETING, 3, 5400));
    struct feature_vector v = vector(full_lead(), r);

    check_number(&v, "call_minutes_90d", 15);
    check_number(&v, "meeting_minutes_90d", 90);
}

static Activity *click(bool bot)
{
    Activity *a = activity_new(&arena, ACTIVITY_EVENT_EMAIL_CLICKED, ACTIVITY_KIND_EMAIL,
                               NOW - MOMENT_DAY_US);
    Activity_AttributesEntry *e = NEW(&arena, Activity_AttributesEntry, 1);
    AttributeValue *v = NEW(&arena, AttributeValue, 1);

    *e = (Activity_AttributesEntry)ACTIVITY_ATTRIBUTES_ENTRY_INIT;
    *v = (AttributeValue)ATTRIBUTE_VALUE_INIT;
    v->kind_case = SALES__V1__ATTRIBUTE_VALUE__KIND_BOOL_VALUE;
    v->bool_value = bot;
    e->key = (char *)"bot";
    e->value = v;
    a->attributes = NEW(&arena, Activity_AttributesEntry *, 1);
    a->attributes[a->n_attributes++] = e;
    return a;
}

Test(signal, a_click_of_a_machine_is_no_click_of_a_person)
{
    struct activity_rollup *r = rollup_new();

    activity_rollup_add(r, click(true));
    struct feature_vector v = vector(full_lead(), r);

    check_number(&v, "bot_click_share", 100);
    check_number(&v, "email_clicks_human", 0);
    check_missing(&v, "days_since_last_inbound");
    for (int i = 0; i < 3; i++)
        activity_rollup_add(r, click(false));
    v = vector(full_lead(), r);
    check_number(&v, "bot_click_share", 25);
    check_number(&v, "email_clicks_human", 3);
}

Test(signal, hours_to_their_reply_count_from_our_first_contact)
{
    struct activity_rollup *r = rollup_new();

    add(r, ACTIVITY_EVENT_EMAIL_REPLIED, ACTIVITY_KIND_EMAIL, 2);
    struct feature_vector v = vector(full_lead(), r);

    check_missing(&v, "their_reply_hours"); /* nobody had written */
    add(r, ACTIVITY_EVENT_EMAIL_SENT, ACTIVITY_KIND_EMAIL, 3.5);
    add(r, ACTIVITY_EVENT_EMAIL_SENT, ACTIVITY_KIND_EMAIL, 2.5);
    v = vector(full_lead(), r);
    check_number(&v, "their_reply_hours", 36);
    check_number(&v, "emails_sent_28d", 2);
    check_number(&v, "outbound_touches_28d", 2);
    check_number(&v, "inbound_touches_28d", 1);
}

struct year_case {
    const char *as_of; /* a date */
    double last_month, days;
};

static const struct year_case years[] = {
    {"2025-06-15", 6, 15},   {"2025-06-30", 6, 0},    {"2025-07-01", 6, 364}, {"2025-12-31", 12, 0},
    {"2025-01-01", 12, 364}, {"2024-01-01", 12, 365}, {"2025-03-01", 2, 364}, {"2024-02-01", 2, 28},
};

TABLE_TEST(signal, the_fiscal_year_ends_with_its_last_month, struct year_case, years)
{
    struct feature_vector v;
    struct refusal why;
    struct score_input in = {0};
    int64_t day;
    Lead *l;

    feature_setup();
    l = lead_new(&arena, 4000);
    lead_open_attributes(&arena, l, 1);
    lead_put_number(&arena, l, "fiscal_year_end_month", row->last_month);
    cr_assert(date_parse(str_of(row->as_of), &day));
    in.lead = l;
    in.as_of_us = day * MOMENT_DAY_US + 1;
    cr_assert_eq(feature_vector_make(&arena, &in, &v, &why), STATUS_OK);
    check_number(&v, "days_to_fiscal_year_end", row->days);
    feature_teardown();
}

Test(signal, the_calendar_of_birth_is_read_in_utc)
{
    Lead *l = lead_new(&arena, 0); /* Sunday, 15 June 2025 */
    struct feature_vector v = vector(l, NULL);

    check_text(&v, "created_month", "june");
    check_text(&v, "created_weekday", "sunday");
    l->created_at = moment_new(&arena, -1); /* Wednesday, 31 December 1969 */
    v = vector(l, NULL);
    check_text(&v, "created_month", "december");
    check_text(&v, "created_weekday", "wednesday");
}

Test(signal, the_policy_says_who_competes_and_where_we_sell)
{
    static char *competitors[] = {"globex.com"}, *territory[] = {"DE", "AT"};
    QualificationPolicy policy = QUALIFICATION_POLICY_INIT;
    Lead *l = full_lead();
    struct score_input in = {.lead = l, .policy = &policy, .as_of_us = NOW};
    struct feature_vector v = vector_of(&in);

    check_missing(&v, "uses_competitor_product");
    check_missing(&v, "region_served");
    policy.competitor_domains = competitors;
    policy.n_competitor_domains = 1;
    policy.territory_country_codes = territory;
    policy.n_territory_country_codes = 2;
    l->company->technologies = (char *[]){"Salesforce Sales Cloud", "GLOBEX Suite"};
    l->company->n_technologies = 2;
    l->company->country_code = (char *)"CH";
    v = vector_of(&in);
    check_number(&v, "uses_competitor_product", 1);
    check_number(&v, "region_served", 1);
    check_number(&v, "cross_border", 1);
    check_number(&v, "tech_stack_size", 2);
    check_text(&v, "crm_vendor", "salesforce sales cloud");
    l->company->n_technologies = 1;
    l->country_code = (char *)"CH";
    v = vector_of(&in);
    check_number(&v, "uses_competitor_product", 0);
    check_number(&v, "region_served", 0);
    check_number(&v, "cross_border", 0);
}

Test(signal, an_attribute_wins_over_a_fact)
{
    static const struct enrich_fact facts[] = {
        {"company.headcount_growth_6m", "30", ENRICH_NUMBER, 1, "t", NOW},
        {"product.usage_depth", "7.5", ENRICH_NUMBER, 1, "t", NOW},
        {"company.technology_change_at", "1850-01-01", ENRICH_DATE, 1, "t", NOW},
    };
    Lead *l = full_lead();
    struct score_input in = {.lead = l, .facts = facts, .n_facts = 3, .as_of_us = NOW};

    lead_open_attributes(&arena, l, 1);
    lead_put_number(&arena, l, "headcount_growth_6m", -12.5);
    struct feature_vector v = vector_of(&in);

    check_number(&v, "headcount_growth_6m", -12.5);
    check_number(&v, "usage_depth", 7.5);
    check_missing(&v, "tech_change_90d");
}
