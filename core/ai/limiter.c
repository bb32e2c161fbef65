/* A budget is forgotten when it is full again: the next answer says what is left then. */
#include "ai/limiter.h"

#include <assert.h>

#include "domain/moment.h"

static const char *const WORDS[] = {
#define X(id, word) word,
    LIMITER_BUDGETS(X)
#undef X
};

void limiter_init(struct limiter *l, int cap_max)
{
    assert(cap_max > 0);
    *l = (struct limiter){.cap = cap_max, .cap_max = cap_max, .halved_ns = -LIMITER_HALVE_NS};
}

static int64_t taken(enum limiter_budget b, const struct limiter_need *need)
{
    switch (b) {
    case LIMITER_REQUESTS: return 1;
    case LIMITER_TOKENS: return need->input_tokens + need->output_tokens;
    case LIMITER_INPUT: return need->input_tokens;
    case LIMITER_OUTPUT: return need->output_tokens;
    case LIMITER_N_BUDGETS: break;
    }
    return 0;
}

bool limiter_begin(struct limiter *l, const struct limiter_need *need, int64_t now_ns,
                   int64_t *again_ns)
{
    *again_ns = 0;
    if (l->in_flight >= (int)l->cap)
        return false;
    if (now_ns < l->closed_until_ns)
        *again_ns = l->closed_until_ns;
    for (enum limiter_budget b = 0; b < LIMITER_N_BUDGETS; b++)
        if (now_ns < l->budgets[b].full_ns && l->budgets[b].left < taken(b, need) &&
            l->budgets[b].full_ns > *again_ns)
            *again_ns = l->budgets[b].full_ns;
    if (*again_ns)
        return false;
    for (enum limiter_budget b = 0; b < LIMITER_N_BUDGETS; b++)
        l->budgets[b].left -= taken(b, need);
    l->in_flight++;
    return true;
}

void limiter_end(struct limiter *l, bool is_good)
{
    assert(l->in_flight > 0);
    l->in_flight--;
    if (is_good && l->cap < l->cap_max)
        l->cap += 1 / l->cap;
}

void limiter_refused(struct limiter *l, int64_t now_ns, int64_t until_ns)
{
    if (until_ns > l->closed_until_ns)
        l->closed_until_ns = until_ns;
    if (now_ns - l->halved_ns < LIMITER_HALVE_NS)
        return;
    l->halved_ns = now_ns;
    l->cap = l->cap < 2 ? 1 : l->cap / 2;
}

/* "2026-11-20T21:53:12.5Z"; an offset other than Z is no time for us: the service sends none. */
static bool parse_time(str s, int64_t *out_us)
{
    enum { DATE = 10, TIME_AT = 11, TIME = 8, HOUR = 3600, MINUTE = 60 };
    long long h, m, sec;
    int64_t day;
    str time = str_sub(s, TIME_AT, TIME);

    if (s.n < TIME_AT + TIME + 1 || s.p[DATE] != 'T' || !str_ends(s, STR("Z")) ||
        !date_parse(str_sub(s, 0, DATE), &day))
        return false;
    if (!str_to_int64(str_sub(time, 0, 2), &h) || !str_to_int64(str_sub(time, 3, 2), &m) ||
        !str_to_int64(str_sub(time, 6, 2), &sec))
        return false;
    *out_us = day * MOMENT_DAY_US + (h * HOUR + m * MINUTE + sec) * MOMENT_SECOND_US;
    return true;
}

static void take(struct limiter *l, enum limiter_budget b, str what, str value, int64_t left_us[2])
{
    long long n;
    int64_t at_us;

    if (str_eq_nocase(what, STR("remaining")) && str_to_int64(value, &n))
        l->budgets[b].left = n;
    else if (str_eq_nocase(what, STR("reset")) && parse_time(value, &at_us))
        l->budgets[b].full_ns = left_us[0] + (at_us - left_us[1]) * 1000;
}

void limiter_field(struct limiter *l, str name, str value, int64_t now_ns, int64_t now_us)
{
    static const str PREFIX = {"anthropic-ratelimit-", sizeof "anthropic-ratelimit-" - 1};
    int64_t now[2] = {now_ns, now_us};

    if (!str_eq_nocase(str_sub(name, 0, PREFIX.n), PREFIX))
        return;
    str rest = str_sub(name, PREFIX.n, name.n);

    for (enum limiter_budget b = 0; b < LIMITER_N_BUDGETS; b++) {
        str word = str_of(WORDS[b]);

        if (str_eq_nocase(str_sub(rest, 0, word.n), word) && rest.n > word.n + 1 &&
            rest.p[word.n] == '-')
            take(l, b, str_sub(rest, word.n + 1, rest.n), value, now);
    }
}
