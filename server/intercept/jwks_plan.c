#include "intercept/jwks_plan.h"

static const int64_t ns_per_s = 1000000000;

static int64_t clamp(int64_t v, int64_t least, int64_t most)
{
    return v < least ? least : v > most ? most : v;
}

void jwks_plan_tried(struct jwks_plan *p, int64_t now_ns)
{
    p->tried_ns = now_ns;
}

void jwks_plan_loaded(struct jwks_plan *p, int64_t now_ns, int64_t max_age_s)
{
    int64_t fresh_s = clamp(max_age_s, JWKS_FRESH_MIN_S, JWKS_FRESH_MAX_S);

    p->loaded_ns = now_ns;
    p->next_ns = now_ns + fresh_s * JWKS_REFRESH_PERCENT / 100 * ns_per_s;
    p->n_failures = 0;
}

void jwks_plan_failed(struct jwks_plan *p, int64_t now_ns)
{
    int64_t wait_s = JWKS_RETRY_MIN_S;

    for (int i = 0; i < p->n_failures && wait_s < JWKS_RETRY_MAX_S; i++)
        wait_s *= 2;
    p->next_ns = now_ns + clamp(wait_s, JWKS_RETRY_MIN_S, JWKS_RETRY_MAX_S) * ns_per_s;
    p->n_failures++;
}

bool jwks_plan_is_due(const struct jwks_plan *p, int64_t now_ns)
{
    return now_ns >= p->next_ns;
}

bool jwks_plan_may_ask(const struct jwks_plan *p, int64_t now_ns)
{
    return !p->tried_ns || now_ns - p->tried_ns >= JWKS_ASK_S * ns_per_s;
}

bool jwks_plan_is_usable(const struct jwks_plan *p, int64_t now_ns)
{
    return p->loaded_ns && now_ns - p->loaded_ns < JWKS_KEEP_S * ns_per_s;
}
