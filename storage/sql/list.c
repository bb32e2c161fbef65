/* Pages by keyset: a page ends at a place in the order, and the next one goes on behind it. */
#include <assert.h>
#include <stdio.h>

#include "base/encode.h"
#include "sql/query.h"
#include "sql/reach.h"

struct order_term {
    const char *name; /* SQL name; "id": the tie-breaker, and what create_time means */
    bool descending, is_text;
};

struct order {
    struct order_term terms[ORDER_TERMS_MAX + 1]; /* the last one is "id" */
    size_t n;
};

static enum status order_term(struct query *q, str term, struct order *out)
{
    str name = str_cut(&term, ' '), way = str_trim(term);
    bool descending = str_eq_nocase(way, STR("desc"));
    struct operand o;

    if (way.n && !descending && !str_eq_nocase(way, STR("asc")))
        return query_invalid(q->tx, "order_by", 0, "expected asc or desc after a field");
    if (!operand_find(q->info, name, COLUMN_ORDER, &o))
        return query_invalid(q->tx, "order_by", 0, "this list cannot be sorted by that field");
    for (size_t i = 0; i < out->n; i++)
        if (str_eq(str_of(out->terms[i].name), str_of(o.name)))
            return query_invalid(q->tx, "order_by", 0, "a field occurs twice");
    if (out->n == ORDER_TERMS_MAX)
        return query_invalid(q->tx, "order_by", 0, "more than 4 fields");
    out->terms[out->n++] = (struct order_term){o.name, descending, o.type == COLUMN_TEXT};
    return STATUS_OK;
}

static enum status order_parse(struct query *q, str text, struct order *out)
{
    *out = (struct order){.n = 0};
    if (!str_trim(text).n)
        text = str_of(q->info->order);
    while (text.n)
        TRY(order_term(q, str_trim(str_cut(&text, ',')), out));
    for (size_t i = 0; i < out->n; i++)
        if (str_eq(str_of(out->terms[i].name), STR("create_time"))) {
            out->terms[i].name = "id"; /* nothing ties behind it */
            out->n = i + 1;
            return STATUS_OK;
        }
    out->terms[out->n] = (struct order_term){"id", out->terms[out->n - 1].descending, false};
    out->n++;
    return STATUS_OK;
}

static const char *sql_of(const struct query *q, const struct order_term *t, char text[64])
{
    if (t->name[0] == 'i' && t->name[1] == 'd' && !t->name[2])
        return query_id(q);
    snprintf(text, 64, "r.%s", t->name);
    return text;
}

static bool one_way(const struct order *o)
{
    for (size_t i = 1; i < o->n; i++)
        if (o->terms[i].descending != o->terms[0].descending)
            return false;
    return true;
}

/* "(a, b, id) < ($5, $6, $7)": what one range scan of an index answers. */
static void put_row_bound(struct query *q, const struct order *o, const struct sql_value *last)
{
    char text[64];

    buf_put(&q->sql, STR(" AND ("));
    for (size_t i = 0; i < o->n; i++)
        buf_printf(&q->sql, "%s%s", i ? ", " : "", sql_of(q, &o->terms[i], text));
    buf_printf(&q->sql, ") %c (", o->terms[0].descending ? '<' : '>');
    for (size_t i = 0; i < o->n; i++) {
        buf_put(&q->sql, i ? STR(", ") : STR(""));
        query_put_arg(q, last[i]);
    }
    buf_putc(&q->sql, ')');
}

/* Mixed directions: a <= $5 AND (a < $5 OR (a = $5 AND (b > $6 OR ...))). */
static void put_mixed_bound(struct query *q, const struct order *o, const struct sql_value *last)
{
    char text[64];
    size_t base = q->n_args;

    for (size_t i = 0; i < o->n; i++) {
        const struct order_term *t = &o->terms[i];
        const char *name = sql_of(q, t, text);
        char way = t->descending ? '<' : '>';

        q->args[q->n_args++] = last[i];
        if (i == 0)
            buf_printf(&q->sql, " AND %s %c= $%zu AND (", name, way, base + 1);
        buf_printf(&q->sql, "%s %c $%zu", name, way, base + i + 1);
        if (i + 1 < o->n)
            buf_printf(&q->sql, " OR (%s = $%zu AND (", name, base + i + 1);
    }
    for (size_t i = 0; i + 1 < o->n; i++)
        buf_put(&q->sql, STR("))"));
    buf_putc(&q->sql, ')');
}

