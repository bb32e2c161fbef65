/* Scores of random leads by rules and by models, with answers of AI that go too far: what must
 * hold for each of them. */
#include <criterion/criterion.h>
#include <math.h>
#include <time.h>

#include "domain/score_learned.h"
#include "schema/wire.h"
#include "workflow/lead_maker.h"

enum { LEADS = 1500, MODELS = 2, ROWS = 1500, POINTS_TIMED = 300 };

static struct arena arena;
static struct model_use *uses[MODELS + 1]; /* [0]: none */

static void setup(void)
{
    arena_init(&arena, (size_t)1 << 30);
    for (size_t i = 1; i <= MODELS; i++)
        uses[i] = lead_model_made(&arena, 40 + i, ROWS);
}

static void teardown(void)
{
    arena_release(&arena);
}

TestSuite(lead_score, .init = setup, .fini = teardown, .timeout = 240);

/* One made lead, scored. */
struct scored_case {
    struct call call;
    LeadScoreStart *start;
    const struct model_use *use;
    struct lead_scored out;
};

static void score_case(struct scored_case *k, uint64_t i, const struct model_use *use)
{
    call_init(&k->call, NULL, 64 << 20);
    k->use = use;
    k->start = lead_made(&k->call.arena, 7, i);
    k->start->anchor_micro = use ? lead_score_anchor(use) : 0;
    cr_assert_eq(
        lead_score(&k->call,
                   &(struct lead_scoring){.start = k->start, .use = use, .decision_id = ""},
                   &k->out),
        STATUS_OK, "%s", k->call.fault.why);
}

static void check_sums(const struct scored_case *k)
{
    const LeadScore *s = k->out.score;
    int64_t milli = s->base_points_milli, micro = s->base_log_odds_micro;

    cr_assert_leq(s->n_contributions, 256);
    for (size_t i = 0; i < s->n_contributions; i++) {
        const Contribution *c = s->contributions[i];

        milli += c->points_milli;
        micro += c->log_odds_micro;
        cr_assert(*c->reason, "%s", c->signal);
        cr_assert_neq(c->group, SIGNAL_GROUP_UNSPECIFIED, "%s", c->signal);
        cr_assert(i == 0 || llabs(s->contributions[i - 1]->points_milli) >= llabs(c->points_milli));
    }
    cr_assert_eq(milli, 1000 * (int64_t)s->score);
    if (k->use)
        cr_assert_float_eq(s->win_probability, model_probability(micro), 1e-15);
    else
        cr_assert_eq(micro, 0);
}

static const Contribution *find(const LeadScore *s, const char *signal)
{
    for (size_t i = 0; i < s->n_contributions; i++)
        if (strcmp(s->contributions[i]->signal, signal) == 0)
            return s->contributions[i];
    return NULL;
}

static void check_place(const struct scored_case *k)
{
    const LeadScore *s = k->out.score;
    const QualificationPolicy *p = k->start->policy;
    int32_t premium = p && p->premium_min_score ? p->premium_min_score : 80;
    const Contribution *ai = find(s, "ai_insight");

    cr_assert(s->score >= 0 && s->score <= 100);
    cr_assert(s->confidence >= 0 && s->confidence <= 1, "%g", s->confidence);
    cr_assert(s->band->low <= s->score && s->score <= s->band->high);
    cr_assert_eq(s->grade, score_grade(s->score));
    if (s->n_disqualifications) {
        cr_assert_eq(s->score, 0);
        cr_assert_eq(s->routing, LEAD_ROUTING_UNSPECIFIED);
        cr_assert_null(ai);
        cr_assert_null(s->nearest_flip);
        return;
    }
    cr_assert_eq(s->routing, s->score >= premium ? LEAD_ROUTING_PREMIUM : LEAD_ROUTING_NURTURE);
    if (ai)
        cr_assert_leq(llabs(ai->points_milli), 1000 * LEAD_SCORE_ADJUSTMENT_MAX);
    cr_assert_eq(s->quality == ANSWER_QUALITY_COLD_START, k->use == NULL);
}

