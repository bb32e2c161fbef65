#include "workflow/training_judge.h"

#include <assert.h>
#include <stdio.h>

#include "model/numeric.h"

const char judge_rule[] =
    "The smaller mean log loss on validation cases comes into use; of equals the model in use "
    "stays. Cases that the model in use learned from do not count where there are 100 newer ones. "
    "It must beat the rate of the training cases. What comes into use is fitted once more on "
    "training and validation cases together.";

/* Validation cases with what both models say of them. */
struct bench {
    double *mine, *theirs; /* [n]; theirs NULL: there is nobody */
    uint8_t *label;
    int64_t *time_us;
    size_t n;
};

static enum status set_up(struct bench *b, struct arena *a, const struct learned *l,
                          const struct frame *f)
{
    *b = (struct bench){.n = l->n_validation};
    b->mine = NEW(a, double, b->n + 1);
    b->label = NEW(a, uint8_t, b->n + 1);
    b->time_us = NEW(a, int64_t, b->n + 1);
    if (!b->mine || !b->label || !b->time_us)
        return STATUS_EXHAUSTED;
    for (size_t i = 0; i < b->n; i++) {
        const struct frame_row *row = &f->row[l->validation_row[i]];

        b->mine[i] = l->validation_p[i];
        b->label[i] = row->label;
        b->time_us[i] = row->time_us;
    }
    return STATUS_OK;
}

static enum status ask_champion(struct bench *b, struct arena *a, const struct learned *l,
                                const struct frame *f, const struct model *model)
{
    struct model_view v;

    if ((b->theirs = NEW(a, double, b->n + 1)) == NULL)
        return STATUS_EXHAUSTED;
    TRY(model_view(&v, a, model, f));
    for (size_t i = 0; i < b->n; i++)
        b->theirs[i] = model_probability(model_total_micro(&v, l->validation_row[i]));
    return STATUS_OK;
}

/* Only those at or after this instant, where they are enough to judge by. */
static bool keep_newer(struct bench *b, int64_t from_us)
{
    size_t n = 0, n_positive = 0;

    for (size_t i = 0; i < b->n; i++) {
        n += b->time_us[i] >= from_us;
        n_positive += b->time_us[i] >= from_us && b->label[i];
    }
    if (n < JUDGE_NEWER_LEAST || n_positive < JUDGE_OUTCOMES_LEAST ||
        n - n_positive < JUDGE_OUTCOMES_LEAST)
        return false;
    n = 0;
    for (size_t i = 0; i < b->n; i++) {
        if (b->time_us[i] < from_us)
            continue;
        b->mine[n] = b->mine[i];
        b->theirs[n] = b->theirs[i];
        b->label[n++] = b->label[i];
    }
    b->n = n;
    return true;
}

/* Log loss of saying the rate of the training cases of every validation case. */
static double rate_loss(const struct learned *l, const struct bench *b)
{
    uint64_t n_positive = 0, n_rest = l->n_rows - b->n;
    double p;

    for (size_t i = 0; i < b->n; i++)
        n_positive += b->label[i];
    p = ((double)(l->n_positive - n_positive) + 0.5) / ((double)n_rest + 1);
    return -((double)n_positive * numeric_log(p) +
             (double)(b->n - n_positive) * numeric_log(1 - p)) /
           (double)b->n;
}

static void decide(struct judgement *out, ModelState state, const char *text)
{
    out->state = state;
    snprintf(out->reason, sizeof out->reason, "%s", text);
}

static enum status compare(struct judgement *out, struct arena *a, struct bench *b,
                           const struct judge_champion *champion)
{
    struct measures mine, theirs;
    bool is_newer = keep_newer(b, champion->until_us);
    char text[JUDGE_REASON_BYTES + 1];

    TRY(measure(&mine, a, &(struct measure_data){b->mine, b->label, b->n}));
    TRY(measure(&theirs, a, &(struct measure_data){b->theirs, b->label, b->n}));
    snprintf(text, sizeof text, "log loss %.4f against %.4f of version %s on %zu %s: %s",
             mine.log_loss, theirs.log_loss, champion->use->version, b->n,
             is_newer ? "cases that neither has seen"
                      : "cases, too few of them newer than what the model in use learned from",
             mine.log_loss < theirs.log_loss ? "better" : "not better");
    decide(out, mine.log_loss < theirs.log_loss ? MODEL_STATE_ACTIVE : MODEL_STATE_REJECTED, text);
    return STATUS_OK;
}

enum status training_judge(struct judgement *out, struct arena *a, const struct learned *learned,
                           const struct frame *f, const struct judge_champion *champion)
{
    double mine = learned->candidate[learned->chosen].validation.log_loss, rate;
    char text[JUDGE_REASON_BYTES + 1];
    struct bench b;

    assert(learned->verdict == LEARN_LEARNED);
    *out = (struct judgement){.state = MODEL_STATE_REJECTED};
    TRY(set_up(&b, a, learned, f));
    rate = rate_loss(learned, &b);
    snprintf(text, sizeof text, "log loss %.4f against %.4f of the rate alone on %zu cases", mine,
             rate, b.n);
    decide(out, mine < rate ? MODEL_STATE_ACTIVE : MODEL_STATE_REJECTED, text);
    if (!champion->use)
        return STATUS_OK;
    TRY(ask_champion(&b, a, learned, f, champion->use->model));
    TRY(measure(&out->previous, a, &(struct measure_data){b.theirs, b.label, b.n}));
    out->has_previous = true;
    if (out->state == MODEL_STATE_REJECTED)
        return STATUS_OK;
    if (model_use_fits(champion->use))
        return compare(out, a, &b, champion);
    snprintf(text + strlen(text), sizeof text - strlen(text),
             "; the model in use is of another catalogue of signals");
    decide(out, MODEL_STATE_ACTIVE, text);
    return STATUS_OK;
}
