/* Fitting an encoding: look at each column alone, rank by coverage, then lay out the blocks. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "model/encoder.h"

enum { RANK_COLUMNS = 3, RANK_BINS = ENCODER_EDGES - 1 };

struct candidate {
    struct encoder_source source;
    size_t column; /* of the frame */
    size_t n_known;
    bool varies, taken;
};

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* Least, deciles and most of the known cells; of every k-th one where there are many. */
static enum status take_edges(struct candidate *c, struct arena *a, const float *cell,
                              struct row_set rows)
{
    size_t step = c->n_known / ENCODER_SAMPLE + 1, seen = 0, n = 0;
    float *value = arena_take(a, (c->n_known / step + 1) * sizeof *value);
    float least = HUGE_VALF, most = -HUGE_VALF;

    if (!value)
        return STATUS_EXHAUSTED;
    for (size_t i = 0; i < rows.n; i++) {
        float v = cell[rows.at[i]];

        if (isnan(v))
            continue;
        least = v < least ? v : least;
        most = v > most ? v : most;
        if (seen++ % step == 0)
            value[n++] = v;
    }
    qsort(value, n, sizeof *value, by_value);
    for (size_t k = 0; k < ENCODER_EDGES; k++)
        c->source.edge[k] = value[k * (n - 1) / (ENCODER_EDGES - 1)];
    c->source.edge[0] = least;
    c->source.edge[ENCODER_EDGES - 1] = most;
    c->varies = least < most;
    return STATUS_OK;
}

struct word_count {
    str word;
    uint32_t n;
};

static int by_count(const void *a, const void *b)
{
    const struct word_count *x = a, *y = b;

    return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : str_cmp(x->word, y->word);
}

static int by_word(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

static struct word_count *count_words(const struct frame_column *c, struct arena *a,
                                      struct row_set rows)
{
    struct word_count *count = NEW(a, struct word_count, c->n_words + 1U);

    for (uint32_t k = 0; count && k < c->n_words; k++)
        count[k].word = c->word[k];
    for (size_t i = 0; count && i < rows.n; i++) {
        float v = c->cell[rows.at[i]];

        if (v < (float)c->n_words) /* false for NaN */
            count[(size_t)v].n++;
    }
    return count;
}

/* The frequent texts. */
static enum status take_words(struct candidate *c, struct arena *a,
                              const struct frame_column *column, struct row_set rows,
                              uint32_t min_count)
{
    struct word_count *count = count_words(column, a, rows);
    uint32_t n = 0;

    if (!count)
        return STATUS_EXHAUSTED;
    qsort(count, column->n_words, sizeof *count, by_count);
    while (n < column->n_words && n < ENCODER_WORDS_MAX && count[n].n >= min_count)
        n++;
    c->source.word = NEW(a, str, n + 1U);
    if (!c->source.word)
        return STATUS_EXHAUSTED;
    for (uint32_t k = 0; k < n; k++) {
        c->source.word[k] = arena_str(a, count[k].word);
        if (!c->source.word[k].p)
            return STATUS_EXHAUSTED;
    }
    qsort(c->source.word, n, sizeof *c->source.word, by_word);
    c->source.n_words = n;
    c->varies = n > 1 || (n == 1 && count[0].n < c->n_known);
    return STATUS_OK;
}

static void take_bool(struct candidate *c, const float *cell, struct row_set rows)
{
    size_t n_true = 0;

    for (size_t i = 0; i < rows.n; i++)
        n_true += cell[rows.at[i]] == 1;
    c->varies = n_true > 0 && n_true < c->n_known;
}

/* Columns and bins that a source takes. */
static void size_source(struct encoder_source *s)
{
    switch (s->kind) {
    case COLUMN_CATEGORY: s->n_linear = s->n_tree = s->n_profile = s->n_words + 1; break;
    case COLUMN_BOOL:
        s->n_linear = s->n_tree = 1;
        s->n_profile = 2;
        break;
    case COLUMN_NUMBER:
    case COLUMN_AGE:
        s->n_linear = RANK_COLUMNS;
        s->n_tree = 1;
        s->n_profile = RANK_BINS;
        break;
    }
    s->n_linear += s->has_missing;
    s->n_profile++;
}

bool encoder_lay_out(struct encoder *e)
{
    e->n_linear = e->n_tree = 0;
    for (size_t i = 0; i < e->n_sources; i++) {
        struct encoder_source *s = &e->source[i];

        size_source(s);
        s->linear_at = (uint32_t)e->n_linear;
        s->tree_at = (uint32_t)e->n_tree;
        e->n_linear += s->n_linear;
        e->n_tree += s->n_tree;
    }
    return e->n_linear <= ENCODER_COLUMNS_MAX && e->n_tree <= ENCODER_COLUMNS_MAX;
}

static enum status look(struct candidate *c, struct arena *a, const struct frame *f,
                        struct row_set rows, uint32_t min_count)
{
    const struct frame_column *column = &f->column[c->column];
    struct encoder_source *s = &c->source;

    *s = (struct encoder_source){.name = column->name, .kind = column->kind};
    for (size_t i = 0; i < rows.n; i++)
        c->n_known += isnan(column->cell[rows.at[i]]) ? 0U : 1U;
    if (c->n_known < min_count)
        return STATUS_OK;
    if (s->kind == COLUMN_CATEGORY)
        TRY(take_words(c, a, column, rows, min_count));
    else if (s->kind == COLUMN_BOOL)
        take_bool(c, column->cell, rows);
    else
        TRY(take_edges(c, a, column->cell, rows));
    s->has_missing = c->n_known < rows.n;
    c->varies = c->varies || rows.n - c->n_known >= min_count;
    size_source(s);
    return STATUS_OK;
}

/* Marks what fits, best covered first; of equals the first. */
static void choose(struct candidate *all, size_t n)
{
    size_t n_linear = 0, n_tree = 0;

    for (;;) {
        struct candidate *best = NULL;

        for (size_t i = 0; i < n; i++)
            if (all[i].varies && !all[i].taken && (!best || all[i].n_known > best->n_known))
                best = &all[i];
        if (!best)
            return;
        best->varies = false;
        if (n_linear + best->source.n_linear > ENCODER_COLUMNS_MAX ||
            n_tree + best->source.n_tree > ENCODER_COLUMNS_MAX)
            continue;
        best->taken = true;
        n_linear += best->source.n_linear;
        n_tree += best->source.n_tree;
    }
}

static enum status gather(struct encoder *e, struct arena *a, const struct candidate *all, size_t n)
{
    e->source = NEW(a, struct encoder_source, n + 1);
    if (!e->source)
        return STATUS_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        struct encoder_source *s = &e->source[e->n_sources];

        if (!all[i].taken)
            continue;
        *s = all[i].source;
        s->name = arena_str(a, s->name);
        if (!s->name.p)
            return STATUS_EXHAUSTED;
        e->n_sources++;
    }
    if (!encoder_lay_out(e))
        return STATUS_EXHAUSTED; /* cannot be: choose() counted */
    e->linear = NEW(a, struct encoder_linear, e->n_linear + 1);
    if (!e->linear)
        return STATUS_EXHAUSTED;
    for (size_t k = 0; k < e->n_linear; k++)
        e->linear[k].scale = 1;
    return STATUS_OK;
}

