/* The rules around an attempt, each a pure module: retry, breaker, limiter. */
#include <criterion/criterion.h>

#include "ai/limiter.h"
#include "ai/retry.h"
#include "base/breaker.h"
#include "support/table.h"

#define S      INT64_C(1000000000)
#define NOW_US INT64_C(1795212000000000) /* 2026-11-20T22:00:00Z */

struct wait {
    const char *name;
    enum ai_error error;
    const char *fields; /* "name: value" each on a line */
    int n_attempts;
    bool may;
    int64_t least_ms, most_ms;
};

static const struct wait WAITS[] = {
    {"500", AI_ERROR_SERVER, "", 1, true, 375, 500},
    {"500 again", AI_ERROR_SERVER, "", 2, true, 750, 1000},
    {"500 thrice", AI_ERROR_SERVER, "", 3, false, 0, 0},
    {"408", AI_ERROR_PEER_TIMEOUT, "", 1, true, 375, 500},
    {"409", AI_ERROR_CONFLICT, "", 1, true, 375, 500},
    {"429", AI_ERROR_RATE, "", 1, true, 375, 500},
    {"429 that says when", AI_ERROR_RATE, "retry-after: 2", 1, true, 2000, 2000},
    {"any case", AI_ERROR_RATE, "Retry-After: 2", 1, true, 2000, 2000},
    {"milliseconds win", AI_ERROR_RATE, "retry-after-ms: 7\nretry-after: 2", 1, true, 7, 7},
    {"in any order", AI_ERROR_RATE, "retry-after: 2\nretry-after-ms: 7", 1, true, 7, 7},
    {"a date", AI_ERROR_RATE, "retry-after: Fri, 20 Nov 2026 22:00:05 GMT", 1, true, 5000, 5000},
    {"a date gone by", AI_ERROR_RATE, "retry-after: Fri, 20 Nov 2026 21:00:05 GMT", 1, true, 0, 0},
    {"absurd", AI_ERROR_RATE, "retry-after: 99999999999999", 1, true, 86400000, 86400000},
    {"negative", AI_ERROR_RATE, "retry-after-ms: -5", 1, true, 375, 500},
    {"no number", AI_ERROR_RATE, "retry-after-ms: soon", 1, true, 375, 500},
    {"529 waits longer", AI_ERROR_OVERLOADED, "", 1, true, 750, 1000},
    {"529 again", AI_ERROR_OVERLOADED, "", 2, true, 1500, 2000},
    {"connection", AI_ERROR_CONNECTION, "", 1, true, 375, 500},
    {"stream cut", AI_ERROR_CUT, "", 1, true, 375, 500},
    {"spent", AI_ERROR_SPENT, "x-should-retry: true", 1, false, 0, 0},
    {"400", AI_ERROR_REQUEST, "", 1, false, 0, 0},
    {"400 that says so", AI_ERROR_REQUEST, "x-should-retry: true", 1, true, 375, 500},
    {"500 that says not", AI_ERROR_SERVER, "X-Should-Retry: false", 1, false, 0, 0},
    {"401", AI_ERROR_KEY, "", 1, false, 0, 0},
    {"402", AI_ERROR_BILLING, "", 1, false, 0, 0},
    {"403", AI_ERROR_PERMISSION, "", 1, false, 0, 0},
    {"404", AI_ERROR_MODEL, "", 1, false, 0, 0},
    {"413", AI_ERROR_TOO_LARGE, "", 1, false, 0, 0},
    {"no answer of the protocol", AI_ERROR_ANSWER, "", 1, false, 0, 0},
    {"deadline", AI_ERROR_DEADLINE, "x-should-retry: true", 1, false, 0, 0},
    {"cancelled", AI_ERROR_CANCELLED, "x-should-retry: true", 1, false, 0, 0},
};

TABLE_TEST(retry, waits_as_the_vendors_clients_do, struct wait, WAITS)
{
    static const uint32_t RANDOM[] = {0, 1u << 31, UINT32_MAX};
    struct retry_ask ask = {0};
    str fields = str_of(row->fields);

    while (fields.n) {
        str value = str_cut(&fields, '\n'), name = str_cut(&value, ':');

        retry_field(&ask, name, str_trim(value), NOW_US);
    }
    cr_assert_eq(retry_may(row->error, &ask, row->n_attempts), row->may, "%s", row->name);
    for (size_t i = 0; i < 3 && row->may; i++) {
        int64_t ms = retry_wait_ms(row->error, &ask, row->n_attempts, RANDOM[i]);

        cr_assert(ms >= row->least_ms && ms <= row->most_ms, "%s: %lld", row->name, (long long)ms);
    }
}

