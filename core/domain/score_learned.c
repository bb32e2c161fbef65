#include "domain/score_learned.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "domain/score_tally.h"
#include "domain/signal.h"

/* 10 / ln 2 points per unit of log-odds: thousandths per millionth, times 1e8. */
#define MILLI_PER_MICRO INT64_C(1442695)
#define MILLI_UNIT      INT64_C(100000000)
#define MICRO_MAX       INT64_C(1000000000000) /* beyond any log-odds; keeps the product in range */

enum { N_GROUPS = SIGNAL_GROUP_ROUNDING + 1 };

static const double BAND_LEVEL = 0.9, PRIOR_BAND = 15;

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

int64_t score_milli_of(int64_t micro)
{
    int64_t product = clamp(micro, -MICRO_MAX, MICRO_MAX) * MILLI_PER_MICRO;

    return product >= 0 ? (product + MILLI_UNIT / 2) / MILLI_UNIT
                        : -((-product + MILLI_UNIT / 2) / MILLI_UNIT);
}

int64_t score_total_milli(int64_t total_micro, int64_t anchor_micro)
{
    int64_t milli = SCORE_ANCHOR_POINTS * SCORE_MILLI + score_milli_of(total_micro - anchor_micro);

    milli = clamp(milli, 0, 100 * SCORE_MILLI);
    return (milli + SCORE_MILLI / 2) / SCORE_MILLI * SCORE_MILLI;
}

/* Signals come in the order of the vector; attributes are sorted behind them. */
const struct feature *score_feature(const struct feature_vector *v, const char *name, size_t *from)
{
    size_t least = v->n_signals, end = v->n;
    bool is_attribute = strncmp(name, "attr.", 5) == 0;

    for (size_t i = *from; !is_attribute && i < v->n_signals; i++)
        if (strcmp(v->items[i].name, name) == 0) {
            *from = i + 1;
            return &v->items[i];
        }
    while (least < end) {
        size_t middle = least + (end - least) / 2;
        int order = strcmp(v->items[middle].name, name);

        if (order == 0)
            return &v->items[middle];
        if (order < 0)
            least = middle + 1;
        else
            end = middle;
    }
    return NULL;
}

const char *score_feature_text(struct arena *a, const struct feature_vector *v,
                               const struct feature *f)
{
    size_t n;
    const char *unit = "";

    if (!f || !f->known)
        return "not known";
    if (f < v->items + v->n_signals)
        unit = signal_rows(&n)[f - v->items].unit;
    switch (f->type) {
    case FEATURE_CATEGORY: return arena_cstr(a, f->text);
    case FEATURE_BOOL: return f->number != 0 ? "yes" : "no";
    case FEATURE_TIME: return score_number_text(a, f->number, "days");
    case FEATURE_NUMBER: break;
    }
    return score_number_text(a, f->number, unit);
}

/* A share on its way to its place in the list. */
struct ranked {
    struct score_amount amount;
    uint32_t at; /* in shares */
};

/* Largest first, then as they came. */
static int compare(const void *x, const void *y)
{
    const struct ranked *a = x, *b = y;
    int64_t left = llabs(a->amount.milli), right = llabs(b->amount.milli);

    if (left != right)
        return left > right ? -1 : 1;
    return a->at < b->at ? -1 : a->at > b->at;
}

/* Turns shares of log-odds into such of points: the steps of the rounded running sum. */
static void rank(const struct score_learned *m, struct ranked *out)
{
    int64_t sum = m->base_micro - m->anchor_micro, before = score_milli_of(sum), after;

    for (size_t i = 0; i < m->n_shares; i++) {
        sum += m->shares[i].micro;
        after = score_milli_of(sum);
        out[i] = (struct ranked){{after - before, m->shares[i].micro}, (uint32_t)i};
        before = after;
    }
}

static bool put_share(struct score_tally *t, const struct score_learned *m, const struct ranked *r,
                      const struct feature *f)
{
    const char *name = m->shares[r->at].name, *words;
    struct score_label label = {.signal = name, .group = SIGNAL_GROUP_CUSTOM};
    size_t n;

    if (f && f < m->vector->items + m->vector->n_signals) {
        words = signal_rows(&n)[f - m->vector->items].words;
        label.group = f->group;
    } else {
        words = arena_printf(t->arena, "how leads with this value of %.80s did",
                             strncmp(name, "attr.", 5) == 0 ? name + 5 : name);
    }
    label.words = words;
    label.value = score_feature_text(t->arena, m->vector, f);
    return label.words && label.value && score_put(t, r->amount, label);
}

static bool put_rests(struct score_tally *t, const struct score_amount *rest)
{
    static const char *const names[N_GROUPS] = {
#define X(group, least, most, words) [SIGNAL_GROUP_##group] = "rest_" #group,
#include "domain/signal_group.def"
#undef X
        [SIGNAL_GROUP_CUSTOM] = "rest_CUSTOM",
    };

    for (int g = 0; g < N_GROUPS; g++)
        if (names[g] && !score_put(t, rest[g],
                                   (struct score_label){names[g], (SignalGroup)g, "",
                                                        "smaller effects of this kind together"}))
            return false;
    return true;
}