/* A token fits one query of one tenant: its place is a digest of them. */
static struct seal_place token_place(const struct query *q, const struct list_query *l)
{
    const str parts[] = {l->filter, l->order_by, l->search, str_of(q->info->table)};
    unsigned char digest[SEAL_DIGEST_BYTES];
    struct seal_place p = {.table = "page", .tenant_id = q->tx->tenant_id};
    struct buf b;

    buf_init(&b, &q->tx->call->arena, QUERY_BYTES_MAX);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        buf_printf(&b, "%zu:", parts[i].n);
        buf_put(&b, parts[i]);
    }
    for (size_t i = 0; i < l->n_where; i++) {
        buf_printf(&b, "%s=%zu:", column_info(l->where[i].column)->name, l->where[i].text.n);
        buf_put(&b, l->where[i].text);
        buf_printf(&b, "%lld", (long long)l->where[i].number);
    }
    seal_sha256(buf_str(&b), digest);
    memcpy(p.id.b, digest, sizeof p.id.b);
    return p;
}

static enum status token_make(struct query *q, const struct list_query *l, const struct order *o,
                              const struct sql_value *last, char **out)
{
    struct seal_place place = token_place(q, l);
    struct arena *a = &q->tx->call->arena;
    struct buf b;
    str sealed;

    buf_init(&b, a, QUERY_BYTES_MAX);
    for (size_t i = 0; i < o->n; i++) {
        if (last[i].type == SQL_INT) {
            buf_printf(&b, "i%lld;", (long long)last[i].i);
        } else {
            buf_printf(&b, "%c%zu;", last[i].type == SQL_TEXT ? 't' : 'b', last[i].s.n);
            buf_put(&b, last[i].s);
        }
    }
    TRY(seal(q->tx->call, tenant_keys_current(q->tx->keys), &place, buf_str(&b), &sealed));
    *out = base64url_encode(a, sealed.p, sealed.n);
    return *out ? STATUS_OK : call_nomem(q->tx->call);
}

/* One value off the front of *s. */
static bool token_value(str *s, struct sql_value *out)
{
    str head;
    long long n;
    char type;

    if (s->n == 0)
        return false;
    assert(s->p);
    type = s->p[0];
    *s = str_sub(*s, 1, s->n);
    head = str_cut(s, ';');
    if (!str_to_int64(head, &n))
        return false;
    if (type == 'i') {
        *out = sql_int(n);
        return true;
    }
    if ((type != 't' && type != 'b') || n < 0 || (size_t)n > s->n)
        return false;
    *out = (struct sql_value){.type = type == 't' ? SQL_TEXT : SQL_BYTES, .s = {s->p, (size_t)n}};
    *s = str_sub(*s, (size_t)n, s->n);
    return true;
}

static enum status token_read(struct query *q, const struct list_query *l, const struct order *o,
                              struct sql_value *last)
{
    struct seal_place place = token_place(q, l);
    const struct seal_key *key = NULL;
    str sealed, plain = {0};
    uint32_t id;
    bool ok = base64url_decode(&q->tx->call->arena, l->page_token, &sealed) &&
              seal_key_id(sealed, &id) && (key = tenant_keys_find(q->tx->keys, id)) != NULL &&
              seal_open(q->tx->call, key, &place, sealed, &plain);

    for (size_t i = 0; ok && i < o->n; i++)
        ok = token_value(&plain, &last[i]);
    return ok ? STATUS_OK
              : query_invalid(q->tx, "page_token", 0,
                              "not a token of this list with this filter, order and search");
}

struct page_rows {
    struct record_row row;
    struct list_page *page;
    const struct order *order;
    struct sql_value last[ORDER_TERMS_MAX + 1];
    size_t size, n_seen;
    bool skips_damaged, more;
};

static enum status keep_last(struct page_rows *p, const struct sql_value *cols)
{
    for (size_t i = 0; i < p->order->n; i++) {
        p->last[i] = cols[i];
        if (cols[i].type == SQL_INT || cols[i].type == SQL_NULL)
            continue;
        p->last[i].s = arena_str(&p->row.tx->call->arena, cols[i].s);
        if (!p->last[i].s.p)
            return call_nomem(p->row.tx->call);
    }
    return STATUS_OK;
}

