/* The words of records, by which lists find them: one walk along two sorted lists of tokens. */
#include "sql/word.h"

#include <assert.h>
#include <string.h>

#include "sql/columns.h"

static enum status add_word(struct tx *tx, struct uuid *id, int64_t token)
{
    struct sql_value *row = NULL;

    TRY(tx_batch_row(tx, &tx->words, &tx->store->statements->words, &row));
    assert(row);
    row[0] = sql_int(tx->tenant_id);
    row[1] = sql_int(token);
    row[2] = sql_bytes(id->b, sizeof id->b);
    return STATUS_OK;
}

static enum status remove_word(struct tx *tx, const struct uuid *id, int64_t token)
{
    return tx_exec(tx, &(struct sql_statement){
                           "DELETE FROM word WHERE tenant_id = $1 AND token = $2 AND id = $3",
                           (struct sql_value[]){sql_int(tx->tenant_id), sql_int(token),
                                                sql_bytes(id->b, sizeof id->b)},
                           3});
}

enum status words_change(struct tx *tx, struct uuid *id, str before, str after)
{
    size_t i = 0, j = 0, n = before.n / TOKEN_BYTES, m = after.n / TOKEN_BYTES;

    while (i < n || j < m) {
        int order =
            i == n   ? 1
            : j == m ? -1
                     : memcmp(before.p + i * TOKEN_BYTES, after.p + j * TOKEN_BYTES, TOKEN_BYTES);

        if (order < 0)
            TRY(remove_word(tx, id, token_at(before, i++)));
        else if (order > 0)
            TRY(add_word(tx, id, token_at(after, j++)));
        else
            i++, j++;
    }
    return STATUS_OK;
}
