/* A frame of two rows: the lead, and the lead with one thing changed. */
#include "workflow/lead_model.h"

#include <assert.h>

#include "model/explain.h"
#include "model/numeric.h"

static const double PROBABILITY_MIN = 0.0001;

enum { ROW_LEAD, ROW_OTHER, ROWS };

size_t lead_model_words(const struct encoder_source *s, uint32_t out[LEAD_FLIP_VALUES])
{
    size_t n = 0;

    for (uint32_t k = 0; k < s->n_words; k++) {
        size_t at = n < LEAD_FLIP_VALUES ? n : LEAD_FLIP_VALUES;

        for (; at > 0 && s->profile[out[at - 1]] < s->profile[k]; at--)
            if (at < LEAD_FLIP_VALUES)
                out[at] = out[at - 1];
        if (at < LEAD_FLIP_VALUES)
            out[at] = k;
        n += n < LEAD_FLIP_VALUES;
    }
    return n;
}

/* The column of a source, added where the lead has none; NULL: no room. */
static enum status column_of(struct frame *f, const struct encoder_source *s,
                             struct frame_column **out)
{
    const struct frame_column *c = frame_find(f, s->name);
    size_t at = f->n_columns;

    *out = NULL;
    if (!c && at == f->columns_max)
        return STATUS_OK;
    if (!c)
        TRY(frame_add_column(f, s->name, s->kind, &at));
    *out = &f->column[c ? (size_t)(c - f->column) : at];
    return STATUS_OK;
}

/* The texts that may be tried: they have to be in the dictionary before it is looked through. */
static enum status add_words(struct frame *f, struct frame_column *c,
                             const struct encoder_source *s)
{
    uint32_t words[LEAD_FLIP_VALUES] = {0};
    size_t n = lead_model_words(s, words);

    for (size_t k = 0; k < n; k++)
        TRY(frame_set_word(f, ROW_OTHER, (size_t)(c - f->column), s->word[words[k]]));
    c->cell[ROW_OTHER] = c->cell[ROW_LEAD];
    return STATUS_OK;
}

static enum status prepare(struct lead_model *m)
{
    const struct encoder *e = &m->use->model->encoder;
    struct frame *f = &m->frame.frame;

    for (size_t i = 0; i < e->n_sources; i++) {
        const struct encoder_source *s = &e->source[i];
        struct frame_column *c;

        TRY(column_of(f, s, &c));
        if (c && c->kind == COLUMN_CATEGORY && s->kind == COLUMN_CATEGORY)
            TRY(add_words(f, c, s));
    }
    return STATUS_OK;
}

int64_t lead_model_micro(double probability)
{
    double p = probability > PROBABILITY_MIN ? probability : PROBABILITY_MIN;

    return explain_micro(numeric_logit(p < 1 - PROBABILITY_MIN ? p : 1 - PROBABILITY_MIN));
}

enum status lead_model_predict(struct lead_model *m)
{
    TRY(feature_frame_init(&m->frame, m->scratch, ROWS));
    for (int i = 0; i < ROWS; i++)
        TRY(feature_frame_add(&m->frame, m->vector, (struct frame_row){0}));
    TRY(prepare(m));
    TRY(model_view(&m->view, m->scratch, m->use->model, &m->frame.frame));
    return model_predict(&m->view, m->scratch, ROW_LEAD, &m->prediction);
}

static enum status list_shares(const struct lead_model *m, struct arena *a,
                               struct score_share **out)
{
    const struct prediction *p = &m->prediction;

    assert(p->n_shares <= SCORE_SHARES_MAX);
    if ((*out = NEW(m->scratch, struct score_share, p->n_shares + 1)) == NULL)
        return STATUS_EXHAUSTED;
    for (size_t i = 0; i < p->n_shares; i++) {
        const char *name = arena_cstr(a, m->use->model->encoder.source[i].name);

        if (!name)
            return STATUS_EXHAUSTED;
        (*out)[i] = (struct score_share){name, p->share_micro[i]};
    }
    return STATUS_OK;
}

enum status lead_model_score(struct lead_model *m, struct arena *a, const struct score_input *in,
                             LeadScore **out)
{
    const struct prediction *p = &m->prediction;
    struct score_share *shares;
    struct score_learned learned = {.vector = m->vector,
                                    .anchor_micro = m->anchor_micro,
                                    .base_micro = p->base_micro,
                                    .calibration_micro = p->calibration_micro,
                                    .n_shares = p->n_shares,
                                    .probability = p->probability,
                                    .low_micro = lead_model_micro(p->low),
                                    .high_micro = lead_model_micro(p->high),
                                    .model_id = arena_cstr(a, str_of(m->use->id)),
                                    .model_version = arena_cstr(a, str_of(m->use->version)),
                                    .model_sha256 = arena_cstr(a, str_of(m->use->sha256))};

    if (!learned.model_id || !learned.model_version || !learned.model_sha256)
        return STATUS_EXHAUSTED;
    TRY(list_shares(m, a, &shares));
    learned.shares = shares;
    return score_learned(a, in, &learned, out);
}
