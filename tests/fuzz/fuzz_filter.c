/*
 * Filters from outside: the parser, and the SQL made of its trees. Whatever the bytes are, a filter
 * is refused with a place in it, or becomes a statement that SQLite accepts and that holds none of
 * them. The first line is the filter, the second the order, the third the search.
 */
#include <assert.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>

#include "sql/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A database with the table of leads, to prepare against. */
static sqlite3 *open_tables(void)
{
    const struct record_info *info = record_info(RECORD_LEAD);
    struct arena a;
    struct buf b;
    sqlite3 *db;

    arena_init(&a, 1 << 20);
    buf_init(&b, &a, 1 << 16);
    buf_put(
        &b,
        STR("CREATE TABLE word(tenant_id, token, id); CREATE TABLE lead(tenant_id, id, version, "
            "create_time, update_time, body, tokens, copy"));
    for (size_t i = 0; i < info->n_columns; i++)
        if (column_is_stored(&info->columns[i]))
            buf_printf(&b, ", %s", info->columns[i].name);
    buf_put(&b, STR(");"));
    if (sqlite3_open(":memory:", &db) || sqlite3_exec(db, buf_str(&b).p, NULL, NULL, NULL))
        abort();
    arena_release(&a);
    return db;
}

static void prepare(sqlite3 *db, const char *text, size_t n_args)
{
    sqlite3_stmt *q;

    if (sqlite3_prepare_v2(db, text, -1, &q, NULL))
        abort();
    assert((size_t)sqlite3_bind_parameter_count(q) == n_args);
    sqlite3_finalize(q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct tenant_keys keys = {.tenant_id = 1, .n_data = 1};
    static sqlite3 *db;
    str rest = {(const char *)data, n}, filter = str_cut(&rest, '\n');
    struct call c;
    struct tx tx = {.call = &c, .keys = &keys, .tenant_id = 1};
    struct query *q;

    if (!db)
        db = open_tables();
    call_init(&c, NULL, 16 << 20);
    q = NEW(&c.arena, struct query, 1);
    if (query_init(q, &tx, record_info(RECORD_LEAD), filter, rest) == STATUS_OK) {
        buf_put(&q->sql, STR("SELECT r.id"));
        if (query_put_where(q, NULL, 0) == STATUS_OK)
            prepare(db, buf_str(&q->sql).p, q->n_args);
    }
    if (c.fault.status != STATUS_OK) {
        assert(c.fault.status == STATUS_INVALID);
        assert(c.fault.n_details == 1 || str_eq(str_of(c.fault.reason), STR("LIST_TOO_LARGE")));
    }
    call_release(&c);
    return 0;
}
