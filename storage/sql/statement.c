/* Generates statements by walking records.def. A text that does not fit is our mistake. */
#include "sql/statement.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"

enum { TEXT_MAX = 64 << 10, ARENA_MAX = 8 << 20 };

const size_t in_sizes[IN_SIZES] = {1, 8, 64, IN_MAX};

size_t in_size_for(size_t n)
{
    size_t i = 0;

    assert(n > 0 && n <= IN_MAX);
    while (in_sizes[i] < n)
        i++;
    return i;
}

static const char *finish(struct buf *b)
{
    assert(buf_ok(b));
    return buf_str(b).p;
}

/* "($1, $2), ($3, $4)" */
static void put_rows(struct buf *b, size_t rows, size_t width)
{
    for (size_t i = 0; i < rows * width; i++)
        buf_printf(b, "%s$%zu%s",
                   i % width ? ", "
                   : i       ? ", ("
                             : "(",
                   i + 1, i % width == width - 1 ? ")" : "");
}

static struct insert_texts inserts(struct arena *a, const char *into, size_t width,
                                   size_t batch_rows)
{
    struct insert_texts t = {.width = width};

    for (size_t i = 0; i < BATCH_TEXTS && (size_t)1 << i <= batch_rows; i++) {
        struct buf b;

        buf_init(&b, a, TEXT_MAX);
        buf_printf(&b, "INSERT INTO %s VALUES ", into);
        put_rows(&b, (size_t)1 << i, width);
        t.text[i] = finish(&b);
    }
    return t;
}

/* Entries get their place, many in one round: on PostgreSQL each statement costs more than its row.
 * The columns of VALUES are called so on both engines. COALESCE keeps the planner from the index by
 * sequence, where all that wait are equal: it would go over them once for each row. */
static struct insert_texts places(struct arena *a, size_t batch_rows)
{
    struct insert_texts t = {.width = 4};

    t.text[0] = "UPDATE audit SET sequence = $3, mac = $4 "
                "WHERE tenant_id = $1 AND id = $2 AND sequence = 9223372036854775807";
    for (size_t i = 1; i < BATCH_TEXTS && (size_t)1 << i <= batch_rows; i++) {
        struct buf b;

        buf_init(&b, a, TEXT_MAX);
        buf_put(&b, STR("UPDATE audit SET sequence = v.column3, mac = v.column4 FROM (VALUES "));
        put_rows(&b, (size_t)1 << i, t.width);
        buf_put(&b, STR(") v WHERE audit.tenant_id = v.column1 AND audit.id = v.column2 "
                        "AND COALESCE(audit.sequence, 0) = 9223372036854775807"));
        t.text[i] = finish(&b);
    }
    return t;
}

static void make_insert(struct arena *a, const struct record_info *k, size_t batch_rows,
                        struct kind_statements *out)
{
    struct buf b;
    size_t width = RECORD_FIXED_N;

    buf_init(&b, a, TEXT_MAX);
    buf_printf(&b, "%s(tenant_id, id, version, create_time, update_time, body, tokens, copy",
               k->table);
    for (size_t i = 0; i < k->n_columns; i++)
        if (column_is_stored(&k->columns[i])) {
            buf_printf(&b, ", %s", k->columns[i].name);
            width++;
        }
    buf_putc(&b, ')');
    out->insert = inserts(a, finish(&b), width, batch_rows);
}

static void make_update(struct arena *a, const struct record_info *k, struct kind_statements *out)
{
    struct buf b;
    size_t at = 8;

    buf_init(&b, a, TEXT_MAX);
    buf_printf(&b, "UPDATE %s SET version = $4, update_time = $5, body = $6, tokens = $7",
               k->table);
    for (size_t i = 0; i < k->n_columns; i++)
        if (column_is_stored(&k->columns[i]))
            buf_printf(&b, ", %s = $%zu", k->columns[i].name, at++);
    buf_put(&b, STR(" WHERE tenant_id = $1 AND id = $2 AND version = $3"));
    out->update = finish(&b);
}

