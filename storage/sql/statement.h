/* statement: the fixed SQL of every kind, generated once from records.def. */
#ifndef SQL_STATEMENT_H
#define SQL_STATEMENT_H

#include "sql/batch.h"
#include "store/record_info.h"

/* The columns of every record that are read: record_read() takes them in this order. */
#define RECORD_FIELDS "r.id, r.version, r.create_time, r.update_time, r.body, r.tokens"
enum { RECORD_FIELDS_N = 6 };

/* What an INSERT has before the index columns: tenant_id, id, version, create_time, update_time,
 * body, tokens, copy. */
enum { RECORD_COPY = 7, RECORD_FIXED_N = 8 };

/* IN lists come in these lengths; a shorter one repeats its last value. */
enum { IN_SIZES = 4, IN_MAX = 512 };
extern const size_t in_sizes[IN_SIZES];

/* The index of the shortest list that holds n <= IN_MAX values. */
size_t in_size_for(size_t n);

struct kind_statements {
    struct insert_texts insert;
    const char
        *update;     /* $1 tenant $2 id $3 version; $4.. version update_time body tokens columns */
    const char *get; /* $1 tenant $2 id */
    const char *version;               /* the same; version, create_time, tokens, body */
    const char *erase;                 /* $1 tenant $2 id $3 version */
    const char *get_many[IN_SIZES];    /* $1 tenant $2.. ids */
    const char **find;                 /* [n_columns] $1 tenant $2 value */
    const char *(*find_ids)[IN_SIZES]; /* [n_columns] $1 tenant $2.. values; value, id */
};

struct statements {
    struct arena arena;
    struct kind_statements kinds[RECORD_KINDS];
    struct insert_texts words;  /* tenant_id, token, id */
    struct insert_texts events; /* tenant_id, id, type, kind, subject, create_time, body, trace */
    struct insert_texts places; /* of audit entries: tenant_id, id, sequence, mac; UPDATEs */
};

/* INSERTs of up to batch_rows rows. NULL: out of memory. */
struct statements *statements_new(size_t batch_rows);
void statements_free(struct statements *s);

/* Columns that exist in SQL: all but those that are tokens. */
static inline bool column_is_stored(const struct column_info *c)
{
    return c->type != COLUMN_TAGS && c->type != COLUMN_MANY;
}

#endif
