/* The schedule to the second, and every kind of answer. */
#include "domain/webhook_policy.h"
#include "support/table.h"

static const struct wait_case {
    uint32_t made;
    int64_t seconds; /* 0: given up */
} WAITS[] = {{1, 5},     {2, 300},   {3, 1800},  {4, 7200}, {5, 18000}, {6, 36000},
             {7, 50400}, {8, 72000}, {9, 86400}, {10, 0},   {11, 0},    {UINT32_MAX, 0}};

TABLE_TEST(webhook_policy, waits_as_the_specification_says, struct wait_case, WAITS)
{
    int64_t least, middle, most;
    bool has_next = row->seconds > 0;

    cr_assert_eq(webhook_wait(row->made, 0, &least), has_next);
    cr_assert_eq(webhook_wait(row->made, UINT32_MAX / 2, &middle), has_next);
    cr_assert_eq(webhook_wait(row->made, UINT32_MAX, &most), has_next);
    cr_assert_eq(least, row->seconds * 800000, "20 %% shorter at least");
    cr_assert_eq(most, row->seconds * 1200000, "20 %% longer at most");
    cr_assert(middle >= row->seconds * 999990 && middle <= row->seconds * 1000010);
}

Test(webhook_policy, lasts_for_75_hours_and_35_minutes)
{
    int64_t sum = 0, wait;

    for (uint32_t made = 1; webhook_wait(made, UINT32_MAX / 2, &wait); made++)
        sum += wait;
    cr_assert_eq((sum + 500000) / 1000000, (75 * 60 + 35) * 60 + 5);
}

static const struct answer_case {
    int status;
    enum webhook_outcome want;
} ANSWERS[] = {
    {0, WEBHOOK_FAILED},       {1, WEBHOOK_OVERLOADED},   {100, WEBHOOK_FAILED},
    {199, WEBHOOK_FAILED},     {200, WEBHOOK_DELIVERED},  {204, WEBHOOK_DELIVERED},
    {299, WEBHOOK_DELIVERED},  {300, WEBHOOK_FAILED},     {301, WEBHOOK_FAILED},
    {308, WEBHOOK_FAILED},     {400, WEBHOOK_FAILED},     {401, WEBHOOK_FAILED},
    {404, WEBHOOK_FAILED},     {410, WEBHOOK_GONE},       {429, WEBHOOK_OVERLOADED},
    {500, WEBHOOK_FAILED},     {502, WEBHOOK_OVERLOADED}, {503, WEBHOOK_FAILED},
    {504, WEBHOOK_OVERLOADED}, {999, WEBHOOK_FAILED},
};

TABLE_TEST(webhook_policy, reads_answers, struct answer_case, ANSWERS)
{
    cr_assert_eq(webhook_outcome_of(row->status), row->want, "%d", row->status);
}

static const struct pattern_case {
    const char *pattern;
    bool is_valid;
    const char *type;
    bool wants;
} PATTERNS[] = {
    {"sales.lead.created", true, "sales.lead.created", true},
    {"sales.lead.created", true, "sales.lead.created2", false},
    {"sales.lead.*", true, "sales.lead.created", true},
    {"sales.lead.*", true, "sales.leads.created", false},
    {"sales.*", true, "sales.deal.closed", true},
    {"*", true, "sales.deal.closed", true},
    {"sales.lead*", false, "", false},
    {"sales.*.created", false, "", false},
    {"sales..created", false, "", false},
    {".sales", false, "", false},
    {"sales.", false, "", false},
    {"Sales.lead", false, "", false},
    {"sales lead", false, "", false},
    {"", false, "", false},
};

TABLE_TEST(webhook_policy, knows_who_wants_what, struct pattern_case, PATTERNS)
{
    char *patterns[] = {(char *)"never.this", (char *)row->pattern};

    cr_assert_eq(webhook_pattern_is_valid(str_of(row->pattern)), row->is_valid, "'%s'",
                 row->pattern);
    if (row->is_valid)
        cr_assert_eq(webhook_wants(patterns, 2, str_of(row->type)), row->wants, "'%s'",
                     row->pattern);
    cr_assert(webhook_wants(NULL, 0, str_of(row->type)), "no patterns: all types");
}