static enum breaker_pass fail_n(struct breaker *b, int n, int weight, int64_t now)
{
    enum breaker_pass pass = BREAKER_PASSED;

    for (int i = 0; i < n && pass != BREAKER_REFUSED; i++) {
        pass = breaker_ask(b, now);
        if (pass != BREAKER_REFUSED)
            breaker_tell(b, pass, weight, now);
    }
    return pass;
}

Test(breaker, opens_when_half_of_enough_calls_failed)
{
    struct breaker b = {0};

    fail_n(&b, BREAKER_ENDS_MIN - 1, 1, S);
    cr_assert_eq(b.state, BREAKER_CLOSED);
    fail_n(&b, 1, 1, S);
    cr_assert_eq(b.state, BREAKER_OPEN);
    cr_assert_eq(breaker_ask(&b, S + BREAKER_PAUSE_NS - 1), BREAKER_REFUSED);
}

Test(breaker, stays_closed_when_more_succeed)
{
    struct breaker b = {0};

    for (int i = 0; i < 100; i++) {
        fail_n(&b, 1, 1, S + i * S / 100);
        fail_n(&b, 2, 0, S + i * S / 100);
    }
    cr_assert_eq(b.state, BREAKER_CLOSED);
}

Test(breaker, an_overloaded_service_counts_twice)
{
    struct breaker b = {0};

    fail_n(&b, BREAKER_ENDS_MIN / 2, 2, S);
    cr_assert_eq(b.state, BREAKER_OPEN);
}

Test(breaker, forgets_what_is_older_than_its_window)
{
    struct breaker b = {0};

    for (int i = 0; i < 50; i++)
        fail_n(&b, BREAKER_ENDS_MIN - 1, 1, i * (BREAKER_WINDOW_NS + S));
    cr_assert_eq(b.state, BREAKER_CLOSED);
}

Test(breaker, one_probe_decides_and_the_pause_doubles)
{
    struct breaker b = {0};
    int64_t now = S, pause = BREAKER_PAUSE_NS;

    fail_n(&b, BREAKER_ENDS_MIN, 1, now);
    for (int i = 0; i < 10; i++) {
        now += pause;
        cr_assert_eq(breaker_ask(&b, now), BREAKER_PROBE);
        cr_assert_eq(breaker_ask(&b, now), BREAKER_REFUSED, "one probe at a time");
        breaker_tell(&b, BREAKER_PROBE, 1, now);
        pause = 2 * pause < BREAKER_PAUSE_MAX_NS ? 2 * pause : BREAKER_PAUSE_MAX_NS;
        cr_assert_eq(breaker_ask(&b, now + pause - 1), BREAKER_REFUSED);
    }
    now += pause;
    cr_assert_eq(breaker_ask(&b, now), BREAKER_PROBE);
    breaker_forget(&b, BREAKER_PROBE);
    cr_assert_eq(breaker_ask(&b, now), BREAKER_PROBE, "a cancelled probe leaves room for another");
    breaker_tell(&b, BREAKER_PROBE, 0, now);
    cr_assert_eq(b.state, BREAKER_CLOSED);
    cr_assert_eq(breaker_ask(&b, now), BREAKER_PASSED);
}

Test(breaker, late_ends_do_not_move_an_open_one)
{
    struct breaker b = {0};

    fail_n(&b, BREAKER_ENDS_MIN, 1, S);
    breaker_tell(&b, BREAKER_PASSED, 0, 2 * S);
    cr_assert_eq(b.state, BREAKER_OPEN);
}

static int begin_n(struct limiter *l, int n, int64_t now)
{
    const struct limiter_need need = {100, 50};
    int64_t again;
    int begun = 0;

    for (int i = 0; i < n; i++)
        begun += limiter_begin(l, &need, now, &again);
    return begun;
}

Test(limiter, keeps_its_cap)
{
    struct limiter l;

    limiter_init(&l, 20);
    cr_assert_eq(begin_n(&l, 30, S), 20);
    limiter_end(&l, true);
    cr_assert_eq(begin_n(&l, 30, S), 1);
}

Test(limiter, halves_once_a_second_and_grows_back)
{
    struct limiter l;

    limiter_init(&l, 16);
    for (int i = 0; i < 8; i++)
        limiter_refused(&l, S + i, 0);
    cr_assert_eq((int)l.cap, 8);
    limiter_refused(&l, 3 * S, 0);
    limiter_refused(&l, 5 * S, 0);
    limiter_refused(&l, 7 * S, 0);
    limiter_refused(&l, 9 * S, 0);
    cr_assert_eq((int)l.cap, 1);
    for (int i = 0; i < 200; i++) {
        cr_assert_eq(begin_n(&l, 1, 20 * S), 1);
        limiter_end(&l, true);
    }
    cr_assert_eq((int)l.cap, 16);
}

