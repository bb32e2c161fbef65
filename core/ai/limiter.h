/*
 * limiter: how many calls may be under way, learned from the service.
 *
 * Two rules, both must agree. A cap on calls in flight, which grows by one in each round of good
 * answers up to its maximum and is halved by a refusal for the rate (429, 529), once per
 * LIMITER_HALVE_NS. And what the service says is left of each of its budgets
 * (anthropic-ratelimit-*): buckets that fill up evenly until they are full at their reset. What was
 * begun since is taken off.
 *
 * Not thread-safe; time is an argument.
 */
#ifndef AI_LIMITER_H
#define AI_LIMITER_H

#include <stdint.h>

#include "base/str.h"

#define LIMITER_HALVE_NS (INT64_C(1) * 1000000000)

enum { LIMITER_FIELD_BYTES = 64 };

/* Budgets, by the words between "anthropic-ratelimit-" and "-remaining". */
#define LIMITER_BUDGETS(X)                                                                         \
    X(REQUESTS, "requests")                                                                        \
    X(TOKENS, "tokens")                                                                            \
    X(INPUT, "input-tokens")                                                                       \
    X(OUTPUT, "output-tokens")

enum limiter_budget {
#define X(id, word) LIMITER_##id,
    LIMITER_BUDGETS(X)
#undef X
        LIMITER_N_BUDGETS
};

struct limiter {
    int in_flight, cap_max;
    double cap;              /* 1 to cap_max */
    int64_t halved_ns;       /* when last */
    int64_t closed_until_ns; /* the service asked to wait */
    struct limiter_bucket {
        double left, limit;     /* limit 0: not known */
        double per_ns;          /* what it gains; 0: not known until full_ns */
        int64_t at_ns, full_ns; /* when `left` was left; when it would be full. 0: not known */
        bool is_news;           /* the service said so since per_ns was worked out */
    } budgets[LIMITER_N_BUDGETS];
};

/* What a call takes of the budgets, at most. */
struct limiter_need {
    int64_t input_tokens, output_tokens;
};

void limiter_init(struct limiter *l, int cap_max);

/* Whether a call may begin now; if so it is counted, until limiter_end. Else *again_ns is when to
 * ask again at the latest; 0: when a call has ended. */
bool limiter_begin(struct limiter *l, const struct limiter_need *need, int64_t now_ns,
                   int64_t *again_ns);

/* How a call ended: is_good, it was answered. */
void limiter_end(struct limiter *l, bool is_good);

/* The service refused for the rate; it asks to stay away until then, 0: it does not say. */
void limiter_refused(struct limiter *l, int64_t now_ns, int64_t until_ns);

/* A header field of an answer; others than those of the limits are ignored. The reset of a budget
 * is a wall-clock time (RFC 3339), hence now_us. */
void limiter_field(struct limiter *l, str name, str value, int64_t now_ns, int64_t now_us);

#endif