/* Whatever the lead, the model and the AI. */
Test(lead_score, adds_up_and_is_never_talked_out_of_a_hard_rule)
{
    size_t n_hard = 0, n_ai = 0, n_flips = 0, n_rests = 0;

    for (uint64_t i = 0; i < LEADS; i++) {
        struct scored_case k;

        score_case(&k, i, uses[i % (MODELS + 1)]);
        check_sums(&k);
        check_place(&k);
        n_hard += k.out.score->n_disqualifications > 0;
        n_ai += find(k.out.score, "ai_insight") != NULL;
        n_flips += k.use && k.out.score->nearest_flip;
        n_rests += find(k.out.score, "rest_CUSTOM") != NULL;
        call_release(&k.call);
    }
    cr_assert(n_hard > 50 && n_hard < LEADS / 2, "%zu", n_hard);
    cr_assert_gt(n_ai, 100, "%zu", n_ai);
    cr_assert_gt(n_flips, 100, "%zu", n_flips);
    cr_assert_gt(n_rests, 10, "%zu", n_rests);
}

/* From the stored bytes of the start, as a replay reads it. */
Test(lead_score, of_a_stored_start_is_the_same_bytes)
{
    for (uint64_t i = 0; i < 300; i++) {
        struct scored_case k;
        struct lead_scored again;
        ProtobufCMessage *start;
        str stored, first, second;

        score_case(&k, i, uses[i % (MODELS + 1)]);
        cr_assert(wire_pack(&k.call.arena, &k.start->base, &stored));
        cr_assert(wire_pack(&k.call.arena, &k.out.score->base, &first));
        cr_assert_eq(wire_unpack(&k.call, &k.call.arena,
                                 &internal__v1__lead_score_start__descriptor, stored, &start),
                     STATUS_OK, "%s", k.call.fault.why);
        cr_assert_eq(lead_score(&k.call,
                                &(struct lead_scoring){.start = (LeadScoreStart *)start,
                                                       .use = k.use,
                                                       .decision_id = ""},
                                &again),
                     STATUS_OK);
        cr_assert(wire_pack(&k.call.arena, &again.score->base, &second));
        cr_assert(str_eq(first, second), "lead %d", (int)i);
        call_release(&k.call);
    }
}

/* What the flip promises comes true when the signal is changed: here, for seniority. */
Test(lead_score, lands_where_the_flip_says)
{
    size_t n = 0;

    for (uint64_t i = 0; i < LEADS; i++) {
        struct scored_case k;
        struct lead_scored other;
        const NearestFlip *f;

        score_case(&k, i, uses[1]);
        f = k.out.score->nearest_flip;
        if (f && strcmp(f->signal, "employee_band") == 0 && k.start->lead->company) {
            k.start->lead->company->employees = atoi(f->to_text);
            cr_assert_eq(lead_score(&k.call,
                                    &(struct lead_scoring){
                                        .start = k.start, .use = k.use, .decision_id = ""},
                                    &other),
                         STATUS_OK);
            n += other.score->n_disqualifications == 0 && other.score->grade != k.out.score->grade;
        }
        call_release(&k.call);
    }
    cr_assert_gt(n, 5, "%zu", n);
}

Test(lead_score, rounds_shares_of_log_odds_alike_in_both_directions)
{
    static const struct {
        int64_t micro, milli;
    } rows[] = {{0, 0},
                {693147, 10000},
                {-693147, -10000},
                {35, 1},
                {-35, -1},
                {34, 0},
                {1000000, 14427},
                {INT64_MAX, 14426950000},
                {INT64_MIN + 1, -14426950000}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_assert_eq(score_milli_of(rows[i].micro), rows[i].milli, "%lld: %lld",
                     (long long)rows[i].micro, (long long)score_milli_of(rows[i].micro));
}

Test(lead_score, by_a_model_takes_under_a_millisecond)
{
    struct timespec from, to;
    double us;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    for (uint64_t i = 0; i < POINTS_TIMED; i++) {
        struct scored_case k;

        score_case(&k, i, uses[1]);
        call_release(&k.call);
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    us = ((double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_nsec - from.tv_nsec) / 1e3) /
         POINTS_TIMED;
    cr_log_info("%.0f us per lead, making it included", us);
    cr_assert_lt(us, 3000); /* builds without optimisation and busy machines pass, too */
}
