#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "postgres/postgres_store.h"
#include "sqlite/sqlite_store.h"
#include "storage/store_test.h"

const char *const engine_names[ENGINES] = {"sqlite", "postgres"};

void fixture_call(struct call *c, long long tenant_id)
{
    call_init(c, NULL, (size_t)1 << 30);
    c->principal.tenant_id = tenant_id;
}

static const char *env(const char *name)
{
    const char *v = getenv(name);

    cr_assert(v,
              "%s is not set: run this through ./dev test, or source tests/support/pg.sh start DIR",
              name);
    return v;
}

static void pg_run(const char *conninfo, const char *text, long long *out)
{
    PGconn *pg = PQconnectdb(conninfo);
    PGresult *r;

    cr_assert_eq(PQstatus(pg), CONNECTION_OK, "%s", PQerrorMessage(pg));
    PQclear(PQexec(pg, "SET client_min_messages = warning"));
    r = PQexec(pg, text);
    cr_assert(PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK, "%s",
              PQerrorMessage(pg));
    if (out && PQntuples(r) > 0)
        *out = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
    PQclear(r);
    PQfinish(pg);
}

static enum status open_store(struct fixture *f)
{
    char path[256], key[256];

    snprintf(path, sizeof path, "%s/store.db", f->dir);
    snprintf(key, sizeof key, "%s/master.key", f->dir);
    if (f->engine == ENGINE_SQLITE)
        return sqlite_store_open(
            &f->call,
            &(struct sqlite_options){.path = path, .master_key_path = key, .fault = &f->fault},
            &f->store);
    return postgres_store_open(&f->call,
                               &(struct postgres_options){.conninfo = f->conninfo,
                                                          .master_key_path = key,
                                                          .create_master_key = true,
                                                          .fault = &f->fault},
                               &f->store);
}

static void open_schema(struct fixture *f)
{
    char schema[64], text[256];
    unsigned char random[8];

    system_clock.random(&system_clock, random, sizeof random);
    snprintf(schema, sizeof schema, "t%02x%02x%02x%02x%02x%02x%02x%02x", random[0], random[1],
             random[2], random[3], random[4], random[5], random[6], random[7]);
    snprintf(text, sizeof text, "CREATE SCHEMA %s", schema);
    pg_run(env("SALES_TEST_PG_ADMIN"), text, NULL);
    snprintf(f->conninfo, sizeof f->conninfo, "%s application_name=%s options='-c search_path=%s'",
             env("SALES_TEST_PG"), schema, schema);
    snprintf(f->admin, sizeof f->admin, "%s options='-c search_path=%s'",
             env("SALES_TEST_PG_ADMIN"), schema);
    snprintf(f->super, sizeof f->super, "%s options='-c search_path=%s'",
             env("SALES_TEST_PG_SUPER"), schema);
    cr_assert_eq(postgres_migrate(&f->call, f->admin, "salesd_app"), STATUS_OK, "%s",
                 f->call.fault.why);
}

void fixture_open(struct fixture *f, enum engine e)
{
    *f = (struct fixture){.engine = e};
    fixture_call(&f->call, 1);
    snprintf(f->dir, sizeof f->dir, "/tmp/salesd-store.XXXXXX");
    cr_assert(mkdtemp(f->dir));
    if (e == ENGINE_POSTGRES)
        open_schema(f);
    cr_assert_eq(open_store(f), STATUS_OK, "%s", f->call.fault.why);
}

void fixture_close(struct fixture *f)
{
    char command[256];

    store_close(f->store);
    call_release(&f->call);
    if (f->engine == ENGINE_POSTGRES)
        pg_run(f->admin,
               "DO $$ BEGIN EXECUTE format('DROP SCHEMA %I CASCADE', current_schema()); END $$",
               NULL);
    snprintf(command, sizeof command, "rm -rf '%s'", f->dir);
    cr_assert_eq(system(command), 0);
}

enum status fixture_reopen(struct fixture *f)
{
    store_close(f->store);
    f->store = NULL;
    return open_store(f);
}

static int first_number(void *arg, int n, char **values, char **names)
{
    (void)names;
    if (n > 0 && values[0])
        *(long long *)arg = strtoll(values[0], NULL, 10);
    return 0;
}

long long fixture_number(struct fixture *f, const char *text)
{
    long long out = -1;
    char path[256], *why = NULL;
    sqlite3 *db;

    if (f->engine == ENGINE_POSTGRES) {
        pg_run(f->super, text, &out);
        return out;
    }
    snprintf(path, sizeof path, "%s/store.db", f->dir);
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    cr_assert_eq(sqlite3_exec(db, text, first_number, &out, &why), SQLITE_OK, "%s", why);
    sqlite3_close(db);
    return out;
}

void fixture_sql(struct fixture *f, const char *text)
{
    fixture_number(f, text);
}

Lead *make_lead(struct call *c, const char *name, const char *email)
{
    Lead *lead = NEW(&c->arena, Lead, 1);

    *lead = (Lead)LEAD_INIT;
    lead->full_name = arena_cstr(&c->arena, str_of(name));
    lead->email = arena_cstr(&c->arena, str_of(email ? email : ""));
    lead->status = LEAD_STATUS_NEW;
    return lead;
}

static enum status put_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_insert_lead(tx, arg);
}

enum status put_lead(struct fixture *f, struct call *c, Lead *lead)
{
    return store_run(f->store, c, STORE_WRITE, put_unit, lead);
}

struct get {
    const char *id;
    Lead *lead;
};

static enum status get_unit(struct call *c, struct tx *tx, void *arg)
{
    struct get *g = arg;

    (void)c;
    return tx_get_lead(tx, str_of(g->id), &g->lead);
}

enum status get_lead(struct fixture *f, struct call *c, const char *id, Lead **out)
{
    struct get g = {.id = id};
    enum status s = store_run(f->store, c, STORE_READ_ONE, get_unit, &g);

    *out = g.lead;
    return s;
}

bool has_detail(const struct call *c, const char *subject, const char *text)
{
    for (size_t i = 0; i < c->fault.n_details; i++)
        if (str_eq(c->fault.details[i].subject, str_of(subject)) &&
            (!text || str_eq(c->fault.details[i].text, str_of(text))))
            return true;
    return false;
}
