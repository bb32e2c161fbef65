/* Rows waiting for one INSERT. */
#include "sql/batch.h"

#include <assert.h>

struct batch *batch_new(struct call *c, const struct insert_texts *texts, size_t rows)
{
    struct batch *b =
        arena_take(&c->arena, sizeof *b + rows * texts->width * sizeof(struct sql_value));

    if (b)
        *b = (struct batch){.texts = texts, .cap = rows};
    return b;
}

enum status batch_flush(struct batch *b, struct sql_conn *conn, struct call *c)
{
    size_t done = 0, n;

    if (!b)
        return STATUS_OK;
    n = b->n;
    b->n = 0; /* also after a failure: the unit is over then */
    for (int i = BATCH_TEXTS - 1; i >= 0; i--)
        while (b->texts->text[i] && n - done >= (size_t)1 << i) {
            TRY(sql_exec(conn, c,
                         &(struct sql_statement){b->texts->text[i],
                                                 b->values + done * b->texts->width,
                                                 b->texts->width << i}));
            done += (size_t)1 << i;
        }
    assert(done == n);
    return STATUS_OK;
}

enum status batch_add(struct batch *b, struct sql_conn *conn, struct call *c,
                      struct sql_value **out)
{
    *out = NULL;
    if (b->n == b->cap)
        TRY(batch_flush(b, conn, c));
    *out = b->values + b->n++ * b->texts->width;
    return STATUS_OK;
}
