/*
 * frame: rows of named, typed cells; the only form in which data enters this layer, for learning
 * and for predicting alike.
 *
 * Cells are floats, one array per column. A category is the number of its text in the column's
 * dictionary. Missing is NaN, and every cell starts missing. NaN and infinities given by the caller
 * become missing and are counted.
 */
#ifndef MODEL_FRAME_H
#define MODEL_FRAME_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "model/limits.h"

enum column_kind {
    COLUMN_NUMBER = 1,
    COLUMN_CATEGORY, /* text; equality is all that counts */
    COLUMN_BOOL,     /* 0 or 1 */
    COLUMN_AGE,      /* a time, as days between it and the instant of the row; may be negative */
};

struct frame_column {
    str name; /* borrowed from the frame's arena */
    enum column_kind kind;
    float *cell; /* [rows_max] */
    str *word;   /* category: [n_words] texts */
    uint32_t n_words;
    uint32_t *slot;      /* hash table over word */
    uint32_t n_slots;    /* a power of two, or 0 */
    uint64_t n_odd;      /* cells given as NaN or infinity */
    uint64_t n_overflow; /* cells whose text came after FRAME_WORDS_MAX others */
};

/* What is known of a row beside its cells. */
struct frame_row {
    uint8_t label;   /* 1: it came true; ignored by predictions */
    double weight;   /* > 0; 0 counts as 1 */
    int64_t time_us; /* of the event: decides what is later */
    uint64_t key;    /* rows with one key never end on two sides of a hash split */
};

struct frame {
    struct arena *arena;
    size_t rows_max, columns_max, n_rows, n_columns;
    struct frame_column *column; /* [columns_max] */
    struct frame_row *row;       /* [rows_max] */
};

/* An empty frame. EXHAUSTED: over the limits, or the arena is. */
MUST_CHECK enum status frame_init(struct frame *f, struct arena *a, size_t rows_max,
                                  size_t columns_max);

/* Adds a column, missing in all rows; its index goes to *out. EXISTS: the name is taken. INVALID:
 * no name, or one over FRAME_NAME_BYTES. EXHAUSTED: columns_max reached, or the arena. */
MUST_CHECK enum status frame_add_column(struct frame *f, str name, enum column_kind kind,
                                        size_t *out);

/* Adds a row of missing cells; its index goes to *out. EXHAUSTED: rows_max reached. INVALID: the
 * weight is negative or not finite. */
MUST_CHECK enum status frame_add_row(struct frame *f, struct frame_row row, size_t *out);

/* For NUMBER and AGE columns; for BOOL anything but 0 is 1. */
void frame_set(struct frame *f, size_t row, size_t column, double value);

/* For CATEGORY columns. Text over FRAME_WORD_BYTES is cut; text of no bytes is missing. EXHAUSTED:
 * the arena. */
MUST_CHECK enum status frame_set_word(struct frame *f, size_t row, size_t column, str text);

void frame_set_missing(struct frame *f, size_t row, size_t column);

/* The column of this name, or NULL. */
const struct frame_column *frame_find(const struct frame *f, str name);

#endif
