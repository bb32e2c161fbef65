#include "workflow/lead_score.h"

#include <pthread.h>

#include "domain/score_learned.h"
#include "model/numeric.h"
#include "workflow/lead_model.h"

enum { SCRATCH_BYTES = 16 << 20 }; /* 1024 columns, their texts and the model's encoding of them */

static const double EVEN = 0.5, PRIOR_AT_50 = 0.1, PRIOR_DOUBLE_POINTS = 20;
static const double LN_2 = 0.69314718055994530942;

static char rules_sha256[SCORE_SHA256_BYTES + 1];
static pthread_once_t rules_once = PTHREAD_ONCE_INIT;

static void hash_rules(void)
{
    score_rules_sha256(rules_sha256);
}

const char *lead_score_rules_sha256(void)
{
    pthread_once(&rules_once, hash_rules);
    return rules_sha256;
}

int64_t lead_score_anchor(const struct model_use *use)
{
    return lead_model_micro(use->base_rate > 0 && use->base_rate < 1 ? use->base_rate : EVEN);
}

/* One score in the making. */
struct scoring {
    struct arena *arena;
    const struct lead_scoring *in;
    struct score_input input;
    struct lead_scored *out;
    struct lead_model model;
    struct arena scratch;
};

/* What AI said: its points, which cannot leave the band, and its text. */
static enum status take_insight(struct scoring *k)
{
    const InsightAnswer *i = k->in->start->insight;
    LeadScore *s = k->out->score;

    if (!i)
        return STATUS_OK;
    s->insight = i->text;
    if (i->quality == ANSWER_QUALITY_DEGRADED && s->quality == ANSWER_QUALITY_FULL)
        s->quality = ANSWER_QUALITY_DEGRADED;
    s->provenance->prompt_id = i->prompt_id;
    s->provenance->prompt_version = i->prompt_version;
    s->provenance->prompt_sha256 = i->prompt_sha256;
    s->provenance->ai_model = i->ai_model;
    return score_adjust(k->arena, s, k->input.policy, i->adjustment, LEAD_SCORE_ADJUSTMENT_MAX);
}

/* The prior curve: 1 in 10 at 50 points, and 20 points double the odds. */
static double prior_of(int32_t score)
{
    return numeric_sigmoid(numeric_logit(PRIOR_AT_50) + (score - 50) * LN_2 / PRIOR_DOUBLE_POINTS);
}

static enum status by_rules(struct scoring *k)
{
    TRY(score_lead(k->arena, &k->input, &k->out->score));
    score_as_prior(k->out->score);
    if (!k->out->score->n_disqualifications)
        k->out->score->win_probability = prior_of(k->out->score->score);
    return take_insight(k);
}

static enum status by_model(struct scoring *k)
{
    struct lead_model *m = &k->model;

    m->use = k->in->use;
    m->vector = &k->out->vector;
    m->scratch = &k->scratch;
    TRY(lead_model_predict(m));
    m->anchor_micro = k->in->start->anchor_micro;
    TRY(lead_model_score(m, k->arena, &k->input, &k->out->score));
    TRY(take_insight(k));
    return lead_model_flip(m, k->arena, k->out->score);
}

static enum status read_start(struct call *c, struct scoring *k)
{
    struct refusal why;

    if (lead_start_read(k->arena, k->in->start, &k->input) != STATUS_OK)
        return call_nomem(c);
    k->input.rules_sha256 = lead_score_rules_sha256();
    switch ((int)feature_vector_make(k->arena, &k->input, &k->out->vector, &why)) {
    case STATUS_OK: return STATUS_OK;
    case STATUS_INVALID:
        return call_fail_as(c, STATUS_INVALID, "VALIDATION", "there was no such lead at that time");
    default: return call_nomem(c);
    }
}

enum status lead_score(struct call *c, const struct lead_scoring *in, struct lead_scored *out)
{
    struct scoring k = {.arena = &c->arena, .in = in, .out = out};
    enum status s;

    *out = (struct lead_scored){.score = NULL};
    TRY(read_start(c, &k));
    arena_init(&k.scratch, SCRATCH_BYTES);
    s = in->use ? by_model(&k) : by_rules(&k);
    arena_release(&k.scratch);
    if (s != STATUS_OK)
        return call_nomem(c);
    out->score->decision_id = (char *)in->decision_id;
    return STATUS_OK;
}
