/* The keys that wrap, as they are now, and every key that they wrap opened and closed in one place.
 */
#include "sql/master_ring.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "sql/master.h"

enum { WRAPPERS_MAX = 64 }; /* master keys that may wrap something at once; more is no rotation */

struct master_ring {
    char *path, *text; /* owned; where keys are from: a text, else a file */
    bool may_create;
    pthread_rwlock_t lock; /* guards all that follows */
    struct master_keys masters;
    struct stat seen; /* the file that masters are from */
};

enum status master_ring_open(struct call *c, const struct sql_options *options,
                             struct master_ring **out)
{
    struct master_ring *k = calloc(1, sizeof *k);

    *out = NULL;
    if (!k)
        return call_nomem(c);
    pthread_rwlock_init(&k->lock, NULL);
    k->may_create = options->master_key == KEY_CREATE;
    if (options->master_keys)
        k->text = strdup(options->master_keys);
    k->path = strdup(options->master_key_path ? options->master_key_path : "");
    if (!k->path || (options->master_keys && !k->text)) {
        master_ring_close(k);
        return call_nomem(c);
    }
    *out = k;
    return STATUS_OK;
}

void master_ring_close(struct master_ring *k)
{
    if (!k)
        return;
    free(k->path);
    if (k->text)
        seal_wipe(k->text, strlen(k->text));
    free(k->text);
    pthread_rwlock_destroy(&k->lock);
    seal_wipe(k, sizeof *k);
    free(k);
}

struct wrappers {
    struct call *call;
    uint32_t ids[WRAPPERS_MAX];
    size_t n;
};

/* The head of a wrapped key: format and id. */
static enum status wrapper_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct wrappers *w = arg;
    const unsigned char *p = (const unsigned char *)cols[0].s.p;

    assert(n == 1);
    if (cols[0].s.n != 4 || w->n == WRAPPERS_MAX)
        return call_fail_as(w->call, STATUS_DATA_LOSS, "TENANT_KEY",
                            "the keys of tenants are wrapped by too many master keys, or damaged");
    w->ids[w->n++] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    return STATUS_OK;
}

static enum status read_wrappers(struct call *c, struct sql_conn *conn, struct wrappers *out)
{
    *out = (struct wrappers){.call = c};
    return sql_query(
        conn, c,
        &(struct sql_statement){"SELECT DISTINCT substr(wrapped, 2, 4) FROM tenant_key", NULL, 0},
        wrapper_row, out);
}

static enum status read_masters(struct master_ring *k, struct call *c, const struct wrappers *w,
                                struct master_keys *out, struct stat *seen)
{
    if (k->text)
        return master_parse(c, "from the environment", str_of(k->text), out);
    if (access(k->path, F_OK) == 0)
        return master_read(c, k->path, out, seen);
    if (w->n)
        return call_fail_as(c, STATUS_PRECONDITION, "MASTER_KEY",
                            "the master key %s is missing, and the database needs key %08x of it",
                            k->path, w->ids[0]);
    if (!k->may_create)
        return call_fail_as(c, STATUS_PRECONDITION, "MASTER_KEY",
                            "the master key %s cannot be read", k->path);
    TRY(master_create(c, k->path));
    return master_read(c, k->path, out, seen);
}

static enum status check_masters(struct call *c, const struct master_keys *m,
                                 const struct wrappers *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (!master_find(m, w->ids[i]))
            return call_fail_as(c, STATUS_PRECONDITION, "MASTER_KEY",
                                "the master keys given lack %08x, which keys in the database are "
                                "wrapped by: put it back behind the new one until all are wrapped "
                                "again",
                                w->ids[i]);
    return STATUS_OK;
}

bool master_ring_is_stale(struct master_ring *k)
{
    bool stale;

    pthread_rwlock_rdlock(&k->lock);
    stale = !k->masters.n || (!k->text && master_changed(k->path, &k->seen));
    pthread_rwlock_unlock(&k->lock);
    return stale;
}

enum status master_ring_refresh(struct master_ring *k, struct call *c, struct sql_conn *conn)
{
    struct master_keys masters;
    struct wrappers w;
    struct stat seen = {0};
    enum status s;

    if (!master_ring_is_stale(k))
        return STATUS_OK;
    TRY(read_wrappers(c, conn, &w));
    s = read_masters(k, c, &w, &masters, &seen);
    if (s == STATUS_OK)
        s = check_masters(c, &masters, &w);
    if (s == STATUS_OK) {
        pthread_rwlock_wrlock(&k->lock);
        k->masters = masters;
        k->seen = seen;
        pthread_rwlock_unlock(&k->lock);
    }
    seal_wipe(&masters, sizeof masters);
    return s;
}

/* A copy of the master key with this id; id 0 means the one that wraps. False: there is none. */
static bool take_master(struct master_ring *k, uint32_t id, struct seal_key *out)
{
    const struct seal_key *found;

    pthread_rwlock_rdlock(&k->lock);
    found = id ? master_find(&k->masters, id) : &k->masters.keys[0];
    if (found)
        *out = *found;
    pthread_rwlock_unlock(&k->lock);
    return found != NULL;
}

static struct seal_place place_of(const struct key_name *name)
{
    return (struct seal_place){.table = "tenant_key",
                               .tenant_id = name->tenant_id,
                               .id = {{(unsigned char)name->purpose}},
                               .version = name->id};
}

enum status master_ring_unwrap(struct master_ring *k, struct call *c, const struct key_name *name,
                               str wrapped, str *plain)
{
    struct seal_place place = place_of(name);
    struct seal_key master;
    uint32_t id = 0;
    bool opened;

    if (seal_key_id(wrapped, &id) && !take_master(k, id, &master))
        return call_fail_as(c, STATUS_PRECONDITION, "MASTER_KEY",
                            "a key in the database is wrapped by master key %08x, which is not "
                            "among those given",
                            id);
    opened = id && seal_open(c, &master, &place, wrapped, plain) && plain->n == SEAL_KEY_BYTES;
    seal_wipe(&master, sizeof master);
    return opened ? STATUS_OK
                  : call_fail_as(c, STATUS_DATA_LOSS, "TENANT_KEY", "a tenant's key is damaged");
}

enum status master_ring_wrap(struct master_ring *k, struct call *c, const struct key_name *name,
                             const unsigned char key[SEAL_KEY_BYTES],
                             unsigned char out[WRAPPED_KEY_BYTES])
{
    struct seal_place place = place_of(name);
    struct seal_key master;
    enum status s;

    if (!take_master(k, 0, &master))
        return call_fail(c, STATUS_INTERNAL, "no master key has been read");
    s = seal_into(c, &master, &place, (str){(const char *)key, SEAL_KEY_BYTES}, out);
    seal_wipe(&master, sizeof master);
    return s;
}

bool master_ring_current(struct master_ring *k, unsigned char id_out[4])
{
    struct seal_key master;
    bool found = take_master(k, 0, &master);

    for (int i = 0; found && i < 4; i++)
        id_out[i] = (unsigned char)(master.id >> (24 - 8 * i));
    seal_wipe(&master, sizeof master);
    return found;
}
