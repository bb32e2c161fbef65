/* score: exact sums, bounds, hard rules, missing against zero, and the same answer for the same
 * past. */
#include <stdio.h>
#include <time.h>

#include "domain/moment.h"
#include "domain/score.h"
#include "domain/signal.h"
#include "support/table.h"

#define NOW (INT64_C(1750000000) * MOMENT_SECOND_US)

static struct arena arena;

static void setup(void)
{
    arena_init(&arena, 1 << 26);
}

static void teardown(void)
{
    arena_release(&arena);
}

TestSuite(score, .init = setup, .fini = teardown);

static char *text(const char *s)
{
    return arena_cstr(&arena, str_of(s));
}

static Lead *new_lead(void)
{
    Lead *l = NEW(&arena, Lead, 1);

    *l = (Lead)LEAD_INIT;
    l->company = NEW(&arena, Company, 1);
    *l->company = (Company)COMPANY_INIT;
    l->created_at = moment_new(&arena, NOW - 3 * MOMENT_DAY_US);
    return l;
}

static Lead *good_lead(void)
{
    Lead *l = new_lead();

    l->full_name = text("Ada Lovelace");
    l->email = text("ada@acme.de");
    l->phone = text("+4915112345678");
    l->country_code = text("DE");
    l->job_title = text("Head of Sales");
    l->seniority = SENIORITY_DIRECTOR;
    l->job_function = JOB_FUNCTION_SALES;
    l->buying_role = BUYING_ROLE_DECISION_MAKER;
    l->source = text("referral");
    l->company->name = text("Acme GmbH");
    l->company->domain = text("acme.de");
    l->company->employees = 400;
    l->company->industry = text("Software");
    l->company->founded_year = 2001;
    return l;
}

static Activity *activity(ActivityEvent event, ActivityKind kind, double days_ago)
{
    Activity *a = NEW(&arena, Activity, 1);

    *a = (Activity)ACTIVITY_INIT;
    a->event = event;
    a->kind = kind;
    a->occurred_at = moment_new(&arena, NOW - (int64_t)(days_ago * (double)MOMENT_DAY_US));
    return a;
}

static LeadScore *score_at(const Lead *l, const struct activity_rollup *r,
                           const QualificationPolicy *p, int64_t as_of)
{
    struct score_input in = {
        .lead = l, .activity = r, .policy = p, .as_of_us = as_of, .now_us = NOW};
    LeadScore *s;

    cr_assert_eq(score_lead(&arena, &in, &s), STATUS_OK);
    return s;
}

static LeadScore *score(const Lead *l, const struct activity_rollup *r)
{
    return score_at(l, r, NULL, NOW);
}

static const Contribution *find(const LeadScore *s, const char *signal)
{
    for (size_t i = 0; i < s->n_contributions; i++)
        if (strcmp(s->contributions[i]->signal, signal) == 0)
            return s->contributions[i];
    return NULL;
}

static bool is_missing(const LeadScore *s, const char *signal)
{
    for (size_t i = 0; i < s->n_missing_inputs; i++)
        if (strcmp(s->missing_inputs[i]->signal, signal) == 0)
            return true;
    return false;
}

