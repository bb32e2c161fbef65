/* FROM and WHERE of lists and groups. */
#include "sql/query.h"

#include <assert.h>

#include "store/words.h"

enum status query_invalid(struct tx *tx, const char *field, size_t column, const char *why)
{
    struct call *c = tx->call;

    if (column) {
        call_detail(c, FAULT_FIELD, "list.syntax", str_of(field), "%s, at position %zu", why,
                    column);
        return call_fail_as(c, STATUS_INVALID, "INVALID_LIST", "%s: %s, at position %zu", field,
                            why, column);
    }
    call_detail(c, FAULT_FIELD, "list.syntax", str_of(field), "%s", why);
    return call_fail_as(c, STATUS_INVALID, "INVALID_LIST", "%s: %s", field, why);
}

/* Tags that every row must have become tokens: the list can then start from them. */
static void collect_tags(struct query *q, const struct filter *f)
{
    const struct filter *stack[FILTER_TERMS_MAX];
    size_t n = 0;

    for (; f; f = n ? stack[--n] : NULL) {
        struct operand o;

        if (f->kind == FILTER_AND) {
            assert(n + 2 <= FILTER_TERMS_MAX);
            stack[n++] = f->left;
            stack[n++] = f->right;
        } else if (f->kind == FILTER_TERM && f->op == FILTER_HAS &&
                   operand_find(q->info, f->name, COLUMN_FILTER, &o) && o.type == COLUMN_TAGS &&
                   (f->quoted || !str_eq(f->value, STR("*")))) {
            q->tokens[q->n_tokens++] = token_of_tag(q->tx, o.info, f->value);
        }
    }
}

static enum status collect_words(struct query *q, str search)
{
    struct words words = {.n = 0};
    size_t longest = 0;

    if (!words_add(&q->tx->call->arena, search, &words))
        return call_nomem(q->tx->call);
    if (words.n > SEARCH_WORDS_MAX)
        return query_invalid(q->tx, "search", 0, "more than 8 words");
    if (search.n && !words.n && str_trim(search).n)
        return query_invalid(q->tx, "search", 0, "holds no letters or digits");
    if (words.n && !q->info->n_words)
        return query_invalid(q->tx, "search", 0, "this list cannot be searched");
    for (size_t i = 0; i < words.n; i++)
        if (words.list[i].n > words.list[longest].n)
            longest = i;
    /* long words are rare: the list starts from one */
    for (size_t i = 0; i < words.n; i++)
        q->tokens[q->n_tokens++] =
            token_of_word(q->tx, q->info, words.list[(longest + i) % words.n]);
    return STATUS_OK;
}

enum status query_init(struct query *q, struct tx *tx, const struct record_info *info, str filter,
                       str search)
{
    struct filter_error error;

    q->tx = tx;
    q->info = info;
    q->n_args = q->n_tokens = 0;
    q->leading = NULL;
    buf_init(&q->sql, &tx->call->arena, QUERY_BYTES_MAX);
    if (!filter_parse(&tx->call->arena, filter, &q->filter, &error))
        return query_invalid(tx, "filter", error.column, error.why);
    TRY(collect_words(q, search));
    collect_tags(q, q->filter);
    return STATUS_OK;
}

void query_put_arg(struct query *q, struct sql_value v)
{
    if (q->n_args == QUERY_ARGS_MAX) {
        q->sql.failed = true;
        return;
    }
    q->args[q->n_args++] = v;
    buf_printf(&q->sql, "$%zu", q->n_args);
}

enum status query_check(struct query *q)
{
    if (!buf_ok(&q->sql))
        return call_fail_as(q->tx->call, STATUS_INVALID, "LIST_TOO_LARGE",
                            "filter, order and search together are too large");
    return STATUS_OK;
}

const char *query_id(const struct query *q)
{
    return q->n_tokens ? "w.id" : "r.id";
}

static void put_from(struct query *q)
{
    struct buf *b = &q->sql;

    assert(q->n_args == 0);
    q->args[q->n_args++] = sql_int(q->tx->tenant_id);
    if (!q->n_tokens) {
        buf_printf(b, " FROM %s r WHERE r.tenant_id = $1", q->info->table);
        return;
    }
    /* CROSS JOIN fixes the order of the loops on SQLite: from the word to its records */
    buf_printf(
        b, " FROM word w CROSS JOIN %s r WHERE w.tenant_id = $1 AND w.token = ", q->info->table);
    query_put_arg(q, sql_int(q->tokens[0]));
    buf_put(b, STR(" AND r.tenant_id = $1 AND r.id = w.id"));
    for (size_t i = 1; i < q->n_tokens; i++) {
        buf_put(b, STR(" AND EXISTS (SELECT 1 FROM word x WHERE x.tenant_id = $1 AND x.token = "));
        query_put_arg(q, sql_int(q->tokens[i]));
        buf_put(b, STR(" AND x.id = w.id)"));
    }
}

void query_put_tokens(struct query *q, const struct list_where *where, size_t n)
{
    assert(n <= LIST_WHERE_MAX && !q->n_args);
    for (size_t i = 0; i < n; i++) {
        const struct column_info *c = column_info(where[i].column);

        if (!column_is_stored(c))
            q->tokens[q->n_tokens++] = token_of_tag(q->tx, c, where[i].text);
    }
}

enum status query_put_where(struct query *q, const struct list_where *where, size_t n)
{
    bool ok = true;

    assert(n <= LIST_WHERE_MAX);
    put_from(q);
    for (size_t i = 0; i < n; i++) {
        const struct column_info *c = column_info(where[i].column);

        assert(c->kind == q->info->kind);
        if (!column_is_stored(c))
            continue; /* query_put_tokens has it */
        buf_printf(&q->sql, " AND r.%s = ", c->name);
        query_put_arg(q, column_value(q->tx, c, where[i].text, where[i].number, &ok));
    }
    if (!ok)
        return call_nomem(q->tx->call);
    if (q->filter) {
        buf_put(&q->sql, STR(" AND "));
        TRY(query_put_filter(q, q->filter));
    }
    return query_check(q);
}
