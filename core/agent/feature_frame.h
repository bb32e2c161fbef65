/*
 * feature_frame: vectors of leads as the frame that models learn from and predict on: the one way
 * from the one to the other, so that training and serving cannot differ.
 *
 *   FEATURE_NUMBER -> COLUMN_NUMBER      FEATURE_CATEGORY -> COLUMN_CATEGORY
 *   FEATURE_BOOL   -> COLUMN_BOOL        FEATURE_TIME     -> COLUMN_AGE (days)
 *
 * A column per signal in the order of signal.def, then one per custom attribute in the order in
 * which they turn up. An attribute has the type of the first vector that has it; where a later one
 * has it with another type it is missing. Attributes beyond FRAME_COLUMNS_MAX columns are left out.
 */
#ifndef AGENT_FEATURE_FRAME_H
#define AGENT_FEATURE_FRAME_H

#include "domain/feature.h"
#include "model/frame.h"

enum { FEATURE_FRAME_SLOTS = 2048 }; /* twice FRAME_COLUMNS_MAX, a power of two */

struct feature_frame {
    struct frame frame;
    uint64_t n_mixed;                   /* cells dropped for their type */
    uint64_t n_left_out;                /* cells of attributes beyond the columns */
    uint16_t slot[FEATURE_FRAME_SLOTS]; /* by hash of the name: 1 + column of an attribute */
};

/* EXHAUSTED: the arena is, or rows_max is over FRAME_ROWS_MAX. */
MUST_CHECK enum status feature_frame_init(struct feature_frame *f, struct arena *a,
                                          size_t rows_max);

/* Adds the vector as the next row. EXHAUSTED. */
MUST_CHECK enum status feature_frame_add(struct feature_frame *f, const struct feature_vector *v,
                                         struct frame_row row);

#endif
