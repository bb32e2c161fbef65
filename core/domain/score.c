/* Adding up: rows into groups, groups into caps, the total into 0..100, and every difference into a
 * contribution of its own. Integers in thousandths of a point all the way. */
#include "domain/score.h"

#include <assert.h>
#include <stdio.h>

#include "base/buf.h"
#include "domain/disqualify.h"
#include "domain/moment.h"
#include "domain/score_learned.h"
#include "domain/score_tally.h"
#include "domain/signal.h"

enum {
    BASE_MILLI = 20000,
    /* confidence, in thousandths: a start, then completeness, then evidence */
    CONFIDENCE_START = 150,
    CONFIDENCE_EVIDENCE = 300,
    EVIDENCE_FULL = 10,    /* activities in 90 days that count as full evidence */
    BAND_HALF_POINTS = 30, /* half width of the band at confidence 0 */
};

struct group {
    int least, most;
    const char *name, *words;
};

static const struct group groups[SIGNAL_GROUP_NEGATIVE + 1] = {
#define X(group, least, most, words) [SIGNAL_GROUP_##group] = {least, most, #group, words},
#include "domain/signal_group.def"
#undef X
};

/* One score in the making. */
struct tally {
    struct score_tally sum;
    struct scene scene;
    int64_t group_milli[SIGNAL_GROUP_NEGATIVE + 1];
    int weight_all;
};

size_t score_n_signals(void)
{
    size_t n;

    signal_rows(&n);
    return n;
}

static bool put(struct tally *t, int64_t milli, struct score_label label)
{
    return score_put(&t->sum, (struct score_amount){.milli = milli}, label);
}

static bool put_missing(struct tally *t, const struct signal *row)
{
    MissingInput *m;

    if (!row->weight || t->sum.out->n_missing_inputs == SCORE_MISSING_MAX)
        return true;
    if ((m = NEW(t->sum.arena, MissingInput, 1)) == NULL)
        return false;
    *m = (MissingInput)MISSING_INPUT_INIT;
    m->signal = (char *)row->name;
    m->field = (char *)row->field;
    m->confidence_gain = SCORE_CONFIDENCE_FIELDS * row->weight / (double)t->weight_all / 1000;
    t->sum.out->missing_inputs[t->sum.out->n_missing_inputs++] = m;
    return true;
}

static bool evaluate(struct tally *t)
{
    size_t n;
    const struct signal *rows = signal_rows(&n);

    for (size_t i = 0; i < n; i++)
        t->weight_all += rows[i].weight;
    for (size_t i = 0; i < n; i++) {
        const struct signal *row = &rows[i];
        struct signal_value v = row->eval(&t->scene, row);
        int64_t milli = (int64_t)row->points * v.share;
        const char *text = v.text;

        if (!v.known && !put_missing(t, row))
            return false;
        if (!v.known || !milli)
            continue;
        if (!text && (text = score_number_text(t->sum.arena, v.number, "")) == NULL)
            return false;
        if (!put(t, milli, (struct score_label){row->name, row->group, text, row->words}))
            return false;
        t->group_milli[row->group] += milli;
    }
    return true;
}

/* What a group has over its cap is taken back by a contribution of the same group. */
static bool cap_groups(struct tally *t)
{
    static const char *const names[SIGNAL_GROUP_NEGATIVE + 1] = {
#define X(group, least, most, words) [SIGNAL_GROUP_##group] = "cap_" #group,
#include "domain/signal_group.def"
#undef X
    };

    for (int g = SIGNAL_GROUP_FIRMOGRAPHIC; g <= SIGNAL_GROUP_NEGATIVE; g++) {
        int64_t sum = t->group_milli[g], most = groups[g].most * SCORE_MILLI,
                least = groups[g].least * SCORE_MILLI;
        int64_t allowed = sum > most ? most : sum < least ? least : sum;

        if (!put(t, allowed - sum,
                 (struct score_label){names[g], (SignalGroup)g, "", groups[g].words}))
            return false;
    }
    return true;
}

/* confidence = 0.15 + 0.55 * completeness + 0.30 * min(1, activities in 90 days / 10); a hard rule
 * is a fact: then 1. */
static int confidence_permille(const struct tally *t)
{
    int evidence = 0;

    if (t->sum.out->n_disqualifications)
        return 1000;
    if (t->scene.r) {
        uint32_t n = 0;

        for (int k = 0; k < ACTIVITY_KIND_N; k++)
            n += t->scene.r->n_kind[k][ROLLUP_90D];
        evidence = n >= EVIDENCE_FULL ? 1000 : (int)(n * 1000 / EVIDENCE_FULL);
    }
    return CONFIDENCE_START + SCORE_CONFIDENCE_FIELDS * t->scene.completeness_permille / 1000 +
           CONFIDENCE_EVIDENCE * evidence / 1000;
}

static bool put_band(struct tally *t)
{
    Interval *band = NEW(t->sum.arena, Interval, 1);
    int permille = confidence_permille(t);
    double half = BAND_HALF_POINTS * (1000 - permille) / 1000.0;

    if (!band)
        return false;
    *band = (Interval)INTERVAL_INIT;
    band->low = t->sum.out->score - half > 0 ? t->sum.out->score - half : 0;
    band->high = t->sum.out->score + half < 100 ? t->sum.out->score + half : 100;
    band->level = 0.8;
    t->sum.out->band = band;
    t->sum.out->confidence = permille / 1000.0;
    return true;
}

/* The missing field that alone could lift the score into the next grade with the fewest points to
 * spare; none when no single field can. */
