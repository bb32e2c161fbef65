/* A list of currencies per group: few groups have more than three. */
#include "agent/pipeline_tally.h"

#include <assert.h>
#include <math.h>

enum { CURRENCIES_MAX = 200 }; /* ISO 4217 has fewer; the contract's limit */

/* The entry of the currency, in a list sorted by name; NULL when the arena is full. */
static struct tally_money *entry_of(struct arena *a, struct tally *t, str currency)
{
    struct tally_money **at = &t->money, *entry;

    while (*at && str_cmp((*at)->currency, currency) < 0)
        at = &(*at)->next;
    if (*at && str_eq((*at)->currency, currency))
        return *at;
    if ((entry = NEW(a, struct tally_money, 1)) == NULL)
        return NULL;
    *entry = (struct tally_money){.currency = currency, .next = *at};
    *at = entry;
    t->n_currencies++;
    return entry;
}

bool tally_add(struct arena *a, struct tally *t, const struct tally_part *part)
{
    struct tally_money *entry;

    t->count += part->count;
    if (!part->currency.n)
        return true;
    if ((entry = entry_of(a, t, part->currency)) == NULL)
        return false;
    entry->count += part->count;
    money_sum_add(&entry->sum, part->minor, part->chance);
    return true;
}

int64_t tally_amount(const struct tally *t, str currency)
{
    for (const struct tally_money *m = t->money; m; m = m->next)
        if (str_eq(m->currency, currency))
            return m->sum.minor;
    return 0;
}

str tally_main_currency(const struct tally *t)
{
    const struct tally_money *most = t->money;

    for (const struct tally_money *m = t->money; m; m = m->next)
        if (m->count > most->count)
            most = m;
    return most ? most->currency : (str){0};
}

struct share_range share_range(uint64_t k, uint64_t n)
{
    assert(n > 0);
    assert(k <= n);
    const double z = 1.959963984540054; /* 0.975 quantile of the normal distribution */
    double all = (double)n, share = (double)k / all, slack = z * z / all;
    double middle = (share + slack / 2) / (1 + slack);
    double half = z * sqrt((share * (1 - share) + slack / 4) / all) / (1 + slack);

    return (struct share_range){k ? fmax(0, middle - half) : 0, k < n ? fmin(1, middle + half) : 1};
}

static Money *new_money(struct arena *a, int64_t minor, str currency)
{
    Money *m = NEW(a, Money, 1);

    if (!m)
        return NULL;
    *m = (Money)MONEY_INIT;
    m->amount_minor = minor;
    m->currency_code = arena_cstr(a, currency);
    return m->currency_code ? m : NULL;
}

static Interval *new_interval(struct arena *a, uint64_t k, uint64_t n)
{
    struct share_range range = share_range(k, n);
    Interval *i = NEW(a, Interval, 1);

    if (!i)
        return NULL;
    *i = (Interval)INTERVAL_INIT;
    i->low = range.low;
    i->high = range.high;
    i->level = SHARE_LEVEL;
    return i;
}

static bool put_money(struct arena *a, const struct tally *t, PipelineBucket *b)
{
    size_t cap = t->n_currencies < CURRENCIES_MAX ? t->n_currencies : CURRENCIES_MAX;

    b->amount = NEW(a, Money *, cap + 1);
    b->weighted_amount = NEW(a, Money *, cap + 1);
    if (!b->amount || !b->weighted_amount)
        return false;
    for (const struct tally_money *m = t->money; m && b->n_amount < cap; m = m->next) {
        Money *sum = new_money(a, m->sum.minor, m->currency);
        Money *weighted = new_money(a, money_sum_weighted(&m->sum), m->currency);

        if (!sum || !weighted)
            return false;
        b->amount[b->n_amount++] = sum;
        b->weighted_amount[b->n_weighted_amount++] = weighted;
    }
    return true;
}

PipelineBucket *tally_bucket(struct arena *a, const struct tally *t)
{
    PipelineBucket *b = NEW(a, PipelineBucket, 1);

    if (!b)
        return NULL;
    *b = (PipelineBucket)PIPELINE_BUCKET_INIT;
    b->key = (char *)t->key;
    b->count = t->count;
    if (!put_money(a, t, b))
        return NULL;
    if (t->n_looked_at) {
        b->mean_age_days = t->age_days / (double)t->n_looked_at;
        b->mean_stage_days = t->stage_days / (double)t->n_looked_at;
    }
    b->stale_count = t->stale;
    b->no_next_step_count = t->no_next_step;
    b->median_days_to_move = t->median_days;
    if (t->entered) {
        b->win_rate = (double)t->won / (double)t->entered;
        if ((b->win_rate_interval = new_interval(a, t->won, t->entered)) == NULL)
            return NULL;
    }
    if (t->left) {
        b->conversion_rate = (double)t->forward / (double)t->left;
        if ((b->conversion_interval = new_interval(a, t->forward, t->left)) == NULL)
            return NULL;
    }
    return b;
}
