/* Adding up: rows into groups, groups into caps, the total into 0..100, and every difference into a
 * contribution of its own. Integers in thousandths of a point all the way. */
#include "domain/score.h"

#include <assert.h>
#include <stdio.h>

#include "base/buf.h"
#include "domain/disqualify.h"
#include "domain/moment.h"
#include "domain/signal.h"

#define MILLI INT64_C(1000) /* thousandths of a point in a point */

enum {
    BASE_MILLI = 20000,
    CONTRIBUTIONS_MAX = 192,
    MISSING_MAX = 64,
    GRADES = 5,
    /* confidence, in thousandths: a start, then completeness, then evidence */
    CONFIDENCE_START = 150,
    CONFIDENCE_FIELDS = 550,
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

static const struct {
    int32_t least;
    LeadGrade grade;
    const char *name;
} grades[GRADES] = {{80, LEAD_GRADE_A, "grade A"},
                    {65, LEAD_GRADE_B, "grade B"},
                    {50, LEAD_GRADE_C, "grade C"},
                    {35, LEAD_GRADE_D, "grade D"},
                    {0, LEAD_GRADE_F, "grade F"}};

/* One score in the making. */
struct tally {
    struct arena *arena;
    struct scene scene;
    LeadScore *out;
    int64_t group_milli[SIGNAL_GROUP_NEGATIVE + 1];
    int64_t total_milli;
    int weight_all;
};

size_t score_n_signals(void)
{
    size_t n;

    signal_rows(&n);
    return n;
}

LeadGrade score_grade(int32_t score)
{
    for (size_t i = 0; i < GRADES; i++)
        if (score >= grades[i].least)
            return grades[i].grade;
    return LEAD_GRADE_F;
}

/* What a contribution says beside its points. */
struct label {
    const char *signal;
    SignalGroup group;
    const char *value, *words;
};

static bool put(struct tally *t, int64_t milli, struct label label)
{
    Contribution *c;

    if (!milli)
        return true;
    assert(t->out->n_contributions < CONTRIBUTIONS_MAX);
    if ((c = NEW(t->arena, Contribution, 1)) == NULL)
        return false;
    *c = (Contribution)CONTRIBUTION_INIT;
    c->signal = (char *)label.signal;
    c->group = label.group;
    c->points_milli = milli;
    c->value_text = (char *)label.value;
    c->reason = (char *)label.words;
    t->out->contributions[t->out->n_contributions++] = c;
    t->total_milli += milli;
    return true;
}

static bool put_missing(struct tally *t, const struct signal *row)
{
    MissingInput *m;

    if (!row->weight || t->out->n_missing_inputs == MISSING_MAX)
        return true;
    if ((m = NEW(t->arena, MissingInput, 1)) == NULL)
        return false;
    *m = (MissingInput)MISSING_INPUT_INIT;
    m->signal = (char *)row->name;
    m->field = (char *)row->field;
    m->confidence_gain = CONFIDENCE_FIELDS * row->weight / (double)t->weight_all / 1000;
    t->out->missing_inputs[t->out->n_missing_inputs++] = m;
    return true;
}

/* The number as people read it; NULL: the arena is full. */
static const char *number_text(struct arena *a, double number)
{
    if (number == (double)(int64_t)number)
        return arena_printf(a, "%lld", (long long)number);
    return arena_printf(a, "%.2f", number);
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
        if (!text && (text = number_text(t->arena, v.number)) == NULL)
            return false;
        if (!put(t, milli, (struct label){row->name, row->group, text, row->words}))
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
        int64_t sum = t->group_milli[g], most = groups[g].most * MILLI,
                least = groups[g].least * MILLI;
        int64_t allowed = sum > most ? most : sum < least ? least : sum;

        if (!put(t, allowed - sum, (struct label){names[g], (SignalGroup)g, "", groups[g].words}))
            return false;
    }
    return true;
}

