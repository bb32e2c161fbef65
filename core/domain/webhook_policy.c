/* The schedule of the Standard Webhooks specification, and the meaning of statuses, as tables. */
#include "domain/webhook_policy.h"

#include <assert.h>

#define SECONDS INT64_C(1000000)
#define MINUTES (60 * SECONDS)
#define HOURS   (60 * MINUTES)

/* Between an attempt and the next: 75 h 35 min in all. */
static const int64_t WAITS_US[] = {5 * SECONDS, 5 * MINUTES, 30 * MINUTES, 2 * HOURS, 5 * HOURS,
                                   10 * HOURS,  14 * HOURS,  20 * HOURS,   24 * HOURS};
static_assert(sizeof WAITS_US / sizeof *WAITS_US == WEBHOOK_ATTEMPTS_MAX - 1, "one between two");

/* The first row that holds the status decides. */
static const struct {
    int first, last;
    enum webhook_outcome outcome;
} MEANINGS[] = {
    {WEBHOOK_NO_ANSWER_IN_TIME, WEBHOOK_NO_ANSWER_IN_TIME, WEBHOOK_OVERLOADED},
    {200, 299, WEBHOOK_DELIVERED},
    {410, 410, WEBHOOK_GONE},
    {429, 429, WEBHOOK_OVERLOADED},
    {502, 502, WEBHOOK_OVERLOADED},
    {504, 504, WEBHOOK_OVERLOADED},
};

enum webhook_outcome webhook_outcome_of(int http_status)
{
    for (size_t i = 0; i < sizeof MEANINGS / sizeof *MEANINGS; i++)
        if (http_status >= MEANINGS[i].first && http_status <= MEANINGS[i].last)
            return MEANINGS[i].outcome;
    return WEBHOOK_FAILED; /* redirects too: an address is where it says it is */
}

bool webhook_wait(uint32_t n_made, uint32_t random, int64_t *wait_us_out)
{
    assert(n_made > 0);
    *wait_us_out = 0;
    if (n_made >= WEBHOOK_ATTEMPTS_MAX)
        return false;
    int64_t wait_us = WAITS_US[n_made - 1], most_us = wait_us * WEBHOOK_JITTER_P / 100;

    *wait_us_out = wait_us - most_us + (int64_t)((double)random / UINT32_MAX * 2 * (double)most_us);
    return true;
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_word(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_word_char(s.p[i]))
            return false;
    return s.n > 0;
}

bool webhook_pattern_is_valid(str pattern)
{
    while (true) {
        bool is_last = !memchr(pattern.p ? pattern.p : "", '.', pattern.n);
        str word = str_cut(&pattern, '.');

        if (is_last)
            return is_word(word) || str_eq(word, STR("*"));
        if (!is_word(word))
            return false;
    }
}

static bool matches(str pattern, str type)
{
    if (!str_ends(pattern, STR("*")))
        return str_eq(pattern, type);
    return str_starts(type, str_sub(pattern, 0, pattern.n - 1));
}

bool webhook_wants(char *const *patterns, size_t n_patterns, str type)
{
    for (size_t i = 0; i < n_patterns; i++)
        if (matches(str_of(patterns[i]), type))
            return true;
    return n_patterns == 0;
}
