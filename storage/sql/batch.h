/*
 * batch: rows waiting for one INSERT. A full batch is sent at once; the rest in powers of two, so
 * that each table needs a handful of prepared statements.
 *
 * Rows whose key is a digest are better collected and sent in the order of their keys: neighbours
 * go to the same page of the index, which is then at hand.
 */
#ifndef SQL_BATCH_H
#define SQL_BATCH_H

#include "sql/driver.h"

enum { BATCH_TEXTS = 7 }; /* INSERTs of 1, 2, 4 ... 64 rows */

struct insert_texts {
    const char *text[BATCH_TEXTS]; /* [i] inserts 1 << i rows; NULL above the driver's batch_rows */
    size_t width;                  /* columns of a row */
    size_t order; /* rows are sent in the order of this SQL_INT column; 0: as they came */
};

struct batch {
    const struct insert_texts *texts;
    size_t n, cap, most; /* rows */
    struct sql_value *values;
};

/* Empty, in the call's arena, for at most that many rows; NULL: out of memory. */
struct batch *batch_new(struct call *c, const struct insert_texts *texts, size_t most);

/* Room for one more row, [texts->width] values to fill in at once. *out is NULL when it failed. */
MUST_CHECK enum status batch_add(struct batch *b, struct sql_conn *conn, struct call *c,
                                 struct sql_value **out);

/* Sends all rows. NULL is allowed. */
MUST_CHECK enum status batch_flush(struct batch *b, struct sql_conn *conn, struct call *c);

#endif