Test(limiter, stays_away_as_long_as_it_is_asked_to)
{
    struct limiter l;
    int64_t again;

    limiter_init(&l, 8);
    limiter_refused(&l, S, 4 * S);
    limiter_refused(&l, S, 2 * S);
    cr_assert_not(limiter_begin(&l, &(struct limiter_need){0}, 4 * S - 1, &again));
    cr_assert_eq(again, 4 * S);
    cr_assert(limiter_begin(&l, &(struct limiter_need){0}, 4 * S, &again));
}

struct budget {
    const char *name, *fields;
    int want; /* of 10 calls that need 100 tokens in and 50 out */
};

static const struct budget BUDGETS[] = {
    {"nothing known", "", 10},
    {"requests",
     "anthropic-ratelimit-requests-remaining: 3\n"
     "anthropic-ratelimit-requests-reset: 2026-11-20T22:00:01Z",
     3},
    {"any case",
     "Anthropic-Ratelimit-Requests-Remaining: 3\n"
     "Anthropic-Ratelimit-Requests-Reset: 2026-11-20T22:00:01Z",
     3},
    {"input tokens",
     "anthropic-ratelimit-input-tokens-remaining: 250\n"
     "anthropic-ratelimit-input-tokens-reset: 2026-11-20T22:00:01Z",
     2},
    {"output tokens",
     "anthropic-ratelimit-output-tokens-remaining: 250\n"
     "anthropic-ratelimit-output-tokens-reset: 2026-11-20T22:00:01Z",
     5},
    {"both tokens",
     "anthropic-ratelimit-tokens-remaining: 250\n"
     "anthropic-ratelimit-tokens-reset: 2026-11-20T22:00:01Z",
     1},
    {"the least of them",
     "anthropic-ratelimit-tokens-remaining: 900\n"
     "anthropic-ratelimit-tokens-reset: 2026-11-20T22:00:01Z\n"
     "anthropic-ratelimit-requests-remaining: 4\n"
     "anthropic-ratelimit-requests-reset: 2026-11-20T22:00:01Z",
     4},
    {"full again",
     "anthropic-ratelimit-requests-remaining: 0\n"
     "anthropic-ratelimit-requests-reset: 2026-11-20T21:59:59Z",
     10},
    {"no time",
     "anthropic-ratelimit-requests-remaining: 0\n"
     "anthropic-ratelimit-requests-reset: soon",
     10},
    {"no number",
     "anthropic-ratelimit-requests-remaining: few\n"
     "anthropic-ratelimit-requests-reset: 2026-11-20T21:59:59Z",
     10},
    {"not ours",
     "x-ratelimit-requests-remaining: 0\nanthropic-ratelimit-requests: 0\n"
     "anthropic-ratelimit-: 0\nanthropic-ratelimit-foo-remaining: 0",
     10},
};

TABLE_TEST(limiter, begins_what_the_service_says_is_left, struct budget, BUDGETS)
{
    struct limiter l;
    str fields = str_of(row->fields);

    limiter_init(&l, 100);
    while (fields.n) {
        str value = str_cut(&fields, '\n'), name = str_cut(&value, ':');

        limiter_field(&l, name, str_trim(value), 5 * S, NOW_US);
    }
    cr_assert_eq(begin_n(&l, 10, 5 * S), row->want, "%s", row->name);
    l.in_flight = 0;
    cr_assert_eq(begin_n(&l, 10, 6 * S + 1), 10, "%s, a second later", row->name);
}

Test(limiter, a_budget_fills_up_evenly_until_its_reset)
{
    const struct limiter_need need = {100, 50};
    struct limiter l;
    int64_t again;

    limiter_init(&l, 1000);
    limiter_field(&l, STR("anthropic-ratelimit-requests-limit"), STR("60"), S, NOW_US);
    limiter_field(&l, STR("anthropic-ratelimit-requests-remaining"), STR("0"), S, NOW_US);
    limiter_field(&l, STR("anthropic-ratelimit-requests-reset"), STR("2026-11-20T22:01:00Z"), S,
                  NOW_US);
    cr_assert_not(limiter_begin(&l, &need, S, &again));
    cr_assert(again > 2 * S - S / 100 && again < 2 * S + S / 100, "one each second");
    cr_assert_eq(begin_n(&l, 100, 11 * S + S / 10), 10);
    cr_assert_eq(begin_n(&l, 100, 21 * S + S / 5), 10, "what was begun is taken off");
}
