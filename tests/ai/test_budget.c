/* Prices and what calls cost by them: whole numbers, rounded up, never too little. */
#include "ai/budget.h"
#include "support/table.h"

static const struct {
    const char *text;
    size_t n;
    struct ai_price first; /* n 0: refused, unless the text is empty */
} texts[] = {
    {"", 0, {"", 0, 0, 0, 0}},
    {"m=2/10", 1, {"m", 2000000, 10000000, 200000, 4000000}},
    {" claude-haiku-5-5 = 0.10/0.50 , b=1/2/0.3/4",
     2,
     {"claude-haiku-5-5", 100000, 500000, 10000, 200000}},
    {"m=0.000001/1000", 1, {"m", 1, 1000000000, 1, 2}},
    {"m", 0, {"", 0, 0, 0, 0}},
    {"m=2", 0, {"", 0, 0, 0, 0}},
    {"m=2/", 0, {"", 0, 0, 0, 0}},
    {"=2/10", 0, {"", 0, 0, 0, 0}},
    {"m=-2/10", 0, {"", 0, 0, 0, 0}},
    {"m=2/10/1", 0, {"", 0, 0, 0, 0}},
    {"m=2/1e3", 0, {"", 0, 0, 0, 0}},
    {"m=2.0000001/10", 0, {"", 0, 0, 0, 0}},
    {"m=1.-5/10", 0, {"", 0, 0, 0, 0}},
    {"m=1001/10", 0, {"", 0, 0, 0, 0}},
    {"m=2/10,m=3/10", 0, {"", 0, 0, 0, 0}},
};

Test(ai_budget, prices_are_read_or_refused)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct ai_price p[BUDGET_PRICES_MAX];
        enum status s;
        struct call c;
        size_t n;

        call_init(&c, NULL, 1 << 20);
        s = budget_prices_read(&c, texts[i].text, p, &n);
        cr_assert_eq(s == STATUS_OK, texts[i].n || !*texts[i].text, "\"%s\"", texts[i].text);
        if (s == STATUS_OK) {
            cr_assert_eq(n, texts[i].n, "\"%s\": %zu", texts[i].text, n);
        }
        if (s == STATUS_OK && n) {
            cr_assert_str_eq(p[0].model, texts[i].first.model);
            cr_assert(p[0].input == texts[i].first.input && p[0].output == texts[i].first.output &&
                          p[0].cache_read == texts[i].first.cache_read &&
                          p[0].cache_write == texts[i].first.cache_write,
                      "\"%s\"", texts[i].text);
        }
        call_release(&c);
    }
}

static const struct ai_price price = {"m", 2000000, 10000000, 200000, 4000000};

Test(ai_budget, a_cost_is_by_kind_of_token_and_rounded_up)
{
    cr_assert_eq(budget_cost_micro(&price, &(struct ai_usage){1000, 0, 0, 100}), 2000 + 1000);
    cr_assert_eq(budget_cost_micro(&price, &(struct ai_usage){1000, 600, 100, 0}), 600 + 120 + 400);
    cr_assert_eq(budget_cost_micro(&price, &(struct ai_usage){0}), 0);
    cr_assert_eq(
        budget_cost_micro(&(struct ai_price){"m", 1, 1, 1, 1}, &(struct ai_usage){1, 0, 0, 1}), 2);
    cr_assert_geq(budget_cost_micro(&price, &(struct ai_usage){INT64_MAX, 0, 0, INT64_MAX}), 0);
    cr_assert_eq(budget_cost_micro(&price, &(struct ai_usage){-5, 0, 0, -5}), 0);
}

/* Property: no usage that a request of so many bytes can have costs more than its worst case. */
Test(ai_budget, nothing_costs_more_than_the_worst_case)
{
    uint64_t x = 88172645463325252U;

    for (int i = 0; i < 100000; i++) {
        size_t bytes;
        struct ai_usage u;
        int32_t most;

        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        bytes = x % AI_SENT_BYTES;
        most = (int32_t)(1 + (x >> 20) % AI_TOKENS_MAX);
        u.input = (int64_t)((x >> 8) % (bytes + 1));
        u.cache_read = u.input ? (int64_t)((x >> 16) % (uint64_t)(u.input + 1)) : 0;
        u.cache_write = u.input - u.cache_read
                            ? (int64_t)((x >> 24) % (uint64_t)(u.input - u.cache_read + 1))
                            : 0;
        u.output = (int64_t)((x >> 32) % (uint64_t)(most + 1));
        cr_assert_leq(budget_cost_micro(&price, &u), budget_worst_micro(&price, bytes, most));
    }
}
