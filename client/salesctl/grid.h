/* grid: a table of aligned columns, filled row by row and printed once its widths are known. */
#ifndef SALESCTL_GRID_H
#define SALESCTL_GRID_H

#include "ctl/term.h"

enum {
    GRID_COLUMNS_MAX = 16,
    GRID_ROWS_MAX = 100000, /* what one command prints; lists page by page */
};

enum align { ALIGN_LEFT, ALIGN_RIGHT };

struct grid_column {
    const char *title;
    enum align align;
    int most; /* columns; 0: as wide as it needs */
};

struct grid {
    struct arena *arena;
    const struct grid_column *columns; /* [n_columns], borrowed */
    size_t n_columns, n_rows, cap_rows;
    const char **cells; /* [n_rows * n_columns] */
};

void grid_init(struct grid *g, struct arena *a, const struct grid_column *columns, size_t n);

/* A new row of empty cells; false when it is full. */
bool grid_row(struct grid *g);

/* Sets a cell of the last row. Copied and made harmless. */
void grid_set(struct grid *g, size_t column, const char *text);

/* Titles, then rows, each behind `indent` spaces. On a terminal the widest columns are cut until a
 * row fits. */
void grid_print(const struct grid *g, const struct term *t, int indent);

#endif
