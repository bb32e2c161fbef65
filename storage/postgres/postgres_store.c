/* The driver: a bounded pool of sessions. */
#include "postgres/postgres_store.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "postgres/session.h"
#include "sql/places.h"

enum {
    DOWN_FIRST_MS = 20, /* after a failed connection nobody tries for this long, doubling */
    DOWN_MOST_MS = 2000,
};

struct postgres_driver {
    struct sql_driver base; /* first: a sql_driver * is a postgres_driver * */
    struct secret conninfo; /* as it is now */
    char *place;            /* conninfo at the start: where the database is; owned */
    bool needs_bound;       /* takes only roles that row-level security binds */
    struct places *places;  /* one for each session at most */
    pthread_mutex_t lock;   /* guards all that follows */
    struct session *idle[POSTGRES_POOL_MAX]; /* the one used last is used first */
    size_t n_idle;
    int64_t down_until_ns;
    int failures; /* connections refused in a row */
};

static struct postgres_driver *self(struct sql_driver *d)
{
    return (struct postgres_driver *)d;
}

static const char role_unbound[] = "ROLE_UNBOUND";

/* Does row-level security bind this role on every table that has a tenant? */
static const char role_sql[] =
    "SELECT (r.rolsuper OR r.rolbypassrls)::int::bigint, (SELECT COUNT(*) FROM pg_class c "
    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' "
    "WHERE c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid) AND NOT (c.relrowsecurity AND "
    "(c.relforcerowsecurity OR NOT pg_has_role(r.oid, c.relowner, 'USAGE')))) "
    "FROM pg_roles r WHERE r.rolname = current_user";

static enum status role_row(void *arg, const struct sql_value *cols, size_t n)
{
    assert(n == 2);
    return cols[0].i || cols[1].i
               ? call_fail_as(
                     arg, STATUS_PRECONDITION, role_unbound,
                     "the database role is not bound by row-level security: it is superuser, "
                     "has BYPASSRLS, or owns tables without FORCE")
               : STATUS_OK;
}

static enum status check_role(struct call *c, struct sql_conn *conn, void *arg)
{
    (void)arg;
    return sql_query(conn, c, &(struct sql_statement){role_sql, NULL, 0}, role_row, c);
}

/* Runs a unit in a session; see sql_driver_ops.run. */
static enum status run_in(struct session *s, struct call *c, struct sql_unit *unit)
{
    enum status r;

    assert(s);
    session_begin(s, unit);
    r = unit->fn(c, &s->base, unit->arg);
    if (r == STATUS_OK && s->base.error != SQL_ERROR_NONE)
        r = sql_fail(c, &s->base, s->base.error, NULL);
    if (r == STATUS_OK)
        r = session_commit(s, c);
    unit->error = r == STATUS_OK ? SQL_ERROR_NONE : s->base.error;
    unit->taken = s->base.taken;
    if (r != STATUS_OK)
        session_rollback(s, c);
    return r;
}

/* A user that the secret has brought since the start must be bound as the first one is. */
static enum status check_user(struct postgres_driver *d, struct call *c, const struct login *login,
                              struct session *s)
{
    struct sql_unit role = {.mode = STORE_READ, .fn = check_role};
    enum status r;

    if (!d->needs_bound || !login_is_another(login))
        return STATUS_OK;
    if ((r = run_in(s, c, &role)) != STATUS_PRECONDITION)
        return r;
    call_clear(c); /* whoever calls can do nothing about it */
    return call_fail_as(c, STATUS_UNAVAILABLE, role_unbound,
                        "the database role is not bound by row-level security");
}

/* Connects as whom the secret says now. */
static enum status log_in(struct postgres_driver *d, struct call *c, struct session **out)
{
    char *now = secret_take(&d->conninfo);
    struct login login;
    enum status s;

    *out = NULL;
    if (!now)
        return call_nomem(c);
    login_read(&login, d->place, now);
    s = session_open(c, &d->base, &login, out);
    if (s == STATUS_OK && (s = check_user(d, c, &login, *out)) != STATUS_OK) {
        session_close(*out);
        *out = NULL;
    }
    login_release(&login);
    secret_drop(now);
    return s;
}

/* Connects, for a place that has no session. */
static enum status connect_one(struct postgres_driver *d, struct call *c, struct session **out)
{
    enum status s = log_in(d, c, out);
    int64_t ms;

    pthread_mutex_lock(&d->lock);
    if (s == STATUS_OK) {
        d->failures = 0;
        d->down_until_ns = 0;
    } else {
        ms = (int64_t)DOWN_FIRST_MS << (d->failures < 7 ? d->failures : 7);
        d->failures++;
        d->down_until_ns = call_monotonic_ns(c) + (ms < DOWN_MOST_MS ? ms : DOWN_MOST_MS) * 1000000;
    }
    pthread_mutex_unlock(&d->lock);
    return s;
}

/* An idle session; NULL: a new one may be opened. */
static enum status take_idle(struct postgres_driver *d, struct call *c, struct session **out)
{
    enum status s = STATUS_OK;

