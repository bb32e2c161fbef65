/*
 * writing: a message on its way into a row. What needs no transaction but the keys (packing,
 * sealing, digests) is apart from what does, so that it can be done before there is one.
 */
#ifndef SQL_WRITING_H
#define SQL_WRITING_H

#include "sql/tx.h"

struct writing {
    const struct record_info *info;
    ProtobufCMessage *m;
    struct uuid *id; /* in the arena: rows that wait in a batch point to it */
    struct seen s;   /* as it will be stored */
    int64_t now;
    str body; /* sealed; s.plain is what is in it */
};

/* The message's id, or a new one. An id that carries a time says when the record was made. */
MUST_CHECK enum status writing_new_id(struct tx *tx, struct writing *w);

/* Finds the words, seals the message for its version, then writes what the store owns into it. */
MUST_CHECK enum status writing_encode(struct tx *tx, struct writing *w);

/* Writes what the store owns into the message of version *s. */
MUST_CHECK enum status writing_stamp(struct tx *tx, const struct record_info *info,
                                     ProtobufCMessage *m, const struct seen *s, int64_t update_us);

/* Fills a row for the kind's INSERT; it is no copy. False: out of memory. */
bool writing_insert_args(struct tx *tx, const struct writing *w, struct sql_value *args);

/* The value of the column RECORD_COPY: of a deliberate duplicate a number of its own. */
struct sql_value writing_copy(const struct uuid *id, bool copy);

/* What follows every change: the words, and a note for the trail. before: NULL for a new record. */
MUST_CHECK enum status writing_follow(struct tx *tx, const struct writing *w,
                                      const struct seen *before);

#endif
