/* word: the table that leads from a token to the records that have it. */
#ifndef SQL_WORD_H
#define SQL_WORD_H

#include "sql/tx.h"

/* What is only in `before` goes, what is only in `after` comes: packed tokens, sorted, as columns.h
 * has them. The row id lasts until the unit ends. */
MUST_CHECK enum status words_change(struct tx *tx, struct uuid *id, str before, str after);

#endif