/* Brings the total to a whole number of 0 to 100 points. */
static bool settle_total(struct tally *t)
{
    static const struct label floor = {"floor", SIGNAL_GROUP_ROUNDING, "", "a score is at least 0"};
    static const struct label ceiling = {"ceiling", SIGNAL_GROUP_ROUNDING, "",
                                         "a score is at most 100"};
    static const struct label rounding = {"rounding", SIGNAL_GROUP_ROUNDING, "",
                                          "a score is a whole number"};
    static const struct label disqualified = {"disqualified", SIGNAL_GROUP_NEGATIVE, "",
                                              "a hard rule says no"};
    int64_t whole;

    if (t->total_milli < 0 && !put(t, -t->total_milli, floor))
        return false;
    if (t->total_milli > 100 * MILLI && !put(t, 100 * MILLI - t->total_milli, ceiling))
        return false;
    whole = (t->total_milli + MILLI / 2) / MILLI;
    if (!put(t, whole * MILLI - t->total_milli, rounding))
        return false;
    if (t->out->n_disqualifications && !put(t, -t->total_milli, disqualified))
        return false;
    assert(t->total_milli % MILLI == 0);
    t->out->score = (int32_t)(t->total_milli / MILLI);
    return true;
}

/* Largest first; equal ones stay in the order of the table. */
static void sort_contributions(LeadScore *s)
{
    for (size_t i = 1; i < s->n_contributions; i++) {
        Contribution *c = s->contributions[i];
        int64_t size = c->points_milli < 0 ? -c->points_milli : c->points_milli;
        size_t to = i;

        for (; to > 0; to--) {
            int64_t other = s->contributions[to - 1]->points_milli;

            if ((other < 0 ? -other : other) >= size)
                break;
            s->contributions[to] = s->contributions[to - 1];
        }
        s->contributions[to] = c;
    }
}

/* confidence = 0.15 + 0.55 * completeness + 0.30 * min(1, activities in 90 days / 10); a hard rule
 * is a fact: then 1. */
static int confidence_permille(const struct tally *t)
{
    int evidence = 0;

    if (t->out->n_disqualifications)
        return 1000;
    if (t->scene.r) {
        uint32_t n = 0;

        for (int k = 0; k < ACTIVITY_KIND_N; k++)
            n += t->scene.r->n_kind[k][ROLLUP_90D];
        evidence = n >= EVIDENCE_FULL ? 1000 : (int)(n * 1000 / EVIDENCE_FULL);
    }
    return CONFIDENCE_START + CONFIDENCE_FIELDS * t->scene.completeness_permille / 1000 +
           CONFIDENCE_EVIDENCE * evidence / 1000;
}

static bool put_band(struct tally *t)
{
    Interval *band = NEW(t->arena, Interval, 1);
    int permille = confidence_permille(t);
    double half = BAND_HALF_POINTS * (1000 - permille) / 1000.0;

    if (!band)
        return false;
    *band = (Interval)INTERVAL_INIT;
    band->low = t->out->score - half > 0 ? t->out->score - half : 0;
    band->high = t->out->score + half < 100 ? t->out->score + half : 100;
    band->level = 0.8;
    t->out->band = band;
    t->out->confidence = permille / 1000.0;
    return true;
}

/* The missing field that alone could lift the score into the next grade with the fewest points to
 * spare; none when no single field can. */
static bool put_nearest_flip(struct tally *t)
{
    size_t n, next = 0;
    const struct signal *rows = signal_rows(&n), *best = NULL;
    int64_t need, room;
    NearestFlip *f;

    while (next + 1 < GRADES && t->out->score < grades[next].least)
        next++;
    if (next == 0 || t->out->n_disqualifications)
        return true;
    next--; /* the grade above */
    need = (grades[next].least - t->out->score) * MILLI;
    for (size_t i = 0; i < n; i++) {
        const struct signal *row = &rows[i];
        int64_t milli = (int64_t)row->points * MILLI;

        room = groups[row->group].most * MILLI - t->group_milli[row->group];
        if (!*row->field || row->eval(&t->scene, row).known || milli < need || room < need)
            continue;
        if (!best || row->points < best->points)
            best = row;
    }
    if (!best)
        return true;
    if ((f = NEW(t->arena, NearestFlip, 1)) == NULL)
        return false;
    *f = (NearestFlip)NEAREST_FLIP_INIT;
    f->signal = (char *)best->name;
    f->from_text = (char *)"not known";
    f->to_text = (char *)"known, and as good as can be";
    f->lands_in = (char *)grades[next].name;
    t->out->nearest_flip = f;
    return true;
}