static enum status page_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct page_rows *p = arg;
    enum status s;

    assert(n == RECORD_FIELDS_N + p->order->n);
    if (p->n_seen == p->size) {
        p->more = true; /* the row behind the page only shows that there is one */
        return STATUS_OK;
    }
    p->n_seen++;
    s = record_read(&p->row, cols);
    if (s == STATUS_DATA_LOSS && p->skips_damaged) {
        call_clear(p->row.tx->call);
        p->page->n_damaged++;
    } else if (s != STATUS_OK) {
        return s;
    } else {
        assert(p->row.message); /* the statement asks for what is within reach only */
        p->page->items[p->page->n_items++] = p->row.message;
    }
    return p->n_seen == p->size ? keep_last(p, cols + RECORD_FIELDS_N) : STATUS_OK;
}

static void put_order(struct query *q, const struct order *o)
{
    char text[64];

    for (size_t i = 0; i < o->n; i++)
        buf_printf(&q->sql, "%s%s%s", i ? ", " : " ORDER BY ", sql_of(q, &o->terms[i], text),
                   o->terms[i].descending ? " DESC" : "");
}

/* A number of ours, and not a parameter: the planner has to know that it is small. */
static void put_end(struct query *q, const struct order *o, size_t size)
{
    put_order(q, o);
    buf_printf(&q->sql, " LIMIT %zu", size + 1);
}

/* The same page of each way, each the start of a range of its own index, and the first of all. */
static void put_ways(struct query *q, const struct order *o, size_t size)
{
    str common = buf_str(&q->sql);
    size_t n = reach_ways(q);

    if (n == 1) {
        reach_put(q, REACH_ANY);
        put_end(q, o, size);
        return;
    }
    buf_init(&q->sql, &q->tx->call->arena, (size_t)QUERY_BYTES_MAX * REACH_WAYS_MAX);
    for (size_t i = 0; i < n; i++) {
        buf_put(&q->sql, i ? STR(" UNION ALL SELECT * FROM (") : STR("SELECT * FROM ("));
        buf_put(&q->sql, common);
        reach_put(q, i);
        put_end(q, o, size);
        buf_printf(&q->sql, ") w%zu", i);
    }
    for (size_t i = 0; i < o->n; i++)
        buf_printf(&q->sql, "%s%zu%s", i ? ", " : " ORDER BY ", RECORD_FIELDS_N + i + 1,
                   o->terms[i].descending ? " DESC" : "");
    buf_printf(&q->sql, " LIMIT %zu", size + 1);
}

static enum status put_list(struct query *q, const struct list_query *l, const struct order *o,
                            size_t size)
{
    struct sql_value last[ORDER_TERMS_MAX + 1] = {{0}};
    char text[64];

    buf_put(&q->sql, STR("SELECT " RECORD_FIELDS));
    for (size_t i = 0; i < o->n; i++)
        buf_printf(&q->sql, ", %s", sql_of(q, &o->terms[i], text));
    TRY(query_put_where(q, l->where, l->n_where));
    if (l->page_token.n) {
        TRY(token_read(q, l, o, last));
        if (q->n_args + o->n >= QUERY_ARGS_MAX)
            q->sql.failed = true;
        else if (one_way(o))
            put_row_bound(q, o, last);
        else
            put_mixed_bound(q, o, last);
    }
    TRY(query_check(q));
    put_ways(q, o, size);
    return query_check(q);
}

enum status tx_list(struct tx *tx, enum record_kind kind, const struct list_query *l,
                    struct list_page *out)
{
    const struct record_info *info = tx_kind(tx, kind);
    struct query *q = NEW(&tx->call->arena, struct query, 1);
    struct page_rows rows = {
        .row = {.tx = tx, .info = info}, .page = out, .skips_damaged = l->skips_damaged};
    struct order order;

    *out = (struct list_page){.next_page_token = ""};
    if (l->page_size < 0 || l->page_size > PAGE_SIZE_MAX)
        return query_invalid(tx, "page_size", 0, "expected 0 to 500");
    rows.size = l->page_size ? (size_t)l->page_size : PAGE_SIZE_DEFAULT;
    rows.order = &order;
    out->items = NEW(&tx->call->arena, ProtobufCMessage *, rows.size);
    if (!q || !out->items)
        return call_nomem(tx->call);
    TRY(query_init(q, tx, info, l->filter, l->search));
    query_put_tokens(q, l->where, l->n_where);
    TRY(order_parse(q, l->order_by, &order));
    q->leading = order.terms[0].name;
    TRY(put_list(q, l, &order, rows.size));
    TRY(tx_query(tx, &(struct sql_statement){buf_str(&q->sql).p, q->args, q->n_args}, page_row,
                 &rows));
    return rows.more ? token_make(q, l, &order, rows.last, &out->next_page_token) : STATUS_OK;
}
