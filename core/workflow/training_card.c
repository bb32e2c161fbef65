/* Figures from core/model, words from the tables there, lists cut to what the contract allows. */
#include "workflow/training_card.h"

#include <math.h>
#include <stdio.h>

#include "agent/decision.h"
#include "agent/instant.h"
#include "base/buf.h"

enum {
    SIGNAL_CHARS = 80,
    IMPORTANCE_MAX = 500,
    RECENT_LEAST = 50, /* open leads from which on drift means something */
    CAVEAT_BYTES = 500,
};

static enum status put_metrics(struct call *c, const struct measures *m, ModelMetrics **out)
{
    if ((*out = NEW(&c->arena, ModelMetrics, 1)) == NULL)
        return call_nomem(c);
    **out = (ModelMetrics)MODEL_METRICS_INIT;
    (*out)->count = m->n;
    (*out)->base_rate = m->base_rate;
    (*out)->auc = m->auc;
    (*out)->pr_auc = m->pr_auc;
    (*out)->brier = m->brier;
    (*out)->log_loss = m->log_loss;
    (*out)->ece = m->ece;
    if (((*out)->bins = NEW(&c->arena, CalibrationBin *, m->n_bins + 1)) == NULL)
        return call_nomem(c);
    for (uint32_t i = 0; i < m->n_bins; i++) {
        if (((*out)->bins[i] = NEW(&c->arena, CalibrationBin, 1)) == NULL)
            return call_nomem(c);
        *(*out)->bins[i] = (CalibrationBin)CALIBRATION_BIN_INIT;
        (*out)->bins[i]->predicted = m->bin[i].predicted;
        (*out)->bins[i]->observed = m->bin[i].observed;
        (*out)->bins[i]->count = m->bin[i].n;
    }
    (*out)->n_bins = m->n_bins;
    return STATUS_OK;
}

static enum status put_window(struct call *c, int64_t from_us, int64_t last_us, TimeRange **out)
{
    if ((*out = NEW(&c->arena, TimeRange, 1)) == NULL)
        return call_nomem(c);
    **out = (TimeRange)TIME_RANGE_INIT;
    TRY(instant_new(c, from_us, &(*out)->start_time));
    return instant_new(c, last_us + 1, &(*out)->end_time);
}

/* At most n bytes, cut where a code point starts; a code point is a byte at least. */
static enum status put_text(struct call *c, str text, size_t n, char **out)
{
    if (text.n > n) {
        while (n > 0 && ((unsigned char)text.p[n] & 0xC0) == 0x80)
            n--;
        text = str_sub(text, 0, n);
    }
    *out = arena_cstr(&c->arena, text);
    return *out ? STATUS_OK : call_nomem(c);
}

/* How the open leads of now differ from the training cases, by source of the model. */
static enum status measure_drift(struct call *c, const struct training_findings *in, double *psi)
{
    const struct encoder *e = &in->learned->model->encoder;
    const struct frame *recent = &in->data->recent.frame;
    uint32_t *at = NEW(&c->arena, uint32_t, recent->n_rows + 1);
    struct encoder_binding b;

    if (!at)
        return call_nomem(c);
    for (size_t i = 0; i < recent->n_rows; i++)
        at[i] = (uint32_t)i;
    if (recent->n_rows < RECENT_LEAST)
        return STATUS_OK;
    if (encoder_bind(&b, &c->arena, e, recent) != STATUS_OK)
        return call_nomem(c);
    for (size_t i = 0; i < e->n_sources; i++)
        psi[i] = encoder_psi(&b, (struct row_set){at, recent->n_rows}, i);
    return STATUS_OK;
}

static double psi_of(const struct learned *l, const double *psi, str source)
{
    for (size_t i = 0; i < l->model->encoder.n_sources; i++)
        if (str_eq(l->model->encoder.source[i].name, source))
            return psi[i];
    return 0;
}