static bool put_provenance(struct tally *t, const char *sha256)
{
    Provenance *p = NEW(t->arena, Provenance, 1);
    char text[SCORE_SHA256_BYTES + 1];

    if (!p)
        return false;
    if (!sha256) {
        score_rules_sha256(text);
        sha256 = arena_cstr(t->arena, str_of(text));
    }
    *p = (Provenance)PROVENANCE_INIT;
    p->rule_set_version = (char *)SCORE_RULES_VERSION;
    p->rule_set_sha256 = (char *)sha256;
    t->out->provenance = p;
    return sha256 != NULL;
}

static enum status begin(struct tally *t, struct arena *a, const struct score_input *in)
{
    *t = (struct tally){.arena = a, .out = NEW(a, LeadScore, 1)};
    if (!t->out)
        return STATUS_EXHAUSTED;
    *t->out = (LeadScore)LEAD_SCORE_INIT;
    t->out->contributions = NEW(a, Contribution *, CONTRIBUTIONS_MAX);
    t->out->missing_inputs = NEW(a, MissingInput *, MISSING_MAX);
    t->out->disqualifications = NEW(a, Disqualification *, DISQUALIFICATIONS_MAX);
    if (!t->out->contributions || !t->out->missing_inputs || !t->out->disqualifications)
        return STATUS_EXHAUSTED;
    t->out->base_points_milli = BASE_MILLI;
    t->total_milli = BASE_MILLI;
    TRY(scene_set(&t->scene, a, in));
    return disqualify(a, &t->scene, t->out->disqualifications, &t->out->n_disqualifications);
}

static LeadRouting routing_of(const LeadScore *s, const QualificationPolicy *p)
{
    if (s->n_disqualifications)
        return LEAD_ROUTING_UNSPECIFIED;
    return s->score >= (p->premium_min_score ? p->premium_min_score : SCORE_PREMIUM_MIN)
               ? LEAD_ROUTING_PREMIUM
               : LEAD_ROUTING_NURTURE;
}

enum status score_lead(struct arena *a, const struct score_input *in, LeadScore **out)
{
    struct tally t;

    assert(in->lead);
    assert(!in->activity || in->activity->as_of_us == in->as_of_us);
    *out = NULL;
    TRY(begin(&t, a, in));
    t.out->as_of = moment_new(a, in->as_of_us);
    t.out->scored_at = moment_new(a, in->now_us);
    if (!t.out->as_of || !t.out->scored_at || !evaluate(&t) || !cap_groups(&t) || !settle_total(&t))
        return STATUS_EXHAUSTED;
    t.out->grade = score_grade(t.out->score);
    t.out->routing = routing_of(t.out, t.scene.policy);
    t.out->quality = ANSWER_QUALITY_FULL;
    sort_contributions(t.out);
    if (!put_band(&t) || !put_nearest_flip(&t) || !put_provenance(&t, in->rules_sha256))
        return STATUS_EXHAUSTED;
    *out = t.out;
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

    snprintf(line, sizeof line, "%s base %d confidence %d %d %d %d band %d", SCORE_RULES_VERSION,
             BASE_MILLI, CONFIDENCE_START, CONFIDENCE_FIELDS, CONFIDENCE_EVIDENCE, EVIDENCE_FULL,
             BAND_HALF_POINTS);
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
