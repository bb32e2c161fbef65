/* Runs the migrations that a database lacks, each in a transaction of its own with its version row.
 */
#include <assert.h>

#include "base/buf.h"
#include "base/kill_point.h"
#include "sql/driver.h"
#include "sql/migrations.h"
#include "store/seal.h"

enum { SCRIPT_BYTES_MAX = 1 << 20 };

struct schema {
    struct call *call;
    struct sql_driver *driver;
    int64_t version; /* newest applied; 0: none */
    bool has_table, changed;
    const struct migration *run; /* apply(): this one */
};

/* The statements of one engine: other engines' sections become empty lines, so that line numbers in
 * errors are those of the file. */
static str section(struct arena *a, const struct migration *m, const char *engine)
{
    str rest = {m->text, m->n};
    bool mine = true;
    struct buf b;

    buf_init(&b, a, SCRIPT_BYTES_MAX);
    while (rest.n) {
        str line = str_cut(&rest, '\n'), mark = str_trim(line);

        if (str_starts(mark, STR("-- ")) && str_ends(mark, STR(":"))) {
            str name = str_sub(mark, 3, mark.n - 4);

            if (str_eq(name, STR("both")) || str_eq(name, STR("sqlite")) ||
                str_eq(name, STR("postgres")))
                mine = str_eq(name, STR("both")) || str_eq(name, str_of(engine));
        }
        if (mine)
            buf_put(&b, line);
        buf_putc(&b, '\n');
    }
    assert(buf_ok(&b));
    return buf_str(&b);
}

static enum status table_row(void *arg, const struct sql_value *cols, size_t n)
{
    (void)n;
    ((struct schema *)arg)->has_table = cols[0].i > 0;
    return STATUS_OK;
}

/* version, checksum */
static enum status version_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct schema *s = arg;
    unsigned char sum[SEAL_DIGEST_BYTES];

    assert(n == 2);
    s->version = cols[0].i;
    if (s->version < 1 || s->version > (int64_t)n_migrations)
        return STATUS_OK;
    seal_sha256((str){migrations[s->version - 1].text, migrations[s->version - 1].n}, sum);
    s->changed |= !str_eq(cols[1].s, (str){(char *)sum, sizeof sum});
    return STATUS_OK;
}

static enum status read_schema(struct call *c, struct sql_conn *conn, void *arg)
{
    struct schema *s = arg;
    bool sqlite = str_eq(str_of(s->driver->ops->name), STR("sqlite"));

    s->version = 0;
    s->changed = s->has_table = false;
    TRY(sql_query(conn, c,
                  &(struct sql_statement){
                      sqlite ? "SELECT COUNT(*) FROM sqlite_master WHERE name = 'schema_version'"
                             : "SELECT COUNT(*) FROM pg_class WHERE relname = 'schema_version' "
                               "AND pg_table_is_visible(oid)",
                      NULL, 0},
                  table_row, s));
    if (!s->has_table)
        return STATUS_OK;
    return sql_query(conn, c,
                     &(struct sql_statement){
                         "SELECT version, checksum FROM schema_version ORDER BY version", NULL, 0},
                     version_row, s);
}

static enum status check(struct call *c, const struct schema *s)
{
    if (s->changed)
        return call_fail_as(c, STATUS_PRECONDITION, "SCHEMA_CHANGED",
                            "a migration of this database is not the one of this program");
    if (s->version > (int64_t)n_migrations)
        return call_fail_as(c, STATUS_PRECONDITION, "SCHEMA_NEWER",
                            "the database has schema %lld, this program knows %zu",
                            (long long)s->version, n_migrations);
    return STATUS_OK;
}

static enum status apply(struct call *c, struct sql_conn *conn, void *arg)
{
    struct schema *s = arg;
    unsigned char sum[SEAL_DIGEST_BYTES];
    str script;

    /* another process may have been faster: look again, inside of the transaction */
    TRY(conn->ops->script(
        conn, c,
        "CREATE TABLE IF NOT EXISTS schema_version(version BIGINT PRIMARY KEY, "
        "name TEXT NOT NULL, checksum BYTEA NOT NULL, applied_at BIGINT NOT NULL)"));
    TRY(read_schema(c, conn, s));
    TRY(check(c, s));
    if (s->version >= s->run->version)
        return STATUS_OK;
    script = section(&c->arena, s->run, s->driver->ops->name);
    TRY(conn->ops->script(conn, c, script.p));
    kill_here(KILL_MIGRATE_STEP);
    seal_sha256((str){s->run->text, s->run->n}, sum);
    return sql_exec(
        conn, c,
        &(struct sql_statement){
            "INSERT INTO schema_version(version, name, checksum, applied_at) "
            "VALUES($1, $2, $3, $4)",
            (struct sql_value[]){sql_int(s->run->version), sql_text(str_of(s->run->name)),
                                 sql_bytes(sum, sizeof sum), sql_int(call_now_us(c))},
            4});
}

static enum status inspect(struct call *c, struct sql_driver *driver, struct schema *s)
{
    struct sql_unit u = {.mode = STORE_READ, .fn = read_schema, .arg = s};

    *s = (struct schema){.call = c, .driver = driver};
    TRY(driver->ops->run(driver, c, &u));
    return check(c, s);
}

enum status sql_migrate(struct call *c, struct sql_driver *driver)
{
    struct schema s;

    TRY(inspect(c, driver, &s));
    for (size_t i = (size_t)s.version; i < n_migrations; i++) {
        struct sql_unit u = {.mode = STORE_WRITE, .fn = apply, .arg = &s};

        assert(migrations[i].version == (int)i + 1);
        s.run = &migrations[i];
        TRY(driver->ops->run(driver, c, &u));
    }
    return STATUS_OK;
}

enum status sql_schema_check(struct call *c, struct sql_driver *driver)
{
    struct schema s;

    TRY(inspect(c, driver, &s));
    if (s.version < (int64_t)n_migrations)
        return call_fail_as(c, STATUS_PRECONDITION, "SCHEMA_OLD",
                            "the database has schema %lld, this program needs %zu: migrate first",
                            (long long)s.version, n_migrations);
    return STATUS_OK;
}
