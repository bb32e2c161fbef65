/* Signals by their place; attributes through a small open-addressing table of their names. */
#include "agent/feature_frame.h"

#include <assert.h>

static_assert(FEATURE_FRAME_SLOTS >= 2 * FRAME_COLUMNS_MAX, "the table must never be full");
static_assert((FEATURE_FRAME_SLOTS & (FEATURE_FRAME_SLOTS - 1)) == 0, "a power of two");

enum { NO_COLUMN = FRAME_COLUMNS_MAX };

static enum column_kind kind_of(enum feature_type t)
{
    switch (t) {
    case FEATURE_NUMBER: return COLUMN_NUMBER;
    case FEATURE_CATEGORY: return COLUMN_CATEGORY;
    case FEATURE_BOOL: return COLUMN_BOOL;
    case FEATURE_TIME: return COLUMN_AGE;
    }
    return COLUMN_NUMBER;
}

/* As many columns as rows leave room for. */
static size_t columns_max(size_t rows_max)
{
    size_t n = FRAME_CELLS_MAX / (rows_max ? rows_max : 1);

    return n < FRAME_COLUMNS_MAX ? n : FRAME_COLUMNS_MAX;
}

enum status feature_frame_init(struct feature_frame *f, struct arena *a, size_t rows_max)
{
    *f = (struct feature_frame){.n_mixed = 0};
    return frame_init(&f->frame, a, rows_max, columns_max(rows_max));
}

/* FNV-1a. */
static uint32_t hash(str s)
{
    uint32_t h = 2166136261U;

    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 16777619U;
    return h;
}

/* The column of an attribute, added when it is new; NO_COLUMN: there is no room for it. */
static enum status attribute_column(struct feature_frame *f, const struct feature *item,
                                    size_t *out)
{
    str name = str_sub(str_of(item->name), 0, FRAME_NAME_BYTES);
    uint32_t at = hash(name) & (FEATURE_FRAME_SLOTS - 1);

    for (; f->slot[at]; at = (at + 1) & (FEATURE_FRAME_SLOTS - 1)) {
        *out = f->slot[at] - 1U;
        if (str_eq(f->frame.column[*out].name, name))
            return STATUS_OK;
    }
    *out = NO_COLUMN;
    if (f->frame.n_columns == f->frame.columns_max)
        return STATUS_OK;
    TRY(frame_add_column(&f->frame, name, kind_of(item->type), out));
    f->slot[at] = (uint16_t)(*out + 1);
    return STATUS_OK;
}

static enum status add_signals(struct feature_frame *f, const struct feature_vector *v)
{
    size_t at;

    for (size_t i = 0; i < v->n_signals; i++) {
        TRY(frame_add_column(&f->frame, str_of(v->items[i].name), kind_of(v->items[i].type), &at));
        assert(at == i);
    }
    return STATUS_OK;
}

static enum status set(struct feature_frame *f, size_t row, size_t column,
                       const struct feature *item)
{
    if (column == NO_COLUMN) {
        f->n_left_out++;
        return STATUS_OK;
    }
    if (f->frame.column[column].kind != kind_of(item->type)) {
        f->n_mixed++;
        return STATUS_OK;
    }
    if (item->type == FEATURE_CATEGORY)
        return frame_set_word(&f->frame, row, column, item->text);
    frame_set(&f->frame, row, column, item->number);
    return STATUS_OK;
}

enum status feature_frame_add(struct feature_frame *f, const struct feature_vector *v,
                              struct frame_row row)
{
    size_t at, column;

    if (f->frame.n_columns == 0)
        TRY(add_signals(f, v));
    TRY(frame_add_row(&f->frame, row, &at));
    for (size_t i = 0; i < v->n; i++) {
        if (!v->items[i].known)
            continue;
        column = i;
        if (i >= v->n_signals)
            TRY(attribute_column(f, &v->items[i], &column));
        TRY(set(f, at, column, &v->items[i]));
    }
    return STATUS_OK;
}
