#include "client/retry.h"
#include "support/table.h"

#define MAX_RANDOM 0xFFFFFFFFu

static const struct retry_policy policy = {.max_attempts = 5, .first_ms = 100, .most_ms = 1000};

struct wait_row {
    char name[48];
    struct retry_outcome outcome;
    uint32_t random;
    int64_t wait_ms;
};

/* clang-format off */
static const struct wait_row waits[] = {
    /* name                            status  asked   left  attempts  random        wait */
    {"first wait, least chance",    {SALES_UNAVAILABLE,          0, 9999, 1}, 0,            0},
    {"first wait, most chance",     {SALES_UNAVAILABLE,          0, 9999, 1}, MAX_RANDOM, 100},
    {"first wait, half",            {SALES_UNAVAILABLE,          0, 9999, 1}, 1u << 31,    50},
    {"second wait doubles",         {SALES_UNAVAILABLE,          0, 9999, 2}, MAX_RANDOM, 200},
    {"fourth wait",                 {SALES_UNAVAILABLE,          0, 9999, 4}, MAX_RANDOM, 800},
    {"attempts used up",            {SALES_UNAVAILABLE,          0, 9999, 5}, 0,           -1},
    {"attempts more than used up",  {SALES_UNAVAILABLE,          0, 9999, 6}, 0,           -1},
    {"would pass the deadline",     {SALES_UNAVAILABLE,          0,  100, 1}, MAX_RANDOM,  -1},
    {"just fits the deadline",      {SALES_UNAVAILABLE,          0,  101, 1}, MAX_RANDOM, 100},
    {"deadline over",               {SALES_UNAVAILABLE,          0,    0, 1}, 0,           -1},
    {"deadline long over",          {SALES_UNAVAILABLE,          0, -500, 1}, 0,           -1},
    {"asked to wait",               {SALES_UNAVAILABLE,        250, 9999, 1}, 0,          250},
    {"asked to wait, with jitter",  {SALES_UNAVAILABLE,        250, 9999, 1}, MAX_RANDOM, 350},
    {"asked beyond our bound",      {SALES_UNAVAILABLE,       5000, 9999, 1}, 0,         5000},
    {"asked beyond the deadline",   {SALES_UNAVAILABLE,       5000, 4000, 1}, 0,           -1},
    {"exhausted without a time",    {SALES_RESOURCE_EXHAUSTED,   0, 9999, 1}, 0,           -1},
    {"exhausted with a time",       {SALES_RESOURCE_EXHAUSTED,  40, 9999, 1}, 0,           40},
    {"aborted without a time",      {SALES_ABORTED,              0, 9999, 1}, 0,           -1},
    {"aborted with a time",         {SALES_ABORTED,             40, 9999, 1}, 0,           40},
    {"ok",                          {SALES_OK,                   0, 9999, 1}, 0,           -1},
    {"cancelled",                   {SALES_CANCELLED,           40, 9999, 1}, 0,           -1},
    {"deadline exceeded",           {SALES_DEADLINE_EXCEEDED,   40, 9999, 1}, 0,           -1},
    {"internal",                    {SALES_INTERNAL,            40, 9999, 1}, 0,           -1},
    {"invalid",                     {SALES_INVALID_ARGUMENT,    40, 9999, 1}, 0,           -1},
    {"a status of tomorrow",        {(enum sales_status)99,     40, 9999, 1}, 0,           -1},
};
/* clang-format on */

TABLE_TEST(retry, waits_as_the_table_says, struct wait_row, waits)
{
    int64_t wait = retry_wait_ms(&policy, &row->outcome, row->random);

    cr_assert_eq(wait, row->wait_ms, "%s: waits %lld, not %lld", row->name, (long long)wait,
                 (long long)row->wait_ms);
}

Test(retry, bound_stops_growing)
{
    struct retry_policy p = {.max_attempts = 20, .first_ms = 300, .most_ms = 1000};
    struct retry_outcome o = {.status = SALES_UNAVAILABLE, .left_ms = 1 << 30, .n_attempts = 19};

    cr_assert_eq(retry_wait_ms(&p, &o, MAX_RANDOM), 1000);
}

/* A client alone under a fake clock: the whole of a call's retries stays within its deadline. */
Test(retry, never_waits_past_the_deadline)
{
    for (uint32_t seed = 0; seed < 2000; seed++) {
        struct retry_outcome o = {.status = SALES_UNAVAILABLE, .left_ms = 700};
        uint32_t random = seed * 2654435761u;

        for (o.n_attempts = 1;; o.n_attempts++) {
            int64_t wait = retry_wait_ms(&policy, &o, random);
            if (wait < 0)
                break;
            cr_assert_leq(wait, 1000);
            o.left_ms -= wait;
            random = random * 1664525u + 1013904223u;
        }
        cr_assert_gt(o.left_ms, 0, "seed %u", seed);
        cr_assert_leq(o.n_attempts, 5);
    }
}