static enum status put_importance(struct call *c, const struct training_findings *in,
                                  ModelCard *card)
{
    const struct learned *l = in->learned;
    size_t n = l->n_importance < IMPORTANCE_MAX ? l->n_importance : IMPORTANCE_MAX;
    double *psi = NEW(&c->arena, double, l->model->encoder.n_sources + 1);

    card->importance = NEW(&c->arena, SignalImportance *, n + 1);
    if (!psi || !card->importance)
        return call_nomem(c);
    TRY(measure_drift(c, in, psi));
    for (size_t i = 0; i < n; i++) {
        const struct learn_importance *from = &l->importance[i];
        SignalImportance **to = &card->importance[i];

        if ((*to = NEW(&c->arena, SignalImportance, 1)) == NULL)
            return call_nomem(c);
        **to = (SignalImportance)SIGNAL_IMPORTANCE_INIT;
        TRY(put_text(c, from->source, SIGNAL_CHARS, &(*to)->signal));
        (*to)->mean_abs_log_odds = from->mean_abs_log_odds;
        (*to)->coverage = from->coverage;
        (*to)->drift_psi = psi_of(l, psi, from->source);
    }
    card->n_importance = n;
    return STATUS_OK;
}

static enum status put_segments(struct call *c, const struct learned *l, ModelCard *card)
{
    card->segments = NEW(&c->arena, SegmentCalibration *, l->n_segments + 1);
    if (!card->segments)
        return call_nomem(c);
    for (size_t i = 0; i < l->n_segments; i++) {
        SegmentCalibration **to = &card->segments[i];

        if ((*to = NEW(&c->arena, SegmentCalibration, 1)) == NULL)
            return call_nomem(c);
        **to = (SegmentCalibration)SEGMENT_CALIBRATION_INIT;
        TRY(put_text(c, l->segment[i].source, FRAME_NAME_BYTES, &(*to)->field));
        TRY(put_text(c, l->segment[i].word, FRAME_WORD_BYTES, &(*to)->value));
        (*to)->count = l->segment[i].n;
        (*to)->gap = l->segment[i].gap;
    }
    card->n_segments = l->n_segments;
    return STATUS_OK;
}

static enum status warn(struct call *c, ModelCard *card, const char *text)
{
    if (!text)
        return call_nomem(c);
    if (card->n_caveats == CAVEATS_MAX)
        return STATUS_OK;
    return put_text(c, str_of(text), CAVEAT_BYTES, &card->caveats[card->n_caveats++]);
}

static enum status warn_segments(struct call *c, const struct learned *l, ModelCard *card)
{
    int n = 0;

    for (size_t i = 0; i < l->n_segments && n < CARD_SEGMENT_WARNINGS; i++) {
        const struct learn_segment *s = &l->segment[i];

        if (s->n < CARD_SEGMENT_LEAST || fabs(s->gap) <= CARD_SEGMENT_GAP)
            continue;
        n++;
        TRY(warn(c, card,
                 arena_printf(&c->arena,
                              "where " STR_FMT " is \"" STR_FMT
                              "\" (%llu cases) probabilities are too %s by %.3f on average",
                              STR_ARG(s->source), STR_ARG(s->word), (unsigned long long)s->n,
                              s->gap > 0 ? "high" : "low", fabs(s->gap))));
    }
    return STATUS_OK;
}

static enum status warn_denied(struct call *c, const struct training_data *d, ModelCard *card)
{
    struct buf b;

    if (!d->n_denied)
        return STATUS_OK;
    buf_init(&b, &c->arena, 2 * CAVEAT_BYTES + TRAINING_DENIED_MAX * TRAINING_NAME_BYTES);
    buf_printf(&b, "left out, because their names promise the outcome:");
    for (size_t i = 0; i < d->n_denied; i++)
        buf_printf(&b, "%s %s", i ? "," : "", d->denied[i]);
    return warn(c, card, buf_ok(&b) ? buf_str(&b).p : NULL);
}

