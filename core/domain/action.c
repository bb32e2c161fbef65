/* What is expected of each action that applies, by which channel and when, best first. */
#include "domain/action.h"

#include <assert.h>
#include <math.h>

#include "base/buf.h"
#include "domain/action_table.h"
#include "domain/moment.h"

#define Z80    1.2815515655446004 /* of the normal distribution, both tails together 20 % */
#define RIGHTS 10.0               /* answers that the prior confidence is worth */

enum {
    TITLE_BYTES = 200,
    RATIONALE_BYTES = 500,
    TEXT_FACT_BYTES = 100, /* of a fact in a sentence */
};

/* A share by counts and a prior of mean m whose standard deviation is sd. */
struct share {
    double mean, variance;
};

static struct share shrink(double m, double sd, uint64_t n_good, uint64_t n)
{
    double bounded = m < 0.005 ? 0.005 : m > 0.995 ? 0.995 : m;
    double weight = bounded * (1 - bounded) / (sd * sd) - 1, total;
    struct share s;

    weight = weight < 4 ? 4 : weight > 400 ? 400 : weight;
    total = weight + (double)n;
    s.mean = (weight * m + (double)n_good) / total;
    s.variance = s.mean * (1 - s.mean) / (total + 1);
    return s;
}

void action_estimate(enum action_id id, const struct action_tally *t, struct action_estimate *out)
{
    const struct action_row *row = action_row(id);
    struct share with = shrink(row->base + row->lift, row->sd, t->n_good, t->n_followed);
    struct share without = shrink(row->base, row->sd, t->n_good_anyway, t->n_passed);
    double sd = sqrt(with.variance + without.variance);

    out->change = with.mean - without.mean;
    out->low = out->change - Z80 * sd;
    out->high = out->change + Z80 * sd;
    out->confidence = (RIGHTS * row->confidence + (double)t->n_right) /
                      (RIGHTS + (double)t->n_right + (double)t->n_wrong);
    out->n = t->n_right + t->n_wrong;
}

/* At most TEXT_FACT_BYTES, whole characters. */
static str start_of(str text)
{
    size_t n = text.n < TEXT_FACT_BYTES ? text.n : TEXT_FACT_BYTES;

    while (n && n < text.n && ((unsigned char)text.p[n] & 0xC0) == 0x80)
        n--;
    return str_sub(text, 0, n);
}

static void put_fact(struct buf *b, const struct action_facts *f, enum action_fact_id id)
{
    const struct action_fact *fact = &f->f[id];

    if (!fact->known)
        buf_put(b, STR("unknown"));
    else if (action_fact_row(id)->kind == TEXT)
        buf_put(b, start_of(fact->text));
    else if (action_fact_row(id)->kind != AGE)
        buf_printf(b, "%.0f", fact->number);
    else if (fact->number < 2)
        buf_put(b, fact->number < 1 ? STR("today") : STR("yesterday"));
    else
        buf_printf(b, "%.0f days ago", fact->number);
}

static char *sentence(struct arena *a, const char *text, size_t most, const struct action_facts *f)
{
    str rest = str_of(text);
    enum action_fact_id id;
    struct buf b;

    buf_init(&b, a, most);
    while (rest.n) {
        buf_put(&b, str_cut(&rest, '{'));
        if (rest.n && action_fact_of_name(str_cut(&rest, '}'), &id))
            put_fact(&b, f, id);
    }
    return buf_ok(&b) ? (char *)buf_str(&b).p : NULL;
}

bool action_words(struct arena *a, enum action_id id, const struct action_facts *f,
                  struct action_words *out)
{
    struct action_facts *own = NEW(a, struct action_facts, 1);

    if (!own)
        return false;
    *own = *f;
    for (int i = 0; i < ACTION_FACTS; i++)
        if (action_fact_row((enum action_fact_id)i)->kind == TEXT && own->f[i].known)
            own->f[i].text = STR("(on record)");
    out->title = sentence(a, action_row(id)->title, TITLE_BYTES, own);
    out->reason = sentence(a, action_row(id)->rationale, RATIONALE_BYTES, own);
    return out->title && out->reason;
}

/* The first channel of the row that is open and wanted; false: it needs one and there is none. */
static bool choose_channel(const struct action_row *row, const struct action_ask *ask, Channel *out)
{
    uint32_t open = (uint32_t)action_number(ask->facts, ACTION_FACT_open_channels, 0);

    *out = CHANNEL_UNSPECIFIED;
    if (ask->channels)
        open &= ask->channels;
    for (uint32_t left = row->channels; left; left >>= 4)
        if (open >> (left & 15) & 1) {
            *out = (Channel)(left & 15);
            return true;
        }
    return !row->channels;
}

static bool has_evidence(const Recommendation *r, const Evidence *e)
{
    for (size_t i = 0; i < r->n_evidence; i++)
        if (strcmp(r->evidence[i]->field, e->field) == 0 &&
            strcmp(r->evidence[i]->record_id, e->record_id) == 0)
            return true;
    return false;
}

/* What the conditions looked at. */
static bool put_evidence(struct arena *a, enum action_id id, const struct action_facts *f,
                         Recommendation *r)
{
    size_t n;
    const struct action_condition *conditions = action_conditions(&n);

    if ((r->evidence = NEW(a, Evidence *, ACTION_EVIDENCE_MAX)) == NULL)
        return false;
    for (size_t i = 0; i < n && r->n_evidence < ACTION_EVIDENCE_MAX; i++) {
        const struct action_fact *fact = &f->f[conditions[i].fact];
        const struct action_fact_row *row = action_fact_row(conditions[i].fact);
        Evidence *e;

        if (conditions[i].action != id || !fact->known || !fact->record_id || !row->record)
            continue;
        if ((e = NEW(a, Evidence, 1)) == NULL)
            return false;
        *e = (Evidence)EVIDENCE_INIT;
        e->kind = row->record;
        e->record_id = (char *)fact->record_id;
        e->field = (char *)row->field;
        if (!has_evidence(r, e))
            r->evidence[r->n_evidence++] = e;
    }
    return true;
}

