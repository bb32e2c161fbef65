/* result: libpq's wire formats on one side, sql_value on the other. All values travel in binary. */
#ifndef POSTGRES_RESULT_H
#define POSTGRES_RESULT_H

#include <libpq-fe.h>

#include "sql/driver.h"

struct params {
    const Oid *types;
    const char *const *values;
    const int *lengths, *formats;
};

/* The arguments as libpq takes them, in the arena. False: out of memory. */
bool params_fill(struct params *out, struct arena *a, const struct sql_statement *q);

/* Calls row for each tuple until it refuses. */
MUST_CHECK enum status result_rows(const PGresult *r, sql_row_fn row, void *arg);

/* The class of a failed result; for UNIQUE, *taken is the column if it is one of records.def. */
enum sql_error result_error(const PGresult *r, enum record_column *taken);

#endif
