/* columns: a message's index columns and search tokens, as SQL wants them. */
#ifndef SQL_COLUMNS_H
#define SQL_COLUMNS_H

#include "sql/tx.h"

enum { TOKEN_BYTES = 8, TAGS_MAX = 192 }; /* of a record: all TAGS, all MANY */

/* Fills values[] with the stored columns in order; returns how many. Blind values are made in the
 * call's arena. *ok is false when that is used up. */
size_t columns_read(struct tx *tx, const struct record_info *info, const ProtobufCMessage *m,
                    struct sql_value *values, bool *ok);

/* The value of one column for a comparison. TEXT, BLIND, ID: from text; the others: number. For ID,
 * a text that is no id gives an id that no row has. */
struct sql_value column_value(struct tx *tx, const struct column_info *c, str text, int64_t number,
                              bool *ok);

/* From here on the unit remembers blind values: those looked up are often stored next. Worth its
 * memory for a batch only. */
void columns_keep_blind(struct tx *tx);

/* Tokens are keyed digests of 8 bytes of words and tags; `packed` is all of a record's, sorted and
 * without repetition, one after the other. EXHAUSTED: out of memory. */
MUST_CHECK enum status tokens_read(struct tx *tx, const struct record_info *info,
                                   const ProtobufCMessage *m, str *packed_out);

int64_t token_of_word(struct tx *tx, const struct record_info *info, str word);
int64_t token_of_tag(struct tx *tx, const struct column_info *c, str tag);

/* The i-th token of packed. */
int64_t token_at(str packed, size_t i);

#endif
