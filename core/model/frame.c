/* Columns of floats; categories through one open-addressing dictionary per column. */
#include "model/frame.h"

#include <assert.h>
#include <math.h>

#include "model/numeric.h"

static const uint32_t NO_WORD = UINT32_MAX; /* an empty slot */
enum { SLOTS_FIRST = 16 };

enum status frame_init(struct frame *f, struct arena *a, size_t rows_max, size_t columns_max)
{
    *f = (struct frame){.arena = a, .rows_max = rows_max, .columns_max = columns_max};
    if (rows_max > FRAME_ROWS_MAX || columns_max > FRAME_COLUMNS_MAX ||
        rows_max * columns_max > FRAME_CELLS_MAX)
        return STATUS_EXHAUSTED;
    f->column = NEW(a, struct frame_column, columns_max);
    f->row = NEW(a, struct frame_row, rows_max);
    return f->column && f->row ? STATUS_OK : STATUS_EXHAUSTED;
}

const struct frame_column *frame_find(const struct frame *f, str name)
{
    for (size_t i = 0; i < f->n_columns; i++)
        if (str_eq(f->column[i].name, name))
            return &f->column[i];
    return NULL;
}

enum status frame_add_column(struct frame *f, str name, enum column_kind kind, size_t *out)
{
    struct frame_column *c = &f->column[f->n_columns];
    str copy;

    *out = 0;
    if (name.n == 0 || name.n > FRAME_NAME_BYTES)
        return STATUS_INVALID;
    if (frame_find(f, name))
        return STATUS_EXISTS;
    if (f->n_columns == f->columns_max)
        return STATUS_EXHAUSTED;
    copy = arena_str(f->arena, name);
    *c = (struct frame_column){.name = copy, .kind = kind};
    c->cell = arena_take(f->arena, f->rows_max * sizeof *c->cell + 1);
    if (!copy.p || !c->cell)
        return STATUS_EXHAUSTED;
    for (size_t i = 0; i < f->rows_max; i++)
        c->cell[i] = NAN;
    *out = f->n_columns++;
    return STATUS_OK;
}

enum status frame_add_row(struct frame *f, struct frame_row row, size_t *out)
{
    *out = 0;
    if (!(row.weight >= 0) || isinf(row.weight))
        return STATUS_INVALID;
    if (f->n_rows == f->rows_max)
        return STATUS_EXHAUSTED;
    if (row.weight == 0)
        row.weight = 1;
    row.label = row.label != 0;
    f->row[f->n_rows] = row;
    *out = f->n_rows++;
    return STATUS_OK;
}

void frame_set(struct frame *f, size_t row, size_t column, double value)
{
    struct frame_column *c = &f->column[column];
    float v = (float)value; /* over FLT_MAX becomes infinite, and so missing */

    assert(row < f->n_rows && column < f->n_columns);
    assert(c->kind != COLUMN_CATEGORY);
    if (!isfinite(v)) {
        c->n_odd++;
        c->cell[row] = NAN;
        return;
    }
    c->cell[row] = c->kind == COLUMN_BOOL ? (float)(v != 0) : v;
}

void frame_set_missing(struct frame *f, size_t row, size_t column)
{
    assert(row < f->n_rows && column < f->n_columns);
    f->column[column].cell[row] = NAN;
}

/* The slot that holds text, or the empty one where it belongs. */
static uint32_t find_slot(const struct frame_column *c, str text)
{
    uint32_t mask = c->n_slots - 1, at = (uint32_t)numeric_hash_bytes(text.p, text.n) & mask;

    while (c->slot[at] != NO_WORD && !str_eq(c->word[c->slot[at]], text))
        at = (at + 1) & mask;
    return at;
}

static enum status grow(struct frame *f, struct frame_column *c)
{
    uint32_t n = c->n_slots ? 2 * c->n_slots : SLOTS_FIRST;
    str *word = NEW(f->arena, str, n / 2);
    uint32_t *slot = arena_take(f->arena, n * sizeof *slot);

    if (!word || !slot)
        return STATUS_EXHAUSTED;
    if (c->n_words > 0)
        memcpy(word, c->word, c->n_words * sizeof *word);
    for (uint32_t i = 0; i < n; i++)
        slot[i] = NO_WORD;
    c->word = word;
    c->slot = slot;
    c->n_slots = n;
    for (uint32_t i = 0; i < c->n_words; i++)
        slot[find_slot(c, word[i])] = i;
    return STATUS_OK;
}

/* At most FRAME_WORD_BYTES, cut where a code point starts. */
static str cut_word(str text)
{
    size_t n = FRAME_WORD_BYTES;

    if (text.n <= n)
        return text;
    while (n > 0 && ((unsigned char)text.p[n] & 0xC0) == 0x80)
        n--;
    return str_sub(text, 0, n);
}

enum status frame_set_word(struct frame *f, size_t row, size_t column, str text)
{
    struct frame_column *c = &f->column[column];
    uint32_t at;

    assert(row < f->n_rows && column < f->n_columns);
    assert(c->kind == COLUMN_CATEGORY);
    c->cell[row] = NAN;
    text = cut_word(text);
    if (text.n == 0)
        return STATUS_OK;
    if (2 * (c->n_words + 1) > c->n_slots)
        TRY(grow(f, c));
    at = find_slot(c, text);
    if (c->slot[at] == NO_WORD && c->n_words >= FRAME_WORDS_MAX) {
        c->n_overflow++;
        c->cell[row] = FRAME_WORDS_MAX; /* known, but none of the dictionary: "other" */
        return STATUS_OK;
    }
    if (c->slot[at] == NO_WORD) {
        str copy = arena_str(f->arena, text);

        if (!copy.p)
            return STATUS_EXHAUSTED;
        c->word[c->n_words] = copy;
        c->slot[at] = c->n_words++;
    }
    c->cell[row] = (float)c->slot[at];
    return STATUS_OK;
}
