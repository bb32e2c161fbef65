/* Applying an encoding: every source writes its own run of columns, so that what a learner says of
 * columns can be added up per source again. */
#include "model/encoder.h"

#include <assert.h>
#include <math.h>

#include "model/numeric.h"

static const float HINGES[] = {1.0F / 3, 2.0F / 3};
enum { N_HINGES = sizeof HINGES / sizeof *HINGES, N_RANK = 1 + N_HINGES };

/* 0..1: where x stands among the edges; the middle of its run where edges repeat. */
static float rank_of(const float *edge, float x)
{
    size_t below = 0, upto;

    while (below < ENCODER_EDGES && edge[below] < x)
        below++;
    for (upto = below; upto < ENCODER_EDGES && edge[upto] == x;)
        upto++;
    if (upto > below)
        return (float)(below + upto - 1) / (2 * (ENCODER_EDGES - 1));
    if (below == 0)
        return 0;
    if (below == ENCODER_EDGES)
        return 1;
    return ((float)(below - 1) + (x - edge[below - 1]) / (edge[below] - edge[below - 1])) /
           (ENCODER_EDGES - 1);
}

static uint16_t code_of(const struct encoder_source *s, str word)
{
    size_t low = 0, high = s->n_words;

    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = str_cmp(s->word[mid], word);

        if (order == 0)
            return (uint16_t)mid;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return (uint16_t)s->n_words;
}

static enum status bind_words(struct encoder_binding *b, struct arena *a, size_t i)
{
    const struct frame_column *c = b->column[i];

    b->code[i] = NEW(a, uint16_t, c->n_words + 1U);
    if (!b->code[i])
        return STATUS_EXHAUSTED;
    for (uint32_t k = 0; k < c->n_words; k++)
        b->code[i][k] = code_of(&b->encoder->source[i], c->word[k]);
    return STATUS_OK;
}

/* Frames are built in one order, so the next name is nearly always where the last one ended. */
static const struct frame_column *find_from(const struct frame *f, size_t *next, str name)
{
    for (size_t k = 0; k < f->n_columns; k++) {
        size_t at = (*next + k) % f->n_columns;

        if (str_eq(f->column[at].name, name)) {
            *next = at + 1;
            return &f->column[at];
        }
    }
    return NULL;
}

enum status encoder_bind(struct encoder_binding *out, struct arena *a, const struct encoder *e,
                         const struct frame *f)
{
    size_t next = 0;

    *out = (struct encoder_binding){.encoder = e, .frame = f};
    out->column = NEW(a, const struct frame_column *, e->n_sources + 1);
    out->code = NEW(a, uint16_t *, e->n_sources + 1);
    if (!out->column || !out->code)
        return STATUS_EXHAUSTED;
    for (size_t i = 0; i < e->n_sources; i++) {
        const struct frame_column *c = find_from(f, &next, e->source[i].name);

        if (!c || c->kind != e->source[i].kind)
            continue;
        out->column[i] = c;
        if (c->kind == COLUMN_CATEGORY)
            TRY(bind_words(out, a, i));
    }
    return STATUS_OK;
}

/* The cell; for a category the code of its text. NaN: missing. */
static float cell_of(const struct encoder_binding *b, size_t row, size_t i)
{
    const struct frame_column *c = b->column[i];
    float v;

    if (!c)
        return NAN;
    v = c->cell[row];
    if (isnan(v) || c->kind != COLUMN_CATEGORY)
        return v;
    if (v >= (float)c->n_words) /* past the dictionary's end */
        return (float)b->encoder->source[i].n_words;
    return b->code[i][(size_t)v];
}

bool encoder_missing(const struct encoder_binding *b, size_t row, size_t source)
{
    assert(row < b->frame->n_rows && source < b->encoder->n_sources);
    return isnan(cell_of(b, row, source));
}

static void put_tree(const struct encoder_source *s, float v, float *out)
{
    if (s->kind != COLUMN_CATEGORY) {
        out[0] = v;
        return;
    }
    for (uint32_t k = 0; k < s->n_tree; k++)
        out[k] = isnan(v) ? NAN : (float)((float)k == v);
}

/* Before shift and scale. */
static void put_linear(const struct encoder_source *s, float v, float *out)
{
    for (uint32_t k = 0; k < s->n_linear; k++)
        out[k] = 0;
    if (isnan(v)) {
        if (s->has_missing)
            out[s->n_linear - 1] = 1;
        return;
    }
    if (s->kind == COLUMN_CATEGORY) {
        out[(uint32_t)v] = 1;
    } else if (s->kind == COLUMN_BOOL) {
        out[0] = v;
    } else {
        float u = rank_of(s->edge, v);

        out[0] = u;
        for (size_t k = 0; k < N_HINGES; k++)
            out[1 + k] = u > HINGES[k] ? u - HINGES[k] : 0;
    }
}

void encoder_row(const struct encoder_binding *b, size_t row, float *linear, float *tree)
{
    const struct encoder *e = b->encoder;

    assert(row < b->frame->n_rows);
    for (size_t i = 0; i < e->n_sources; i++) {
        const struct encoder_source *s = &e->source[i];
        float v = cell_of(b, row, i);

        if (tree)
            put_tree(s, v, tree + s->tree_at);
        if (linear)
            put_linear(s, v, linear + s->linear_at);
    }
    for (size_t k = 0; linear && k < e->n_linear; k++)
        linear[k] = (linear[k] - e->linear[k].shift) * e->linear[k].scale;
}

uint32_t encoder_bin(const struct encoder_binding *b, size_t row, size_t source)
{
    const struct encoder_source *s = &b->encoder->source[source];
    float v = cell_of(b, row, source);
    uint32_t bin = 0;

    if (isnan(v))
        return s->n_profile - 1;
    if (s->kind == COLUMN_CATEGORY || s->kind == COLUMN_BOOL)
        return (uint32_t)v;
    while (bin + 2 < s->n_profile && v > s->edge[bin + 1])
        bin++;
    return bin;
}

double encoder_psi(const struct encoder_binding *b, struct row_set rows, size_t source)
{
    static const double FLOOR = 0.0001;
    const struct encoder_source *s = &b->encoder->source[source];
    uint32_t now[ENCODER_PROFILE] = {0};
    double n_then = 0, psi = 0;

    assert(source < b->encoder->n_sources);
    for (size_t i = 0; i < rows.n; i++)
        now[encoder_bin(b, rows.at[i], source)]++;
    for (uint32_t k = 0; k < s->n_profile; k++)
        n_then += s->profile[k];
    for (uint32_t k = 0; k < s->n_profile && rows.n > 0 && n_then > 0; k++) {
        double p = fmax(s->profile[k] / n_then, FLOOR), q = fmax(now[k] / (double)rows.n, FLOOR);

        psi += (q - p) * numeric_log(q / p);
    }
    return psi;
}