/* Ranks get unit spread, so that one penalty is fair to all; 0/1 columns stay, so that rare texts
 * shrink more. Means go to contributions. */
static enum status take_moments(struct encoder *e, struct arena *a, const struct encoder_binding *b,
                                struct row_set rows)
{
    float *x = NEW(a, float, e->n_linear + 1);
    double *sum = NEW(a, double, 2 * e->n_linear + 2), *square = sum ? sum + e->n_linear : NULL;
    double n = (double)rows.n;

    if (!x || !sum)
        return STATUS_EXHAUSTED;
    for (size_t i = 0; i < rows.n; i++) {
        encoder_row(b, rows.at[i], x, NULL);
        for (size_t k = 0; k < e->n_linear; k++) {
            sum[k] += x[k];
            square[k] += (double)x[k] * x[k];
        }
    }
    for (size_t i = 0; i < e->n_sources; i++) {
        const struct encoder_source *s = &e->source[i];
        bool ranked = s->kind == COLUMN_NUMBER || s->kind == COLUMN_AGE;

        for (uint32_t k = s->linear_at; k < s->linear_at + s->n_linear; k++) {
            double mean = sum[k] / n, spread = sqrt(fmax(square[k] / n - mean * mean, 0));
            bool scaled = ranked && k < s->linear_at + RANK_COLUMNS;

            e->linear[k].mean = mean;
            if (!scaled)
                continue;
            e->linear[k] = (struct encoder_linear){
                .shift = (float)mean, .scale = spread > 1e-3 ? (float)(1 / spread) : 0};
        }
    }
    return STATUS_OK;
}

static void take_profiles(struct encoder *e, const struct encoder_binding *b, struct row_set rows)
{
    for (size_t i = 0; i < e->n_sources; i++)
        for (size_t k = 0; k < rows.n; k++)
            e->source[i].profile[encoder_bin(b, rows.at[k], i)]++;
}

/* Drops what is known or differs too little. */
static enum status look_at_all(struct candidate *all, struct arena *a, const struct frame *f,
                               struct row_set rows, uint32_t min_count)
{
    for (size_t i = 0; i < f->n_columns; i++) {
        all[i].column = i;
        TRY(look(&all[i], a, f, rows, min_count));
    }
    return STATUS_OK;
}

enum status encoder_fit(struct encoder *out, struct arena *a, const struct frame *f,
                        struct row_set rows, uint32_t min_count)
{
    struct candidate *all = NEW(a, struct candidate, f->n_columns + 1);
    struct encoder_binding b;

    assert(rows.n > 0 && min_count > 0);
    *out = (struct encoder){0};
    if (!all)
        return STATUS_EXHAUSTED;
    TRY(look_at_all(all, a, f, rows, min_count));
    choose(all, f->n_columns);
    TRY(gather(out, a, all, f->n_columns));
    TRY(encoder_bind(&b, a, out, f));
    take_profiles(out, &b, rows);
    return take_moments(out, a, &b, rows);
}