static bool put_shares(struct score_tally *t, const struct score_learned *m)
{
    struct ranked *ranked = NEW(t->arena, struct ranked, m->n_shares + 1);
    const struct feature **features = NEW(t->arena, const struct feature *, m->n_shares + 1);
    struct score_amount rest[N_GROUPS] = {{0, 0}};
    size_t from = 0;

    if (!ranked || !features)
        return false;
    rank(m, ranked);
    for (size_t i = 0; i < m->n_shares; i++)
        features[i] = score_feature(m->vector, m->shares[i].name, &from);
    qsort(ranked, m->n_shares, sizeof *ranked, compare);
    for (size_t i = 0; i < m->n_shares; i++) {
        const struct feature *f = features[ranked[i].at];
        struct score_amount *r = &rest[f ? f->group : SIGNAL_GROUP_CUSTOM];

        if (i < SCORE_LISTED_MAX && llabs(ranked[i].amount.milli) >= SCORE_LISTED_MILLI) {
            if (!put_share(t, m, &ranked[i], f))
                return false;
            continue;
        }
        r->milli += ranked[i].amount.milli;
        r->micro += ranked[i].amount.micro;
    }
    return put_rests(t, rest);
}

/* What the calibration adds, by the steps of the same running sum. */
static bool put_calibration(struct score_tally *t, const struct score_learned *m)
{
    static const struct score_label label = {
        "calibration", SIGNAL_GROUP_ROUNDING, "",
        "brings the odds in line with how often such leads were won"};
    int64_t sum = m->base_micro - m->anchor_micro;

    for (size_t i = 0; i < m->n_shares; i++)
        sum += m->shares[i].micro;
    return score_put(
        t,
        (struct score_amount){score_milli_of(sum + m->calibration_micro) - score_milli_of(sum),
                              m->calibration_micro},
        label);
}

/* Share of the fields asked of people that nobody filled in, by weight, 0 to 1000; the gains are
 * brought to what they are worth here. */
static int64_t weigh_missing(LeadScore *s)
{
    double sum = 0, all = SCORE_CONFIDENCE_FIELDS / 1000.0,
           worth = 2 * SCORE_MISSING_POINTS / 100.0;

    for (size_t i = 0; i < s->n_missing_inputs; i++) {
        double share = s->missing_inputs[i]->confidence_gain / all;

        sum += share;
        s->missing_inputs[i]->confidence_gain = share * worth;
    }
    return clamp((int64_t)llround(sum * 1000), 0, 1000);
}

static int64_t points_of(const struct score_learned *m, int64_t micro)
{
    return SCORE_ANCHOR_POINTS * SCORE_MILLI + score_milli_of(micro - m->anchor_micro);
}

static void set_band(LeadScore *s, const struct score_learned *m)
{
    int64_t wider = weigh_missing(s) * SCORE_MISSING_POINTS;
    int64_t low = clamp(points_of(m, m->low_micro) - wider, 0, s->score * SCORE_MILLI);
    int64_t high =
        clamp(points_of(m, m->high_micro) + wider, s->score * SCORE_MILLI, 100 * SCORE_MILLI);

    s->band->low = (double)low / (double)SCORE_MILLI;
    s->band->high = (double)high / (double)SCORE_MILLI;
    s->band->level = BAND_LEVEL;
    s->confidence = (double)(100 * SCORE_MILLI - (high - low)) / (double)(100 * SCORE_MILLI);
    if (s->n_disqualifications) /* a hard rule is a fact */
        s->confidence = 1;
}

enum status score_learned(struct arena *a, const struct score_input *in,
                          const struct score_learned *m, LeadScore **out)
{
    struct score_tally t = {.arena = a};
    LeadScore *s;

    assert(m->n_shares <= SCORE_SHARES_MAX);
    *out = NULL;
    TRY(score_lead(a, in, &s));
    t.out = s;
    s->n_contributions = 0;
    s->nearest_flip = NULL;
    s->base_log_odds_micro = m->base_micro;
    s->base_points_milli =
        SCORE_ANCHOR_POINTS * SCORE_MILLI + score_milli_of(m->base_micro - m->anchor_micro);
    t.total_milli = s->base_points_milli;
    if (!put_shares(&t, m) || !put_calibration(&t, m) || !score_settle(&t, in->policy))
        return STATUS_EXHAUSTED;
    score_sort(s);
    s->win_probability = m->probability;
    set_band(s, m);
    s->provenance->model_id = (char *)m->model_id;
    s->provenance->model_version = (char *)m->model_version;
    s->provenance->model_sha256 = (char *)m->model_sha256;
    *out = s;
    return STATUS_OK;
}

void score_as_prior(LeadScore *s)
{
    s->quality = ANSWER_QUALITY_COLD_START;
    if (s->n_disqualifications)
        return;
    s->band->low = s->band->low > PRIOR_BAND ? s->band->low - PRIOR_BAND : 0;
    s->band->high = s->band->high < 100 - PRIOR_BAND ? s->band->high + PRIOR_BAND : 100;
}

enum status score_adjust(struct arena *a, LeadScore *s, const QualificationPolicy *policy,
                         int32_t points, int32_t most)
{
    static const struct score_label label = {"ai_insight", SIGNAL_GROUP_AI, "",
                                             "what an AI model read in the texts"};
    struct score_tally t = {a, s, s->score * SCORE_MILLI};
    int64_t low = (int64_t)ceil(s->band->low), high = (int64_t)floor(s->band->high), to;
    LeadGrade before = s->grade;

    if (s->n_disqualifications)
        return STATUS_OK;
    to = s->score + clamp(points, -most, most);
    to = clamp(to, low < s->score ? low : s->score, high > s->score ? high : s->score);
    if (!score_put(&t, (struct score_amount){.milli = to * SCORE_MILLI - t.total_milli}, label))
        return STATUS_EXHAUSTED;
    score_place(s, policy, t.total_milli);
    score_sort(s);
    if (s->grade != before) /* it was the way out of another grade */
        s->nearest_flip = NULL;
    return STATUS_OK;
}