static const char *in_list(struct arena *a, const char *head, const char *column, size_t n)
{
    struct buf b;

    buf_init(&b, a, TEXT_MAX);
    buf_printf(&b, "%s WHERE r.tenant_id = $1 AND r.%s IN (", head, column);
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s$%zu", i ? ", " : "", i + 2);
    buf_putc(&b, ')');
    return finish(&b);
}

static bool is_findable(const struct column_info *c)
{
    return c->type == COLUMN_TEXT || c->type == COLUMN_BLIND || c->type == COLUMN_ID;
}

static bool make_finds(struct arena *a, const struct record_info *k, struct kind_statements *out)
{
    const char *head;

    out->find = NEW(a, const char *, k->n_columns);
    out->find_ids = arena_alloc(a, sizeof *out->find_ids, alignof(char *), k->n_columns);
    if (k->n_columns && (!out->find || !out->find_ids))
        return false;
    for (size_t i = 0; i < k->n_columns; i++) {
        const char *name = k->columns[i].name;

        if (!is_findable(&k->columns[i]))
            continue;
        /* An expression, not r.id itself: with that and LIMIT 1 a planner without statistics walks
         * the primary key from the start instead of asking the column's index. */
        out->find[i] = arena_printf(a,
                                    "SELECT " RECORD_FIELDS " FROM %s r WHERE r.tenant_id = $1 "
                                    "AND r.%s = $2 ORDER BY coalesce(r.id, r.id) LIMIT 1",
                                    k->table, name);
        head = arena_printf(a, "SELECT r.%s, r.id FROM %s r", name, k->table);
        if (!head || !out->find[i])
            return false;
        for (size_t j = 0; j < IN_SIZES; j++)
            out->find_ids[i][j] = in_list(a, head, name, in_sizes[j]);
    }
    return true;
}

static bool make_kind(struct arena *a, const struct record_info *k, size_t batch_rows,
                      struct kind_statements *out)
{
    const char *head = arena_printf(a, "SELECT " RECORD_FIELDS " FROM %s r", k->table);

    if (!head)
        return false;
    make_insert(a, k, batch_rows, out);
    make_update(a, k, out);
    out->get = arena_printf(a, "%s WHERE r.tenant_id = $1 AND r.id = $2", head);
    out->version = arena_printf(
        a, "SELECT version, create_time, tokens, body FROM %s WHERE tenant_id = $1 AND id = $2",
        k->table);
    out->erase = arena_printf(a, "DELETE FROM %s WHERE tenant_id = $1 AND id = $2 AND version = $3",
                              k->table);
    for (size_t j = 0; j < IN_SIZES; j++)
        out->get_many[j] = in_list(a, head, "id", in_sizes[j]);
    return out->get && out->version && out->erase && make_finds(a, k, out);
}

struct statements *statements_new(size_t batch_rows)
{
    struct statements *s = calloc(1, sizeof *s);
    bool ok = s != NULL;

    assert(batch_rows > 0 && batch_rows <= 1 << (BATCH_TEXTS - 1));
    if (!ok)
        return NULL;
    arena_init(&s->arena, ARENA_MAX);
    for (int i = RECORD_NONE + 1; ok && i < RECORD_KINDS; i++)
        ok = make_kind(&s->arena, record_info((enum record_kind)i), batch_rows, &s->kinds[i]);
    if (!ok) {
        statements_free(s);
        return NULL;
    }
    s->words = inserts(&s->arena, "word(tenant_id, token, id)", 3, batch_rows);
    s->words.order = 1; /* by token */
    s->events =
        inserts(&s->arena, "outbox(tenant_id, id, type, kind, subject, create_time, body, trace)",
                8, batch_rows);
    s->places = places(&s->arena, batch_rows);
    return s;
}

void statements_free(struct statements *s)
{
    if (!s)
        return;
    arena_release(&s->arena);
    free(s);
}
