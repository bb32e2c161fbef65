/* Aligned columns. Widths are counted in terminal columns, not bytes. */
#include "ctl/grid.h"

#include <assert.h>

#include "base/banned.h"

enum { GAP = 2, NARROWEST = 6 };

void grid_init(struct grid *g, struct arena *a, const struct grid_column *columns, size_t n)
{
    assert(n >= 1 && n <= GRID_COLUMNS_MAX);
    *g = (struct grid){.arena = a, .columns = columns, .n_columns = n};
}

bool grid_row(struct grid *g)
{
    if (g->n_rows >= GRID_ROWS_MAX)
        return false;
    if (g->n_rows == g->cap_rows) {
        size_t cap = g->cap_rows ? 2 * g->cap_rows : 64;
        const char **bigger = NEW(g->arena, const char *, cap * g->n_columns);

        if (!bigger)
            return false;
        if (g->n_rows)
            memcpy(bigger, g->cells, g->n_rows * g->n_columns * sizeof *bigger);
        g->cells = bigger;
        g->cap_rows = cap;
    }
    for (size_t i = 0; i < g->n_columns; i++)
        g->cells[g->n_rows * g->n_columns + i] = "";
    g->n_rows++;
    return true;
}

void grid_set(struct grid *g, size_t column, const char *text)
{
    int most = g->columns[column].most;

    assert(g->n_rows > 0 && column < g->n_columns);
    g->cells[(g->n_rows - 1) * g->n_columns + column] =
        text_clean(g->arena, str_of(text), most ? most : TERM_COLUMNS_PIPE);
}

static const char *cell(const struct grid *g, size_t row, size_t column)
{
    return g->cells[row * g->n_columns + column];
}

static int sum(const int *widths, size_t n)
{
    int all = 0;

    for (size_t i = 0; i < n; i++)
        all += widths[i] + (i ? GAP : 0);
    return all;
}

static void measure(const struct grid *g, int room, int *widths)
{
    for (size_t c = 0; c < g->n_columns; c++) {
        widths[c] = text_width(str_of(g->columns[c].title));
        for (size_t r = 0; r < g->n_rows; r++) {
            int w = text_width(str_of(cell(g, r, c)));
            widths[c] = w > widths[c] ? w : widths[c];
        }
    }
    while (sum(widths, g->n_columns) > room) {
        size_t widest = 0;

        for (size_t c = 1; c < g->n_columns; c++)
            if (widths[c] > widths[widest])
                widest = c;
        if (widths[widest] <= NARROWEST)
            return; /* the terminal wraps: better than nothing */
        widths[widest]--;
    }
}

/* Nothing is printed behind the last cell that has text. */
static void print_row(const struct grid *g, const struct term *t, const char *const *cells,
                      const int *widths)
{
    size_t n = g->n_columns;

    while (n > 1 && !*cells[n - 1])
        n--;
    for (size_t c = 0; c < n; c++) {
        const char *text = text_clean(g->arena, str_of(cells[c]), widths[c] > 0 ? widths[c] : 1);
        int pad = widths[c] - text_width(str_of(text));
        bool right = g->columns[c].align == ALIGN_RIGHT;

        pad = pad > 0 ? pad : 0;
        fprintf(t->file, "%*s%s%*s", right ? pad : 0, "", text,
                c + 1 == n ? 0 : GAP + (right ? 0 : pad), "");
    }
}

void grid_print(const struct grid *g, const struct term *t, int indent)
{
    const char *titles[GRID_COLUMNS_MAX];
    int widths[GRID_COLUMNS_MAX] = {0};

    measure(g, t->columns - indent, widths);
    for (size_t c = 0; c < g->n_columns; c++)
        titles[c] = g->columns[c].title;
    fprintf(t->file, "%*s%s", indent, "", term_ink(t, INK_DIM));
    print_row(g, t, titles, widths);
    fprintf(t->file, "%s\n", term_ink(t, INK_PLAIN));
    for (size_t r = 0; r < g->n_rows; r++) {
        fprintf(t->file, "%*s", indent, "");
        print_row(g, t, g->cells + r * g->n_columns, widths);
        fputc('\n', t->file);
    }
}