static void check_sum(const LeadScore *s)
{
    int64_t sum = s->base_points_milli;

    for (size_t i = 0; i < s->n_contributions; i++) {
        sum += s->contributions[i]->points_milli;
        cr_assert_neq(s->contributions[i]->points_milli, 0);
        cr_assert(*s->contributions[i]->reason, "%s has no words", s->contributions[i]->signal);
        if (i)
            cr_assert_geq(llabs(s->contributions[i - 1]->points_milli),
                          llabs(s->contributions[i]->points_milli));
    }
    cr_assert_eq(sum, 1000 * (int64_t)s->score);
    cr_assert(s->score >= 0 && s->score <= 100);
    cr_assert(s->confidence >= 0 && s->confidence <= 1);
    cr_assert(s->band->low <= s->score && s->score <= s->band->high);
    cr_assert(protobuf_c_message_check(&s->base));
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* A lead and a past of any shape, out of a seed. */
static Lead *random_lead(uint32_t *seed, struct activity_rollup *r)
{
    static const char *const emails[] = {
        "", "ada@acme.de", "x@gmail.com", "info@mailinator.com", "broken", "s@mit.edu"};
    static const char *const names[] = {"", "Ada Lovelace", "asdf", "http://spam.example"};
    static const char *const countries[] = {"", "DE", "US", "IR", "BR"};
    static const char *const sources[] = {"", "referral", "purchased list", "webinar", "support"};
    static const char *const titles[] = {"", "CEO", "Student", "Clerk", "unemployed"};
    Lead *l = new_lead();

    l->email = text(emails[next_random(seed) % 6]);
    l->full_name = text(names[next_random(seed) % 4]);
    l->country_code = text(countries[next_random(seed) % 5]);
    l->source = text(sources[next_random(seed) % 5]);
    l->job_title = text(titles[next_random(seed) % 5]);
    l->seniority = (Seniority)(next_random(seed) % (SENIORITY_N + 1));
    l->buying_role = (BuyingRole)(next_random(seed) % BUYING_ROLE_N);
    l->company->employees = (int32_t)(next_random(seed) % 3 ? next_random(seed) % 9000 : 0);
    l->do_not_contact = next_random(seed) % 20 == 0;
    activity_rollup_init(r, NOW);
    for (uint32_t n = next_random(seed) % 30; n > 0; n--)
        activity_rollup_add(r, activity((ActivityEvent)(next_random(seed) % ACTIVITY_EVENT_N),
                                        (ActivityKind)(next_random(seed) % ACTIVITY_KIND_N),
                                        next_random(seed) % 200));
    return l;
}

Test(score, contributions_add_up_exactly_for_five_thousand_leads)
{
    uint32_t seed = 7;
    bool seen[101] = {false};
    size_t n_scores = 0;

    for (int i = 0; i < 5000; i++) {
        struct activity_rollup r;
        Lead *l = random_lead(&seed, &r);
        LeadScore *s = score(l, i % 5 ? &r : NULL);

        check_sum(s);
        if (s->n_disqualifications)
            cr_assert_eq(s->score, 0);
        n_scores += !seen[s->score];
        seen[s->score] = true;
        arena_reset(&arena);
    }
    cr_assert_gt(n_scores, 60, "only %zu different scores", n_scores);
}

Test(score, a_good_lead_that_asks_for_a_demo_takes_the_premium_path)
{
    struct activity_rollup r;

    activity_rollup_init(&r, NOW);
    LeadScore *cold = score(good_lead(), &r);

    activity_rollup_add(&r, activity(ACTIVITY_EVENT_DEMO_REQUESTED, ACTIVITY_KIND_WEB, 1));
    activity_rollup_add(&r, activity(ACTIVITY_EVENT_PRICING_VIEW, ACTIVITY_KIND_WEB, 1));
    activity_rollup_add(&r, activity(ACTIVITY_EVENT_EMAIL_REPLIED, ACTIVITY_KIND_EMAIL, 0.5));
    LeadScore *hot = score(good_lead(), &r);

    cr_assert_eq(score_status(cold, NULL), LEAD_STATUS_QUALIFIED, "cold: %d", cold->score);
    cr_assert_eq(cold->routing, LEAD_ROUTING_NURTURE);
    cr_assert_eq(hot->routing, LEAD_ROUTING_PREMIUM, "hot: %d", hot->score);
    cr_assert_eq(hot->grade, LEAD_GRADE_A);
    cr_assert_gt(hot->confidence, cold->confidence);
}

Test(score, an_empty_lead_is_nurtured_with_little_confidence_and_told_what_is_missing)
{
    Lead *l = NEW(&arena, Lead, 1);

    *l = (Lead)LEAD_INIT;
    LeadScore *s = score(l, NULL);

    check_sum(s);
    cr_assert_eq(score_status(s, NULL), LEAD_STATUS_NURTURE);
    cr_assert_eq(s->grade, LEAD_GRADE_F);
    cr_assert_lt(s->confidence, 0.2);
    cr_assert(is_missing(s, "employee_band") && is_missing(s, "email_syntax_ok") &&
              is_missing(s, "seniority"));
    double gain = s->confidence;

    for (size_t i = 0; i < s->n_missing_inputs; i++) {
        cr_assert(*s->missing_inputs[i]->field);
        gain += s->missing_inputs[i]->confidence_gain;
    }
    cr_assert_float_eq(gain, 0.70, 0.002); /* start and all fields, no evidence */
}

/* A field that is empty says nothing; a field that says zero says something. */
Test(score, missing_and_zero_differ)
{
    Lead *l = good_lead();
    Lead_AttributesEntry *entry = NEW(&arena, Lead_AttributesEntry, 1);
    AttributeValue *v = NEW(&arena, AttributeValue, 1);

    cr_assert(is_missing(score(l, NULL), "stated_timeline_days"));
    *entry = (Lead_AttributesEntry)LEAD_ATTRIBUTES_ENTRY_INIT;
    *v = (AttributeValue)ATTRIBUTE_VALUE_INIT;
    entry->key = text("timeline_days");
    v->kind_case = SALES__V1__ATTRIBUTE_VALUE__KIND_NUMBER_VALUE;
    v->number_value = 0;
    entry->value = v;
    l->attributes = &entry;
    l->n_attributes = 1;
    LeadScore *s = score(l, NULL);

    cr_assert_not(is_missing(s, "stated_timeline_days"));
    cr_assert_eq(find(s, "stated_timeline_days")->points_milli, 5000);
    cr_assert_str_eq(find(s, "stated_timeline_days")->value_text, "0");
}

struct hard_case {
    const char *rule;
    const char *email, *country, *name;
    int employees;
    bool do_not_contact, legal_hold;
};

static const struct hard_case hard[] = {
    {"do_not_contact", "a@acme.de", "DE", "Ada", 400, true, false},
    {"legal_hold", "a@acme.de", "DE", "Ada", 400, false, true},
    {"sanctioned_country", "a@acme.de", "IR", "Ada", 400, false, false},
    {"blocked_country", "a@acme.de", "BR", "Ada", 400, false, false},
    {"out_of_territory", "a@acme.de", "JP", "Ada", 400, false, false},
    {"competitor_domain", "a@sales.globex.com", "DE", "Ada", 400, false, false},
    {"below_minimum_size", "a@acme.de", "DE", "Ada", 9, false, false},
    {"spam_form", "a@acme.de", "DE", "win at http://x.example", 400, false, false},
    {"spam_form", "a@mailinator.com", "DE", "asdf", 400, false, false},
};

static const QualificationPolicy *strict_policy(void)
{
    static char *blocked[] = {"BR"}, *territory[] = {"DE", "BR", "IR"},
                *competitors[] = {"globex.com"};
    QualificationPolicy *p = NEW(&arena, QualificationPolicy, 1);

    *p = (QualificationPolicy)QUALIFICATION_POLICY_INIT;
    p->blocked_country_codes = blocked;
    p->n_blocked_country_codes = 1;
    p->territory_country_codes = territory;
    p->n_territory_country_codes = 3;
    p->competitor_domains = competitors;
    p->n_competitor_domains = 1;
    p->min_employees = 10;
    return p;
}

TABLE_TEST(score, a_hard_rule_wins_over_any_points, struct hard_case, hard)
{
    struct activity_rollup r;
    Lead *l = good_lead();

    activity_rollup_init(&r, NOW);
    for (int i = 0; i < 20; i++)
        activity_rollup_add(&r, activity(ACTIVITY_EVENT_DEMO_REQUESTED, ACTIVITY_KIND_WEB, 1));
    l->email = text(row->email);
    l->country_code = text(row->country);
    l->full_name = text(row->name);
    l->company->employees = row->employees;
    l->do_not_contact = row->do_not_contact;
    l->legal_hold = row->legal_hold;
    LeadScore *s = score_at(l, &r, strict_policy(), NOW);

    check_sum(s);
    cr_assert_eq(s->n_disqualifications, 1);
    cr_assert_str_eq(s->disqualifications[0]->rule, row->rule);
    cr_assert_eq(s->score, 0);
    cr_assert_eq(s->grade, LEAD_GRADE_F);
    cr_assert_eq(s->routing, LEAD_ROUTING_UNSPECIFIED);
    cr_assert_eq(score_status(s, NULL), LEAD_STATUS_DISQUALIFIED);
}

Test(score, unknown_facts_disqualify_nobody)
{
    Lead *l = NEW(&arena, Lead, 1);

    *l = (Lead)LEAD_INIT;
    cr_assert_eq(score_at(l, NULL, strict_policy(), NOW)->n_disqualifications, 0);
    cr_assert_eq(score_at(good_lead(), NULL, strict_policy(), NOW)->n_disqualifications, 0);
}

Test(score, what_came_later_does_not_count_and_replay_gives_the_same_bytes)
{
    struct activity_rollup before, after;
    int64_t as_of = NOW - 10 * MOMENT_DAY_US;
    uint8_t *a, *b;

    activity_rollup_init(&before, as_of);
    activity_rollup_init(&after, as_of);
    for (int i = 0; i < 8; i++) {
        Activity *past = activity(ACTIVITY_EVENT_PAGE_VIEW, ACTIVITY_KIND_WEB, 12 + i);

        activity_rollup_add(&before, past);
        activity_rollup_add(&after, activity(ACTIVITY_EVENT_DEMO_REQUESTED, ACTIVITY_KIND_WEB, i));
        activity_rollup_add(&after, past);
    }
    cr_assert_eq(memcmp(&before, &after, sizeof before), 0);
    LeadScore *s = score_at(good_lead(), &before, NULL, as_of);
    LeadScore *t = score_at(good_lead(), &after, NULL, as_of);
    size_t n = protobuf_c_message_get_packed_size(&s->base);

    cr_assert_eq(n, protobuf_c_message_get_packed_size(&t->base));
    a = arena_take(&arena, n);
    b = arena_take(&arena, n);
    protobuf_c_message_pack(&s->base, a);
    protobuf_c_message_pack(&t->base, b);
    cr_assert_eq(memcmp(a, b, n), 0);
}

/* More of what helps never lowers the score. */
Test(score, is_monotone_in_good_signs)
{
    static const ActivityEvent good[] = {
        ACTIVITY_EVENT_PAGE_VIEW,      ACTIVITY_EVENT_PRICING_VIEW, ACTIVITY_EVENT_FORM_SUBMITTED,
        ACTIVITY_EVENT_DEMO_REQUESTED, ACTIVITY_EVENT_DOCS_VIEW,    ACTIVITY_EVENT_TRIAL_STARTED};
    uint32_t seed = 3;

    for (int i = 0; i < 500; i++) {
        struct activity_rollup r;
        Lead *l = random_lead(&seed, &r);

        for (int step = 0; step < 6; step++) {
            LeadScore *s = score(l, &r);

            activity_rollup_add(&r, activity(good[next_random(&seed) % 6], ACTIVITY_KIND_WEB, 0));
            LeadScore *t = score(l, &r);

            cr_assert_geq(t->score, s->score, "lead %d: %d, then %d", i, s->score, t->score);
        }
        arena_reset(&arena);
    }
}

Test(score, groups_are_capped_by_a_contribution_that_says_so)
{
    struct activity_rollup r;

    activity_rollup_init(&r, NOW);
    activity_rollup_add(&r, activity(ACTIVITY_EVENT_DEMO_REQUESTED, ACTIVITY_KIND_WEB, 1));
    activity_rollup_add(&r, activity(ACTIVITY_EVENT_RFP_RECEIVED, ACTIVITY_KIND_EMAIL, 1));
    activity_rollup_add(&r, activity(ACTIVITY_EVENT_TRIAL_STARTED, ACTIVITY_KIND_WEB, 1));
    activity_rollup_add(&r, activity(ACTIVITY_EVENT_PRODUCT_ACTIVATED, ACTIVITY_KIND_WEB, 1));
    LeadScore *s = score(new_lead(), &r);
    int64_t intent = 0;

    cr_assert_not_null(find(s, "cap_INTENT"));
    for (size_t i = 0; i < s->n_contributions; i++)
        intent += s->contributions[i]->group == SIGNAL_GROUP_INTENT
                      ? s->contributions[i]->points_milli
                      : 0;
    cr_assert_eq(intent, 25000);
    check_sum(s);
}

Test(score, thresholds_and_grades_follow_policy_and_table)
{
    QualificationPolicy *p = NEW(&arena, QualificationPolicy, 1);
    LeadScore *s = score(good_lead(), NULL);

    *p = (QualificationPolicy)QUALIFICATION_POLICY_INIT;
    p->qualify_min_score = s->score + 1;
    cr_assert_eq(score_status(s, p), LEAD_STATUS_NURTURE);
    p->qualify_min_score = s->score;
    cr_assert_eq(score_status(s, p), LEAD_STATUS_QUALIFIED);
    p->premium_min_score = s->score;
    cr_assert_eq(score_at(good_lead(), NULL, p, NOW)->routing, LEAD_ROUTING_PREMIUM);
    cr_assert(score_grade(100) == LEAD_GRADE_A && score_grade(80) == LEAD_GRADE_A &&
              score_grade(79) == LEAD_GRADE_B);
    cr_assert(score_grade(65) == LEAD_GRADE_B && score_grade(50) == LEAD_GRADE_C &&
              score_grade(49) == LEAD_GRADE_D);
    cr_assert(score_grade(35) == LEAD_GRADE_D && score_grade(34) == LEAD_GRADE_F &&
              score_grade(0) == LEAD_GRADE_F);
}

Test(score, the_signal_table_is_sound)
{
    size_t n;
    const struct signal *rows = signal_rows(&n);
    char hash[SCORE_SHA256_BYTES + 1], again[SCORE_SHA256_BYTES + 1];

    cr_assert_geq(n, 100);
    cr_assert_eq(n, score_n_signals());
    for (size_t i = 0; i < n; i++) {
        cr_assert(rows[i].points != 0 || rows[i].weight == 0, "%s", rows[i].name);
        cr_assert_eq(rows[i].weight > 0, *rows[i].field != 0, "%s", rows[i].name);
        cr_assert(rows[i].group >= SIGNAL_GROUP_FIRMOGRAPHIC &&
                  rows[i].group <= SIGNAL_GROUP_NEGATIVE);
        if (rows[i].group == SIGNAL_GROUP_NEGATIVE)
            cr_assert_lt(rows[i].points, 0, "%s", rows[i].name);
        for (size_t k = 0; k < i; k++)
            cr_assert_str_neq(rows[i].name, rows[k].name);
    }
    score_rules_sha256(hash);
    score_rules_sha256(again);
    cr_assert_str_eq(hash, again);
    cr_assert_eq(strlen(hash), SCORE_SHA256_BYTES);
    cr_assert_eq(strspn(hash, "0123456789abcdef"), SCORE_SHA256_BYTES);
}

Test(score, a_full_arena_is_reported_at_every_size)
{
    Lead *l = good_lead();
    struct activity_rollup r;
    enum status s = STATUS_EXHAUSTED;

    activity_rollup_init(&r, NOW);
    for (size_t limit = 0; s != STATUS_OK; limit += 8192) {
        struct arena small;
        struct score_input in = {.lead = l, .activity = &r, .as_of_us = NOW, .now_us = NOW};
        LeadScore *out;

        cr_assert_lt(limit, 1 << 20);
        arena_init(&small, limit);
        s = score_lead(&small, &in, &out);
        cr_assert(s == STATUS_OK || (s == STATUS_EXHAUSTED && !out));
        arena_release(&small);
    }
}

/* Of this thread alone: what else the machine does is no matter. */
static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

Test(score, takes_far_less_than_fifty_microseconds)
{
    enum { ROUNDS = 5000 };
    struct activity_rollup r;
    Lead *l = good_lead();
    struct arena a;
    char hash[SCORE_SHA256_BYTES + 1];
    double took;

    activity_rollup_init(&r, NOW);
    for (int i = 0; i < 20; i++)
        activity_rollup_add(&r, activity(ACTIVITY_EVENT_PAGE_VIEW, ACTIVITY_KIND_WEB, i));
    score_rules_sha256(hash);
    arena_init(&a, 1 << 20);
    took = now_s();
    for (int i = 0; i < ROUNDS; i++) {
        struct score_input in = {
            .lead = l, .activity = &r, .as_of_us = NOW, .now_us = NOW, .rules_sha256 = hash};
        LeadScore *s;

        cr_assert_eq(score_lead(&a, &in, &s), STATUS_OK);
        arena_reset(&a);
    }
    took = (now_s() - took) / ROUNDS * 1e6;
    printf("score: %.1f us per lead, %zu signals\n", took, score_n_signals());
    arena_release(&a);
    cr_assert_lt(took, 500, "%.1f us", took); /* ten times the goal: sanitizers */
}
