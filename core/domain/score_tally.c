#include "domain/score_tally.h"

#include <assert.h>
#include <stdlib.h>

#include "domain/disqualify.h"

enum { GRADES = 5 };

static const struct {
    int32_t least;
    LeadGrade grade;
    const char *name;
} grades[GRADES] = {{80, LEAD_GRADE_A, "grade A"},
                    {65, LEAD_GRADE_B, "grade B"},
                    {50, LEAD_GRADE_C, "grade C"},
                    {35, LEAD_GRADE_D, "grade D"},
                    {0, LEAD_GRADE_F, "grade F"}};

LeadGrade score_grade(int32_t score)
{
    for (size_t i = 0; i < GRADES; i++)
        if (score >= grades[i].least)
            return grades[i].grade;
    return LEAD_GRADE_F;
}

const char *score_grade_name(LeadGrade grade)
{
    for (size_t i = 0; i < GRADES; i++)
        if (grades[i].grade == grade)
            return grades[i].name;
    return "";
}

int32_t score_next_grade(int32_t score)
{
    for (size_t i = GRADES; i-- > 0;)
        if (score < grades[i].least)
            return grades[i].least;
    return 0;
}

const char *score_number_text(struct arena *a, double number, const char *unit)
{
    const char *gap = *unit ? " " : "";

    if (number == (double)(int64_t)number)
        return arena_printf(a, "%lld%s%s", (long long)number, gap, unit);
    return arena_printf(a, "%.2f%s%s", number, gap, unit);
}

enum status score_tally_init(struct score_tally *t, struct arena *a, int64_t base_milli)
{
    *t = (struct score_tally){.arena = a, .out = NEW(a, LeadScore, 1), .total_milli = base_milli};
    if (!t->out)
        return STATUS_EXHAUSTED;
    *t->out = (LeadScore)LEAD_SCORE_INIT;
    t->out->contributions = NEW(a, Contribution *, SCORE_CONTRIBUTIONS_MAX);
    t->out->missing_inputs = NEW(a, MissingInput *, SCORE_MISSING_MAX);
    t->out->disqualifications = NEW(a, Disqualification *, DISQUALIFICATIONS_MAX);
    if (!t->out->contributions || !t->out->missing_inputs || !t->out->disqualifications)
        return STATUS_EXHAUSTED;
    t->out->base_points_milli = base_milli;
    return STATUS_OK;
}

bool score_put(struct score_tally *t, struct score_amount amount, struct score_label label)
{
    Contribution *c;

    if (!amount.milli && !amount.micro)
        return true;
    assert(t->out->n_contributions < SCORE_CONTRIBUTIONS_MAX);
    if ((c = NEW(t->arena, Contribution, 1)) == NULL)
        return false;
    *c = (Contribution)CONTRIBUTION_INIT;
    c->signal = (char *)label.signal;
    c->group = label.group;
    c->points_milli = amount.milli;
    c->log_odds_micro = amount.micro;
    c->value_text = (char *)label.value;
    c->reason = (char *)label.words;
    t->out->contributions[t->out->n_contributions++] = c;
    t->total_milli += amount.milli;
    return true;
}

static bool put_points(struct score_tally *t, int64_t milli, struct score_label label)
{
    return score_put(t, (struct score_amount){.milli = milli}, label);
}

static LeadRouting routing_of(const LeadScore *s, const QualificationPolicy *p)
{
    if (s->n_disqualifications)
        return LEAD_ROUTING_UNSPECIFIED;
    return s->score >= (p && p->premium_min_score ? p->premium_min_score : SCORE_PREMIUM_MIN)
               ? LEAD_ROUTING_PREMIUM
               : LEAD_ROUTING_NURTURE;
}

void score_place(LeadScore *s, const QualificationPolicy *policy, int64_t total_milli)
{
    assert(total_milli % SCORE_MILLI == 0);
    s->score = (int32_t)(total_milli / SCORE_MILLI);
    s->grade = score_grade(s->score);
    s->routing = routing_of(s, policy);
}

bool score_settle(struct score_tally *t, const QualificationPolicy *policy)
{
    static const struct score_label floor = {"floor", SIGNAL_GROUP_ROUNDING, "",
                                             "a score is at least 0"};
    static const struct score_label ceiling = {"ceiling", SIGNAL_GROUP_ROUNDING, "",
                                               "a score is at most 100"};
    static const struct score_label rounding = {"rounding", SIGNAL_GROUP_ROUNDING, "",
                                                "a score is a whole number"};
    static const struct score_label disqualified = {"disqualified", SIGNAL_GROUP_NEGATIVE, "",
                                                    "a hard rule says no"};
    int64_t whole;

    if (t->total_milli < 0 && !put_points(t, -t->total_milli, floor))
        return false;
    if (t->total_milli > 100 * SCORE_MILLI &&
        !put_points(t, 100 * SCORE_MILLI - t->total_milli, ceiling))
        return false;
    whole = (t->total_milli + SCORE_MILLI / 2) / SCORE_MILLI;
    if (!put_points(t, whole * SCORE_MILLI - t->total_milli, rounding))
        return false;
    if (t->out->n_disqualifications && !put_points(t, -t->total_milli, disqualified))
        return false;
    score_place(t->out, policy, t->total_milli);
    return true;
}

void score_sort(LeadScore *s)
{
    for (size_t i = 1; i < s->n_contributions; i++) {
        Contribution *c = s->contributions[i];
        size_t to = i;

        for (; to > 0; to--) {
            if (llabs(s->contributions[to - 1]->points_milli) >= llabs(c->points_milli))
                break;
            s->contributions[to] = s->contributions[to - 1];
        }
        s->contributions[to] = c;
    }
}