static bool put_nearest_flip(struct tally *t)
{
    size_t n;
    const struct signal *rows = signal_rows(&n), *best = NULL;
    int64_t need, room;
    int32_t next = score_next_grade(t->sum.out->score);
    NearestFlip *f;

    if (next == 0 || t->sum.out->n_disqualifications)
        return true;
    need = (next - t->sum.out->score) * SCORE_MILLI;
    for (size_t i = 0; i < n; i++) {
        const struct signal *row = &rows[i];
        int64_t milli = (int64_t)row->points * SCORE_MILLI;

        room = groups[row->group].most * SCORE_MILLI - t->group_milli[row->group];
        if (!*row->field || row->eval(&t->scene, row).known || milli < need || room < need)
            continue;
        if (!best || row->points < best->points)
            best = row;
    }
    if (!best)
        return true;
    if ((f = NEW(t->sum.arena, NearestFlip, 1)) == NULL)
        return false;
    *f = (NearestFlip)NEAREST_FLIP_INIT;
    f->signal = (char *)best->name;
    f->from_text = (char *)"not known";
    f->to_text = (char *)"known, and as good as can be";
    f->lands_in = (char *)score_grade_name(score_grade(next));
    t->sum.out->nearest_flip = f;
    return true;
}

static bool put_provenance(struct tally *t, const char *sha256)
{
    Provenance *p = NEW(t->sum.arena, Provenance, 1);
    char text[SCORE_SHA256_BYTES + 1];

    if (!p)
        return false;
    if (!sha256) {
        score_rules_sha256(text);
        sha256 = arena_cstr(t->sum.arena, str_of(text));
    }
    *p = (Provenance)PROVENANCE_INIT;
    p->rule_set_version = (char *)SCORE_RULES_VERSION;
    p->rule_set_sha256 = (char *)sha256;
    t->sum.out->provenance = p;
    return sha256 != NULL;
}

static enum status begin(struct tally *t, struct arena *a, const struct score_input *in)
{
    LeadScore *s;

    *t = (struct tally){.weight_all = 0};
    TRY(score_tally_init(&t->sum, a, BASE_MILLI));
    s = t->sum.out;
    TRY(scene_set(&t->scene, a, in));
    return disqualify(a, &t->scene, s->disqualifications, &s->n_disqualifications);
}

enum status score_lead(struct arena *a, const struct score_input *in, LeadScore **out)
{
    struct tally t;
    LeadScore *s;

    assert(in->lead);
    assert(!in->activity || in->activity->as_of_us == in->as_of_us);
    *out = NULL;
    TRY(begin(&t, a, in));
    s = t.sum.out;
    s->as_of = moment_new(a, in->as_of_us);
    s->scored_at = moment_new(a, in->now_us);
    if (!s->as_of || !s->scored_at || !evaluate(&t) || !cap_groups(&t) ||
        !score_settle(&t.sum, in->policy))
        return STATUS_EXHAUSTED;
    s->quality = ANSWER_QUALITY_FULL;
    score_sort(s);
    if (!put_band(&t) || !put_nearest_flip(&t) || !put_provenance(&t, in->rules_sha256))
        return STATUS_EXHAUSTED;
    *out = s;
    return STATUS_OK;
}

LeadStatus score_status(const LeadScore *s, const QualificationPolicy *policy)
{
    int32_t least =
        policy && policy->qualify_min_score ? policy->qualify_min_score : SCORE_QUALIFY_MIN;

    if (s->n_disqualifications)
        return LEAD_STATUS_DISQUALIFIED;
    return s->score >= least ? LEAD_STATUS_QUALIFIED : LEAD_STATUS_NURTURE;
}

bool score_has_begun(const Lead *lead, int64_t as_of_us)
{
    int64_t born = moment_us(lead->created_at, moment_us(lead->create_time, INT64_MIN));

    return born <= as_of_us || born - as_of_us <= SCORE_AHEAD_US;
}

void score_rules_sha256(char out[SCORE_SHA256_BYTES + 1])
{
    unsigned char digest[SIGNAL_DIGEST_BYTES] = {0};
    char line[SIGNAL_LINE_BYTES];
    size_t n;
    const struct signal *rows = signal_rows(&n);

    snprintf(line, sizeof line, "%s base %d confidence %d %d %d %d band %d points %d %d %d",
             SCORE_RULES_VERSION, BASE_MILLI, CONFIDENCE_START, SCORE_CONFIDENCE_FIELDS,
             CONFIDENCE_EVIDENCE, EVIDENCE_FULL, BAND_HALF_POINTS, SCORE_ANCHOR_POINTS,
             SCORE_DOUBLE_POINTS, SCORE_MISSING_POINTS);
    signal_digest(digest, str_of(line));
    for (size_t i = 0; disqualify_row(i).n; i++)
        signal_digest(digest, disqualify_row(i));
    for (int g = SIGNAL_GROUP_FIRMOGRAPHIC; g <= SIGNAL_GROUP_NEGATIVE; g++) {
        snprintf(line, sizeof line, "%s %d %d", groups[g].name, groups[g].least, groups[g].most);
        signal_digest(digest, str_of(line));
    }
    for (size_t i = 0; i < n; i++) {
        snprintf(line, sizeof line, "%s %d %d %d %s %s %s %s", rows[i].name, (int)rows[i].group,
                 rows[i].points, rows[i].weight, rows[i].field, rows[i].source, rows[i].text,
                 rows[i].words);
        signal_digest(digest, str_of(line));
    }
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}
