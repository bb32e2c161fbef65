/* Rows waiting for one INSERT. */
#include "sql/batch.h"

#include <assert.h>
#include <stdlib.h>

enum { ROWS_FIRST = 16 }; /* a single record has about ten rows of words */

static struct sql_value *room(struct call *c, const struct insert_texts *texts, size_t rows)
{
    return arena_take(&c->arena, rows * texts->width * sizeof(struct sql_value));
}

struct batch *batch_new(struct call *c, const struct insert_texts *texts, size_t most)
{
    struct batch *b = NEW(&c->arena, struct batch, 1);

    if (!b)
        return NULL;
    *b = (struct batch){.texts = texts, .most = most, .cap = most < ROWS_FIRST ? most : ROWS_FIRST};
    b->values = room(c, texts, b->cap);
    return b->values ? b : NULL;
}

static int by_first(const void *a, const void *b)
{
    const struct sql_value *x = a, *y = b;

    return (x->i > y->i) - (x->i < y->i);
}

/* The column of the order comes first while the rows are sorted. */
static void sort(struct batch *b)
{
    size_t order = b->texts->order, width = b->texts->width;

    for (int turn = 0; turn < 2; turn++) {
        for (size_t r = 0; r < b->n; r++) {
            struct sql_value *row = b->values + r * width, first = row[0];

            row[0] = row[order];
            row[order] = first;
        }
        if (turn == 0)
            qsort(b->values, b->n, width * sizeof *b->values, by_first);
    }
}

enum status batch_flush(struct batch *b, struct sql_conn *conn, struct call *c)
{
    size_t done = 0, n;

    if (!b)
        return STATUS_OK;
    if (b->texts->order && b->n > 1)
        sort(b);
    n = b->n;
    b->n = 0; /* also after a failure: the unit is over then */
    for (int i = BATCH_TEXTS - 1; i >= 0; i--) {
        size_t times = b->texts->text[i] ? (n - done) >> i : 0;

        if (times)
            TRY(sql_exec_many(conn, c,
                              &(struct sql_statement){b->texts->text[i],
                                                      b->values + done * b->texts->width,
                                                      b->texts->width << i},
                              times));
        done += times << i;
    }
    assert(done == n);
    return STATUS_OK;
}

static enum status grow(struct batch *b, struct call *c)
{
    size_t cap = 2 * b->cap < b->most ? 2 * b->cap : b->most;
    struct sql_value *more = room(c, b->texts, cap);

    if (!more)
        return call_nomem(c);
    memcpy(more, b->values, b->n * b->texts->width * sizeof *more);
    b->values = more;
    b->cap = cap;
    return STATUS_OK;
}

enum status batch_add(struct batch *b, struct sql_conn *conn, struct call *c,
                      struct sql_value **out)
{
    *out = NULL;
    if (b->n == b->most)
        TRY(batch_flush(b, conn, c));
    else if (b->n == b->cap)
        TRY(grow(b, c));
    *out = b->values + b->n++ * b->texts->width;
    return STATUS_OK;
}
