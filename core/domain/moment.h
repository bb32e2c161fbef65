/* moment: between google.protobuf.Timestamp, microseconds since 1970 UTC, and calendar dates. */
#ifndef DOMAIN_MOMENT_H
#define DOMAIN_MOMENT_H

#include <stdint.h>

#include "base/arena.h"
#include "google/protobuf/timestamp.h"

#define MOMENT_SECOND_US INT64_C(1000000)
#define MOMENT_DAY_US    (86400 * MOMENT_SECOND_US)

/* Microseconds of t, `missing` when there is none. Nanoseconds below are cut off. */
int64_t moment_us(const Timestamp *t, int64_t missing);

/* A Timestamp in the arena; NULL when it is full. */
Timestamp *moment_new(struct arena *a, int64_t us);

enum { DATE_TEXT_BYTES = 10 };

/* Day number of "YYYY-MM-DD" since 1970-01-01. False: no date of the calendar. */
MUST_CHECK bool date_parse(str text, int64_t *day_out);

/* The date (UTC) of an instant as "YYYY-MM-DD", NUL-terminated. */
void date_of(int64_t us, char out[DATE_TEXT_BYTES + 1]);

#endif