static ExpectedEffect *effect_of(struct arena *a, const struct action_row *row,
                                 const struct action_estimate *e)
{
    ExpectedEffect *effect = NEW(a, ExpectedEffect, 1);
    Interval *interval = NEW(a, Interval, 1);

    if (!effect || !interval)
        return NULL;
    *effect = (ExpectedEffect)EXPECTED_EFFECT_INIT;
    *interval = (Interval)INTERVAL_INIT;
    interval->low = e->low;
    interval->high = e->high;
    interval->level = ACTION_INTERVAL_LEVEL;
    effect->metric = (char *)action_metric_name(row->metric);
    effect->change = e->change;
    effect->interval = interval;
    effect->sample_size = e->n;
    return effect;
}

static bool put_time(struct arena *a, const struct action_ask *ask, const struct action_row *row,
                     Recommendation *r)
{
    const struct action_span span = action_time(ask, row->when, row->days, r->channel);
    int64_t valid_us = ask->now_us + row->days * MOMENT_DAY_US;

    if ((r->timing = NEW(a, TimeRange, 1)) == NULL)
        return false;
    *r->timing = (TimeRange)TIME_RANGE_INIT;
    r->timing->start_time = moment_new(a, span.start_us);
    r->timing->end_time = moment_new(a, span.end_us);
    /* Nobody has to answer before the moment has passed. */
    r->expire_time = moment_new(a, valid_us > span.end_us ? valid_us : span.end_us);
    return r->timing->start_time && r->timing->end_time && r->expire_time;
}

/* One that applies, on its way to its rank. */
struct candidate {
    enum action_id id;
    Channel channel;
    struct action_estimate estimate;
};

static Recommendation *word(struct arena *a, const struct action_ask *ask,
                            const struct candidate *k)
{
    const struct action_row *row = action_row(k->id);
    Recommendation *r = NEW(a, Recommendation, 1);

    if (!r)
        return NULL;
    *r = (Recommendation)RECOMMENDATION_INIT;
    r->lead_id = (char *)ask->lead_id;
    r->deal_id = (char *)ask->deal_id;
    r->action = row->action;
    r->channel = k->channel;
    r->tool = row->tool;
    r->confidence = k->estimate.confidence;
    r->quality = k->estimate.n ? ANSWER_QUALITY_FULL : ANSWER_QUALITY_COLD_START;
    r->title = sentence(a, row->title, TITLE_BYTES, ask->facts);
    r->rationale = sentence(a, row->rationale, RATIONALE_BYTES, ask->facts);
    r->expected_effect = effect_of(a, row, &k->estimate);
    return r->title && r->rationale && r->expected_effect && put_time(a, ask, row, r) &&
                   put_evidence(a, k->id, ask->facts, r)
               ? r
               : NULL;
}

static double rank(const struct candidate *k)
{
    return k->estimate.change * k->estimate.confidence;
}

/* By rank; equal ones stay in the order of the table. */
static void insert(struct candidate *list, size_t n, const struct candidate *k)
{
    size_t i = n;

    for (; i > 0 && rank(&list[i - 1]) < rank(k); i--)
        list[i] = list[i - 1];
    list[i] = *k;
}

static bool was_dismissed(const struct action_ask *ask,
                          const unsigned char digest[ACTION_DIGEST_BYTES])
{
    for (size_t i = 0; i < ask->n_dismissed; i++)
        if (memcmp(ask->dismissed[i], digest, ACTION_DIGEST_BYTES) == 0)
            return true;
    return false;
}

static bool has_action(const struct action_set *set, RecommendedAction action)
{
    for (size_t i = 0; i < set->n; i++)
        if (set->items[i].recommendation->action == action)
            return true;
    return false;
}

static size_t find_all(const struct action_ask *ask, struct candidate out[ACTIONS])
{
    size_t n = 0;

    for (int i = 0; i < ACTIONS; i++) {
        struct candidate k = {.id = (enum action_id)i};

        if (!action_applies(k.id, ask->facts, ask->about_deal) ||
            !choose_channel(action_row((enum action_id)i), ask, &k.channel))
            continue;
        action_estimate(k.id, &ask->tallies[i], &k.estimate);
        if (rank(&k) > 0)
            insert(out, n++, &k);
    }
    return n;
}

enum status action_choose(struct arena *a, const struct action_ask *ask, struct action_set *out)
{
    struct candidate all[ACTIONS];
    size_t n = find_all(ask, all), limit = ask->limit ? ask->limit : ACTION_LIMIT_DEFAULT;

    assert(limit <= ACTION_LIMIT_MAX);
    *out = (struct action_set){0};
    for (size_t i = 0; i < n && out->n < limit; i++) {
        struct action_advice *next = &out->items[out->n];

        if (has_action(out, action_row(all[i].id)->action))
            continue;
        next->id = all[i].id;
        action_digest(next->id, ask->facts, ask->about_deal ? ask->deal_id : ask->lead_id,
                      next->digest);
        if (was_dismissed(ask, next->digest)) {
            out->n_suppressed++;
            continue;
        }
        if ((next->recommendation = word(a, ask, &all[i])) == NULL)
            return STATUS_EXHAUSTED;
        out->n++;
    }
    return STATUS_OK;
}
