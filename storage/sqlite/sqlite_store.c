/* The driver: write units go to the writer, read units to one of a few reading connections. */
#include "sqlite/sqlite_store.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "sql/places.h"
#include "sqlite/writer.h"

struct sqlite_driver {
    struct sql_driver base; /* first: a sql_driver * is a sqlite_driver * */
    struct writer *writer;
    char *path;                                      /* owned */
    pthread_mutex_t lock;                            /* guards free, n_free */
    struct places *places;                           /* one for each reader */
    struct sqlite_conn *readers[SQLITE_READERS_MAX]; /* [n_free] are idle */
    size_t n_free, n_readers;
};

static struct sqlite_driver *self(struct sql_driver *d)
{
    return (struct sqlite_driver *)d;
}

/* The caller has a place: one of them is free. */
static struct sqlite_conn *borrow(struct sqlite_driver *d)
{
    struct sqlite_conn *conn;

    pthread_mutex_lock(&d->lock);
    assert(d->n_free);
    conn = d->readers[--d->n_free];
    pthread_mutex_unlock(&d->lock);
    return conn;
}

static void give_back(struct sqlite_driver *d, struct sqlite_conn *conn)
{
    pthread_mutex_lock(&d->lock);
    d->readers[d->n_free++] = conn;
    pthread_mutex_unlock(&d->lock);
}

static enum status run_read(struct sqlite_driver *d, struct call *c, struct sql_unit *unit)
{
    struct sqlite_conn *conn;
    struct place place;
    enum status s;

    TRY(places_take(d->places, c, unit, &place));
    conn = borrow(d);
    conn_enter(conn, c);
    s = unit->mode == STORE_READ_ONE ? STATUS_OK : conn_do(conn, c, "BEGIN"); /* is its own */
    if (s == STATUS_OK)
        s = unit->fn(c, &conn->base, unit->arg);
    if (s == STATUS_OK && conn->base.error != SQL_ERROR_NONE)
        s = sql_fail(c, &conn->base, conn->base.error, NULL);
    unit->error = conn->base.error;
    unit->taken = conn->base.taken;
    conn_leave(conn);
    if (conn_in_transaction(conn)) {
        enum status ended = conn_do(conn, c, s == STATUS_OK ? "COMMIT" : "ROLLBACK");

        if (s == STATUS_OK && ended != STATUS_OK) {
            unit->error = conn->base.error;
            s = ended;
        }
    }
    give_back(d, conn);
    places_leave(d->places, &place);
    return s;
}

static enum status run(struct sql_driver *base, struct call *c, struct sql_unit *unit)
{
    struct sqlite_driver *d = self(base);

    return store_mode_writes(unit->mode) ? writer_run(d->writer, c, unit) : run_read(d, c, unit);
}

/* busy, log, checkpointed: frames */
static enum status checkpoint_row(void *arg, const struct sql_value *cols, size_t n)
{
    assert(n == 3);
    *(bool *)arg = cols[0].i != 0;
    return STATUS_OK;
}

/* On a connection of its own: the writer's is never outside of a group for long. */
static enum status scrub(struct sql_driver *base, struct call *c)
{
    struct sqlite_driver *d = self(base);
    struct sqlite_conn *conn;
    bool busy = false;
    enum status s;

    TRY(conn_open(c, base, &(struct conn_options){d->path, CONN_WRITER, 0}, &conn));
    conn_enter(conn, c);
    s = sql_query(&conn->base, c,
                  &(struct sql_statement){"PRAGMA wal_checkpoint(TRUNCATE)", NULL, 0},
                  checkpoint_row, &busy);
    conn_leave(conn);
    conn_close(conn);
    return s == STATUS_OK && busy ? sql_fail(c, NULL, SQL_ERROR_BUSY, NULL) : s;
}

static void close_driver(struct sql_driver *base)
{
    struct sqlite_driver *d = self(base);

    assert(d->n_free == d->n_readers);
    for (size_t i = 0; i < d->n_free; i++)
        conn_close(d->readers[i]);
    writer_close(d->writer); /* last: it takes the WAL back into the file */
    places_free(d->places);
    pthread_mutex_destroy(&d->lock);
    free(d->path);
    free(d);
}

static const struct sql_driver_ops ops = {
    .name = "sqlite", .batch_rows = 1, .run = run, .scrub = scrub, .close = close_driver};

static enum status open_connections(struct sqlite_driver *d, struct call *c,
                                    const struct sqlite_options *o)
{
    size_t n = o->n_readers ? o->n_readers : SQLITE_READERS_DEFAULT;
    size_t queue_max = o->queue_max ? o->queue_max : SQLITE_QUEUE_DEFAULT;
    struct sqlite_conn *conn;

    assert(n <= SQLITE_READERS_MAX);
    if ((d->places = places_new(n)) == NULL)
        return call_nomem(c);
    TRY(conn_open(c, &d->base, &(struct conn_options){o->path, CONN_WRITER, o->pages_max}, &conn));
    TRY(writer_open(c, conn, queue_max, &d->writer));
    for (size_t i = 0; i < n; i++) {
        TRY(conn_open(c, &d->base, &(struct conn_options){o->path, CONN_READER, 0}, &conn));
        d->readers[d->n_free++] = conn;
        d->n_readers++;
    }
    return STATUS_OK;
}

static enum status open_driver(struct call *c, const struct sqlite_options *o,
                               struct sqlite_driver **out)
{
    struct sqlite_driver *d = calloc(1, sizeof *d);
    enum status s;

    *out = NULL;
    if (!d || (d->path = strdup(o->path)) == NULL) {
        free(d);
        return call_nomem(c);
    }
    d->base = (struct sql_driver){&ops, o->fault};
    pthread_mutex_init(&d->lock, NULL);
    if ((s = open_connections(d, c, o)) == STATUS_OK &&
        (s = sql_migrate(c, &d->base)) == STATUS_OK) {
        *out = d;
        return s;
    }
    close_driver(&d->base);
    return s;
}

enum status sqlite_store_open(struct call *c, const struct sqlite_options *o, struct store **out)
{
    const char *key =
        o->master_key_path ? o->master_key_path : arena_printf(&c->arena, "%s.key", o->path);
    struct sqlite_driver *d;

    *out = NULL;
    if (!key)
        return call_nomem(c);
    TRY(open_driver(c, o, &d));
    return sql_store_open(c, &d->base,
                          &(struct sql_options){.master_key_path = key,
                                                .master_keys = o->master_keys,
                                                .master_key = KEY_CREATE,
                                                .is_bare = o->is_bare},
                          out);
}
