/* A budget that is full again is not known any more: the next answer says what is left then. */
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

/* Fills the bucket up to now, at the rate that its reset was foretold by. */
static void fill(struct limiter_bucket *b, int64_t now_ns)
{
    if (b->is_news)
        b->per_ns = b->limit > b->left && b->full_ns > b->at_ns
                        ? (b->limit - b->left) / (double)(b->full_ns - b->at_ns)
                        : 0;
    b->is_news = false;
    if (b->per_ns <= 0 && now_ns >= b->full_ns)
        b->full_ns = 0;
    b->left += b->per_ns * (double)(now_ns - b->at_ns);
    if (b->limit > 0 && b->left > b->limit)
        b->left = b->limit;
    b->at_ns = now_ns;
}

/* When a filled bucket has `need`, or is full; 0: now. */
static int64_t ready_ns(const struct limiter_bucket *b, double need)
{
    if (b->limit > 0 && need > b->limit)
        need = b->limit;
    if (!b->full_ns || b->left >= need)
        return 0;
    return b->per_ns > 0 ? b->at_ns + 1 + (int64_t)((need - b->left) / b->per_ns) : b->full_ns;
}

bool limiter_begin(struct limiter *l, const struct limiter_need *need, int64_t now_ns,
                   int64_t *again_ns)
{
    *again_ns = 0;
    if (l->in_flight >= (int)l->cap)
        return false;
    if (now_ns < l->closed_until_ns)
        *again_ns = l->closed_until_ns;
    for (enum limiter_budget b = 0; b < LIMITER_N_BUDGETS; b++) {
        fill(&l->budgets[b], now_ns);
        int64_t ready = ready_ns(&l->budgets[b], (double)taken(b, need));

        *again_ns = ready > *again_ns ? ready : *again_ns;
    }
    if (*again_ns)
        return false;
    for (enum limiter_budget b = 0; b < LIMITER_N_BUDGETS; b++)
        l->budgets[b].left -= (double)taken(b, need);
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

static void take(struct limiter_bucket *b, str what, str value, const int64_t now[2])
{
    long long n = -1;
    int64_t at_us;
    bool is_count = str_to_int64(value, &n) && n >= 0;

    b->is_news = true;
    if (str_eq_nocase(what, STR("limit")) && is_count) {
        b->limit = (double)n;
    } else if (str_eq_nocase(what, STR("remaining")) && is_count) {
        b->left = (double)n;
        b->at_ns = now[0];
    } else if (str_eq_nocase(what, STR("reset")) && parse_time(value, &at_us)) {
        b->full_ns = now[0] + (at_us - now[1]) * 1000;
    }
}

void limiter_field(struct limiter *l, str name, str value, int64_t now_ns, int64_t now_us)
{
    static const str PREFIX = {"anthropic-ratelimit-", sizeof "anthropic-ratelimit-" - 1};
    const int64_t now[2] = {now_ns, now_us};

    if (!str_eq_nocase(str_sub(name, 0, PREFIX.n), PREFIX))
        return;
    str rest = str_sub(name, PREFIX.n, name.n);

    for (enum limiter_budget b = 0; b < LIMITER_N_BUDGETS; b++) {
        str word = str_of(WORDS[b]);
        str what = str_sub(rest, word.n, rest.n);

        if (str_eq_nocase(str_sub(rest, 0, word.n), word) &&
            str_eq_nocase(str_sub(what, 0, 1), STR("-")))
            take(&l->budgets[b], str_sub(what, 1, what.n), value, now);
    }
}