static enum status warn_limits(struct call *c, const struct training_data *d, ModelCard *card)
{
    if (d->is_capped)
        TRY(warn(
            c, card,
            arena_printf(&c->arena, "only the newest %d cases were taken", TRAINING_CASES_MAX)));
    if (d->cases.n_left_out)
        TRY(warn(c, card,
                 arena_printf(&c->arena, "%llu values of custom attributes beyond %d were left out",
                              (unsigned long long)d->cases.n_left_out, FRAME_COLUMNS_MAX)));
    if (d->cases.n_mixed)
        TRY(warn(c, card,
                 arena_printf(&c->arena,
                              "%llu values of custom attributes have another type than elsewhere "
                              "and count as missing",
                              (unsigned long long)d->cases.n_mixed)));
    return STATUS_OK;
}

static enum status put_caveats(struct call *c, const struct training_findings *in, ModelCard *card)
{
    const struct training_data *d = in->data;

    if ((card->caveats = NEW(&c->arena, char *, CAVEATS_MAX)) == NULL)
        return call_nomem(c);
    for (size_t i = 0; i < in->learned->n_caveats; i++)
        TRY(warn(c, card, in->learned->caveat[i]));
    TRY(warn_denied(c, d, card));
    TRY(warn_segments(c, in->learned, card));
    return warn_limits(c, d, card);
}

/* PRIOR: nothing was learned. */
static ModelAlgorithm algorithm_of(const struct learned *l)
{
    if (l->verdict != LEARN_LEARNED)
        return MODEL_ALGORITHM_PRIOR;
    return l->candidate[l->chosen].kind == MODEL_LINEAR ? MODEL_ALGORITHM_LOGISTIC_REGRESSION
                                                        : MODEL_ALGORITHM_GRADIENT_BOOSTING;
}

static enum status put_model(struct call *c, const struct training_findings *in, Model **out)
{
    const struct learned *l = in->learned;

    if ((*out = NEW(&c->arena, Model, 1)) == NULL)
        return call_nomem(c);
    **out = (Model)MODEL_INIT;
    (*out)->id = in->order->model_id;
    (*out)->kind = in->order->kind;
    (*out)->algorithm = algorithm_of(l);
    (*out)->state = in->judgement->state;
    if (l->verdict != LEARN_LEARNED)
        return STATUS_OK;
    (*out)->sha256 = decision_sha256(&c->arena, l->bytes);
    return (*out)->sha256 ? STATUS_OK : call_nomem(c);
}

static enum status put_figures(struct call *c, const struct training_findings *in, ModelCard *card)
{
    const struct learned *l = in->learned;

    TRY(put_window(c, l->training_from_us, l->training_to_us, &card->training_window));
    TRY(put_window(c, l->validation_from_us, l->validation_to_us, &card->validation_window));
    card->training_count = l->n_training;
    TRY(put_metrics(c, &l->candidate[l->chosen].validation, &card->validation));
    if (in->judgement->has_previous)
        TRY(put_metrics(c, &in->judgement->previous, &card->previous));
    TRY(put_importance(c, in, card));
    return put_segments(c, l, card);
}

enum status training_card(struct call *c, const struct training_findings *in, ModelCard **out)
{
    ModelCard *card;

    if ((*out = NEW(&c->arena, ModelCard, 1)) == NULL)
        return call_nomem(c);
    **out = (ModelCard)MODEL_CARD_INIT;
    card = *out;
    TRY(put_model(c, in, &card->model));
    if (in->learned->verdict == LEARN_LEARNED)
        TRY(put_figures(c, in, card));
    else
        card->training_count = in->learned->n_rows;
    card->promotion_rule = (char *)judge_rule;
    card->promotion_reason = (char *)in->judgement->reason;
    card->seed = in->order->seed;
    TRY(put_caveats(c, in, card));
    return duration_new(c, call_now_us(c) - in->started_us, &card->training_time);
}