    *out = NULL;
    pthread_mutex_lock(&d->lock);
    if (d->n_idle)
        *out = d->idle[--d->n_idle];
    else if (call_monotonic_ns(c) < d->down_until_ns)
        s = sql_fail(c, NULL, SQL_ERROR_CONNECTION, NULL);
    pthread_mutex_unlock(&d->lock);
    return s;
}

/* The caller has a place: there are never more sessions than places. */
static enum status borrow(struct postgres_driver *d, struct call *c, struct session **out)
{
    for (;;) {
        TRY(take_idle(d, c, out));
        if (!*out)
            return connect_one(d, c, out);
        if (session_is_alive(*out, c))
            return STATUS_OK;
        session_close(*out); /* bounded: each turn removes one session */
    }
}

static void give_back(struct postgres_driver *d, struct session *s)
{
    if (s->dead) {
        session_close(s);
        return;
    }
    pthread_mutex_lock(&d->lock);
    d->idle[d->n_idle++] = s;
    pthread_mutex_unlock(&d->lock);
}

static enum status run_with_place(struct postgres_driver *d, struct call *c, struct sql_unit *unit)
{
    struct session *s;
    enum status r = borrow(d, c, &s);

    if (r != STATUS_OK) {
        if (r == STATUS_UNAVAILABLE &&
            c->fault.reason != role_unbound) /* trying again is no help */
            unit->error = SQL_ERROR_CONNECTION;
        return r;
    }
    r = run_in(s, c, unit);
    give_back(d, s);
    return r;
}

static enum status run(struct sql_driver *base, struct call *c, struct sql_unit *unit)
{
    struct postgres_driver *d = self(base);
    struct place place;
    enum status r;

    TRY(places_take(d->places, c, unit, &place));
    r = run_with_place(d, c, unit);
    places_leave(d->places, &place);
    return r;
}

static void close_driver(struct sql_driver *base)
{
    struct postgres_driver *d = self(base);

    while (d->n_idle)
        session_close(d->idle[--d->n_idle]);
    places_free(d->places);
    pthread_mutex_destroy(&d->lock);
    secret_close(&d->conninfo);
    secret_drop(d->place);
    free(d);
}

static const struct sql_driver_ops ops = {
    .name = "postgres", .batch_rows = 32, .skips_locked = true, .run = run, .close = close_driver};

static enum status open_driver(struct call *c, const struct postgres_options *o,
                               struct postgres_driver **out)
{
    struct postgres_driver *d = calloc(1, sizeof *d);

    *out = NULL;
    assert(o->pool_max <= POSTGRES_POOL_MAX);
    if (!d || !(d->place = strdup(o->conninfo)) ||
        !(d->places = places_new(o->pool_max ? o->pool_max : POSTGRES_POOL_DEFAULT)) ||
        secret_open(c, &d->conninfo, &(struct secret_source){o->conninfo, o->conninfo_path})) {
        secret_drop(d ? d->place : NULL);
        places_free(d ? d->places : NULL);
        free(d);
        return call_nomem(c);
    }
    d->needs_bound = o->role == POSTGRES_ROLE_BOUND;
    d->base = (struct sql_driver){&ops, o->fault};
    pthread_mutex_init(&d->lock, NULL);
    *out = d;
    return STATUS_OK;
}

enum status postgres_store_open(struct call *c, const struct postgres_options *o,
                                struct store **out)
{
    const struct sql_options options = {.master_key_path = o->master_key_path,
                                        .master_keys = o->master_keys,
                                        .master_key =
                                            o->create_master_key ? KEY_CREATE : KEY_MUST_EXIST,
                                        .is_bare = o->is_bare};
    struct sql_unit role = {.mode = STORE_READ, .fn = check_role};
    struct postgres_driver *d;
    enum status s;

    *out = NULL;
    TRY(open_driver(c, o, &d));
    if (o->role == POSTGRES_ROLE_BOUND && (s = run(&d->base, c, &role)) != STATUS_OK) {
        close_driver(&d->base);
        return s;
    }
    return sql_store_open(c, &d->base, &options, out);
}

static enum status grant(struct call *c, struct sql_conn *conn, void *arg)
{
    struct session *s = (struct session *)conn;
    char *role = PQescapeLiteral(s->pg, arg, strlen(arg));
    char *text =
        role ? arena_printf(&c->arena,
                            "DO $$ DECLARE role text := %s; BEGIN "
                            "EXECUTE format('GRANT USAGE ON SCHEMA %%I TO %%I', "
                            "current_schema(), role); "
                            "EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL "
                            "TABLES IN SCHEMA %%I TO %%I', current_schema(), role); "
                            "EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON schema_version "
                            "FROM %%I', role); END $$",
                            role)
             : NULL;

    PQfreemem(role);
    return text ? conn->ops->script(conn, c, text) : call_nomem(c);
}

enum status postgres_migrate(struct call *c, const char *conninfo, const char *app_role)
{
    const struct postgres_options o = {.conninfo = conninfo, .pool_max = 1};
    struct sql_unit u = {.mode = STORE_WRITE, .fn = grant, .arg = (void *)app_role};
    struct postgres_driver *d;
    enum status s;

    TRY(open_driver(c, &o, &d));
    s = sql_migrate(c, &d->base);
    if (s == STATUS_OK && app_role)
        s = run(&d->base, c, &u);
    close_driver(&d->base);
    return s;
}
