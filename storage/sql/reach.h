/* reach: the caller's reach inside of a unit; private to this layer. */
#ifndef SQL_REACH_H
#define SQL_REACH_H

#include "sql/query.h"
#include "store/reach.h"

/* For rows just read: whether the caller may know of the record; sets s->fixed when it must not
 * change it. Runs no statement: of an activity nothing is said. */
MUST_CHECK bool reach_row(struct tx *tx, const struct record_info *info, const ProtobufCMessage *m,
                          struct seen *s);

/* *m becomes NULL when it is as its lead and deal, and those are out of sight. */
MUST_CHECK enum status reach_parents(struct tx *tx, const struct record_info *info,
                                     ProtobufCMessage **m);

/* OK, or DENIED: for a record to be inserted, or as it is after an update. */
MUST_CHECK enum status reach_after(struct tx *tx, const struct record_info *info,
                                   const ProtobufCMessage *m, bool is_new);

/* OK, or DENIED: for the record on file that is to be changed or deleted. */
MUST_CHECK enum status reach_before(struct tx *tx, const struct record_info *info,
                                    const struct seen *s);

/* Lists: the condition of the reach as alternatives that exclude each other, each the range of one
 * index. 1: everything, or nothing to tell apart. */
size_t reach_ways(const struct query *q);

/* Appends " AND ..." for one of the ways; REACH_ANY: all of them as one condition. */
enum { REACH_WAYS_MAX = 8 };
#define REACH_ANY SIZE_MAX
void reach_put(struct query *q, size_t way);

#endif
