/* query: a list_query becomes one SELECT with parameters. Text of a filter, an order or a search
 * never becomes SQL: names are looked up in records.def, values become $n. */
#ifndef SQL_QUERY_H
#define SQL_QUERY_H

#include "base/buf.h"
#include "sql/columns.h"
#include "sql/tx.h"
#include "store/filter.h"
#include "store/operand.h"

enum {
    QUERY_BYTES_MAX = 16 << 10, /* SQL of one list: FILTER_TERMS_MAX terms of 100 bytes, and more */
    QUERY_ARGS_MAX = 320,       /* FILTER_TERMS_MAX terms of up to three, tokens, fixed ones, and
                                   TEAMS_MAX twice: through a lead or a deal */
    ORDER_TERMS_MAX = 4,
    QUERY_TOKENS_MAX = SEARCH_WORDS_MAX + FILTER_TERMS_MAX + LIST_WHERE_MAX,
};

/* A statement under construction. The first failure is kept in the call. */
struct query {
    struct tx *tx;
    const struct record_info *info;
    struct buf sql;
    struct sql_value args[QUERY_ARGS_MAX];
    size_t n_args;
    const struct filter *filter;      /* NULL: none */
    const char *leading;              /* the column that the list is sorted by; NULL: not a list */
    int64_t tokens[QUERY_TOKENS_MAX]; /* words and tags that a row must all have */
    size_t n_tokens;
};

/* Sets up q and parses filter and search. INVALID with a violation of `filter` or `search`. */
MUST_CHECK enum status query_init(struct query *q, struct tx *tx, const struct record_info *info,
                                  str filter, str search);

/* Notes the fixed conditions that are tokens: before anything is appended. */
void query_put_tokens(struct query *q, const struct list_where *where, size_t n);

/* Appends " FROM ... WHERE ..." with tenant, tokens, fixed conditions and filter. */
MUST_CHECK enum status query_put_where(struct query *q, const struct list_where *where, size_t n);

/* Appends "$n" for a new argument. */
void query_put_arg(struct query *q, struct sql_value v);

/* OK, or out of memory or room. */
MUST_CHECK enum status query_check(struct query *q);

/* Name and alias of the id to sort by: the leading table's. */
const char *query_id(const struct query *q);

/* Appends the condition of a filter tree; parentheses included. */
MUST_CHECK enum status query_put_filter(struct query *q, const struct filter *f);

/* INVALID, naming a request field and a place (column 0: none) in it. */
enum status query_invalid(struct tx *tx, const char *field, size_t column, const char *why);

#endif
