/* Sources in the order in which they are worth a try; each of their values is predicted. */
#include <stdlib.h>

#include "domain/score_tally.h"
#include "domain/signal.h"
#include "workflow/lead_model.h"

enum { ROW_LEAD, ROW_OTHER };

/* A source that may be changed. */
struct candidate {
    uint32_t source;
    int order; /* 0: missing and can be filled in */
    int64_t share_micro;
};

/* What is best so far. */
struct flip {
    struct lead_model *model;
    const LeadScore *score;
    int64_t from_micro, extra_milli; /* the model's; points that others added behind it */
    size_t n_tries;
    int64_t best_micro; /* smallest change that flips; INT64_MAX: none */
    uint32_t source, value;
    LeadGrade lands_in;
};

static int compare(const void *x, const void *y)
{
    const struct candidate *a = x, *b = y;

    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    if (a->share_micro != b->share_micro)
        return a->share_micro < b->share_micro ? -1 : 1;
    return a->source < b->source ? -1 : a->source > b->source;
}

/* Can somebody change it: a field, an attribute, or what the person does next? */
static bool is_changeable(const struct lead_model *m, const struct encoder_source *s,
                          const struct feature *f)
{
    const struct signal *row;
    size_t n;

    if (s->kind == COLUMN_AGE)
        return false;
    if (!f || f >= m->vector->items + m->vector->n_signals)
        return true;
    row = &signal_rows(&n)[f - m->vector->items];
    return *row->field || row->basis == SIGNAL_PAST || row->basis == SIGNAL_FACT;
}

static const struct feature *feature_of(const struct lead_model *m, uint32_t source, size_t *from)
{
    /* names of sources are NUL-terminated copies only in the frame */
    const struct frame_column *c = m->view.binding.column[source];

    return c ? score_feature(m->vector, c->name.p, from) : NULL;
}

static size_t list_candidates(const struct lead_model *m, struct candidate *out)
{
    const struct encoder *e = &m->use->model->encoder;
    size_t n = 0, from = 0;

    for (uint32_t i = 0; i < e->n_sources; i++) {
        const struct feature *f = feature_of(m, i, &from);

        if (!m->view.binding.column[i] || !is_changeable(m, &e->source[i], f))
            continue;
        out[n++] = (struct candidate){i, f && f->known, m->prediction.share_micro[i]};
    }
    qsort(out, n, sizeof *out, compare);
    return n;
}

static uint32_t n_values(const struct encoder_source *s)
{
    switch (s->kind) {
    case COLUMN_NUMBER: return LEAD_FLIP_VALUES;
    case COLUMN_CATEGORY: return s->n_words < LEAD_FLIP_VALUES ? s->n_words : LEAD_FLIP_VALUES;
    case COLUMN_BOOL: return 2;
    case COLUMN_AGE: break;
    }
    return 0;
}

/* The value of the row that is not the lead's; false: the lead has it already. */
static bool set_value(struct flip *k, uint32_t source, uint32_t value)
{
    struct frame *f = &k->model->frame.frame;
    const struct encoder_source *s = &k->model->use->model->encoder.source[source];
    size_t column = (size_t)(k->model->view.binding.column[source] - f->column);
    float *cell = f->column[column].cell;
    uint32_t words[LEAD_FLIP_VALUES];

    if (s->kind == COLUMN_NUMBER)
        frame_set(f, ROW_OTHER, column, (double)s->edge[2 * value + 1]);
    if (s->kind == COLUMN_BOOL)
        frame_set(f, ROW_OTHER, column, value);
    if (s->kind == COLUMN_CATEGORY) {
        lead_model_words(s, words);
        if (frame_set_word(f, ROW_OTHER, column, s->word[words[value]]) != STATUS_OK)
            return false; /* never: the text is in the dictionary */
    }
    return cell[ROW_OTHER] != cell[ROW_LEAD];
}

static void clear_value(struct flip *k, uint32_t source)
{
    struct frame *f = &k->model->frame.frame;
    size_t column = (size_t)(k->model->view.binding.column[source] - f->column);

    f->column[column].cell[ROW_OTHER] = f->column[column].cell[ROW_LEAD];
}

static void try_value(struct flip *k, uint32_t source, uint32_t value)
{
    struct lead_model *m = k->model;
    int64_t total, change, milli;
    LeadGrade grade;

    if (!set_value(k, source, value))
        return;
    k->n_tries++;
    total = model_total_micro(&m->view, ROW_OTHER);
    change = llabs(total - k->from_micro);
    milli = score_total_milli(total, m->anchor_micro) + k->extra_milli;
    grade = score_grade((int32_t)(milli / SCORE_MILLI));
    if (grade == k->score->grade || change >= k->best_micro)
        return;
    k->best_micro = change;
    k->source = source;
    k->value = value;
    k->lands_in = grade;
}

static const char *value_text(const struct flip *k, struct arena *a)
{
    const struct encoder_source *s = &k->model->use->model->encoder.source[k->source];
    uint32_t words[LEAD_FLIP_VALUES];
    size_t n, from = 0;
    const struct feature *f = feature_of(k->model, k->source, &from);
    const char *unit = "";

    if (f && f < k->model->vector->items + k->model->vector->n_signals)
        unit = signal_rows(&n)[f - k->model->vector->items].unit;
    if (s->kind == COLUMN_NUMBER)
        return score_number_text(a, (double)s->edge[2 * k->value + 1], unit);
    if (s->kind == COLUMN_BOOL)
        return k->value ? "yes" : "no";
    lead_model_words(s, words);
    return arena_cstr(a, s->word[words[k->value]]);
}

static enum status put_flip(const struct flip *k, struct arena *a, LeadScore *score)
{
    NearestFlip *out = NEW(a, NearestFlip, 1);
    size_t from = 0;
    const struct feature *f = feature_of(k->model, k->source, &from);

    if (!out)
        return STATUS_EXHAUSTED;
    *out = (NearestFlip)NEAREST_FLIP_INIT;
    out->signal = arena_cstr(a, k->model->use->model->encoder.source[k->source].name);
    out->from_text = (char *)score_feature_text(a, k->model->vector, f);
    out->to_text = (char *)value_text(k, a);
    out->lands_in = (char *)score_grade_name(k->lands_in);
    score->nearest_flip = out;
    return out->signal && out->from_text && out->to_text ? STATUS_OK : STATUS_EXHAUSTED;
}

enum status lead_model_flip(struct lead_model *m, struct arena *a, LeadScore *score)
{
    const struct encoder *e = &m->use->model->encoder;
    struct candidate *list = NEW(m->scratch, struct candidate, e->n_sources + 1);
    struct flip k = {.model = m,
                     .score = score,
                     .from_micro = m->prediction.total_micro,
                     .best_micro = INT64_MAX};
    size_t n;

    if (!list)
        return STATUS_EXHAUSTED;
    if (score->n_disqualifications)
        return STATUS_OK;
    k.extra_milli = score->score * SCORE_MILLI - score_total_milli(k.from_micro, m->anchor_micro);
    n = list_candidates(m, list);
    for (size_t i = 0; i < n && k.n_tries < LEAD_FLIP_TRIES; i++) {
        for (uint32_t v = 0; v < n_values(&e->source[list[i].source]); v++)
            try_value(&k, list[i].source, v);
        clear_value(&k, list[i].source);
    }
    return k.best_micro == INT64_MAX ? STATUS_OK : put_flip(&k, a, score);
}
