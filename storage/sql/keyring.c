/* A table of pointers under a read-write lock; entries are added and never change or leave. */
#include "sql/keyring.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum purpose { PURPOSE_INDEX = 1, PURPOSE_DATA = 2 };

enum { MASTER_FILE_MAX = 256, SLOTS_FIRST = 64, TENANTS_MAX = 1 << 20 };

struct keyring {
    struct seal_key master;
    pthread_rwlock_t lock; /* guards slots, n, cap */
    struct tenant_keys **slots;
    size_t n, cap; /* cap is a power of two, more than half of it free */
};

static bool parse_hex(str text, unsigned char out[SEAL_KEY_BYTES])
{
    if (text.n != (size_t)2 * SEAL_KEY_BYTES)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        int v = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;

        if (v < 0)
            return false;
        out[i / 2] = (unsigned char)(i % 2 ? out[i / 2] | v : v << 4);
    }
    return true;
}

static enum status create_master(struct call *c, const char *path)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char key[SEAL_KEY_BYTES];
    char text[2 * SEAL_KEY_BYTES + 1];
    char *tmp = arena_printf(&c->arena, "%s.%d.new", path, (int)getpid());
    int fd;
    bool ok;

    if (!tmp)
        return call_nomem(c);
    system_clock.random(&system_clock, key, sizeof key); /* never from a seed */
    for (size_t i = 0; i < sizeof key; i++) {
        text[2 * i] = hex[key[i] >> 4];
        text[2 * i + 1] = hex[key[i] & 15];
    }
    text[sizeof text - 1] = '\n';
    seal_wipe(key, sizeof key);
    fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ok = fd >= 0 && write(fd, text, sizeof text) == (ssize_t)sizeof text && fsync(fd) == 0;
    seal_wipe(text, sizeof text);
    if (fd >= 0)
        close(fd);
    /* link, not rename: when two servers start at once the first key stays */
    ok = ok && (link(tmp, path) == 0 || errno == EEXIST);
    unlink(tmp);
    if (!ok)
        return call_fail_as(c, STATUS_PRECONDITION, "MASTER_KEY", "cannot create the master key %s",
                            path);
    return STATUS_OK;
}

static enum status read_master(struct call *c, const char *path, struct seal_key *out)
{
    char text[MASTER_FILE_MAX];
    unsigned char digest[SEAL_DIGEST_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
    bool ok = true;

    if (fd >= 0)
        close(fd);
    if (n == SEAL_KEY_BYTES)
        memcpy(out->bytes, text, SEAL_KEY_BYTES);
    else
        ok = n > 0 && parse_hex(str_trim((str){text, (size_t)n}), out->bytes);
    seal_wipe(text, sizeof text);
    if (!ok)
        return call_fail_as(c, STATUS_PRECONDITION, "MASTER_KEY", "the master key %s %s", path,
                            n < 0 ? "cannot be read" : "is neither 32 bytes nor 64 hex digits");
    seal_sha256((str){(char *)out->bytes, SEAL_KEY_BYTES}, digest);
    out->id = (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 |
              digest[3];
    return STATUS_OK;
}

enum status keyring_open(struct call *c, const struct sql_options *options, struct keyring **out)
{
    struct keyring *k;
    enum status s;

    *out = NULL;
    if (options->master_key == KEY_CREATE && access(options->master_key_path, F_OK) != 0)
        TRY(create_master(c, options->master_key_path));
    if ((k = calloc(1, sizeof *k)) == NULL)
        return call_nomem(c);
    pthread_rwlock_init(&k->lock, NULL);
    k->cap = SLOTS_FIRST;
    k->slots = calloc(k->cap, sizeof(struct tenant_keys *));
    s = k->slots ? read_master(c, options->master_key_path, &k->master) : call_nomem(c);
    if (s != STATUS_OK) {
        keyring_close(k);
        return s;
    }
    *out = k;
    return STATUS_OK;
}

void keyring_close(struct keyring *k)
{
    if (!k)
        return;
    for (size_t i = 0; k->slots && i < k->cap; i++)
        if (k->slots[i]) {
            seal_wipe(k->slots[i], sizeof *k->slots[i]);
            free(k->slots[i]);
        }
    free(k->slots);
    pthread_rwlock_destroy(&k->lock);
    seal_wipe(k, sizeof *k);
    free(k);
}

/* The slot that holds the tenant, or the free one where it belongs. */
static size_t slot_of(struct tenant_keys *const *slots, size_t cap, int64_t tenant_id)
{
    size_t i = (size_t)((uint64_t)tenant_id * 0x9E3779B97F4A7C15u >> 32) & (cap - 1);

    while (slots[i] && slots[i]->tenant_id != tenant_id)
        i = (i + 1) & (cap - 1);
    return i;
}

const struct tenant_keys *keyring_find(struct keyring *k, int64_t tenant_id)
{
    const struct tenant_keys *found;

    pthread_rwlock_rdlock(&k->lock);
    found = k->slots[slot_of(k->slots, k->cap, tenant_id)];
    pthread_rwlock_unlock(&k->lock);
    return found;
}

/* With the write lock held. False: no memory, or too many tenants. */
static bool make_room(struct keyring *k)
{
    struct tenant_keys **more;
    size_t cap = k->cap * 2;

    if ((k->n + 1) * 2 <= k->cap)
        return true;
    if (k->n == TENANTS_MAX || (more = calloc(cap, sizeof(struct tenant_keys *))) == NULL)
        return false;
    for (size_t i = 0; i < k->cap; i++)
        if (k->slots[i])
            more[slot_of(more, cap, k->slots[i]->tenant_id)] = k->slots[i];
    free(k->slots);
    k->slots = more;
    k->cap = cap;
    return true;
}

/* Takes over *keys (also when it fails). Another thread may have been faster: its copy stays. */
static const struct tenant_keys *add(struct keyring *k, struct tenant_keys *keys)
{
    const struct tenant_keys *found = NULL;
    size_t i;

    pthread_rwlock_wrlock(&k->lock);
    i = slot_of(k->slots, k->cap, keys->tenant_id);
    if (k->slots[i]) {
        found = k->slots[i];
    } else if (make_room(k)) {
        found = k->slots[slot_of(k->slots, k->cap, keys->tenant_id)] = keys;
        k->n++;
        keys = NULL;
    }
    pthread_rwlock_unlock(&k->lock);
    if (keys) {
        seal_wipe(keys, sizeof *keys);
        free(keys);
    }
    return found;
}

static struct seal_place place_of(int64_t tenant_id, enum purpose purpose, uint32_t id)
{
    return (struct seal_place){.table = "tenant_key",
                               .tenant_id = tenant_id,
                               .id = {{(unsigned char)purpose}},
                               .version = id};
}

struct load {
    struct keyring *ring;
    struct call *call;
    struct tenant_keys *keys;
    bool has_index;
};

/* purpose, key_id, wrapped */
static enum status load_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct load *l = arg;
    enum purpose purpose = (enum purpose)cols[0].i;
    struct seal_place place = place_of(l->keys->tenant_id, purpose, (uint32_t)cols[1].i);
    struct seal_key *to = &l->keys->index;
    uint32_t master;
    str key;

    assert(n == 3);
    if (!seal_key_id(cols[2].s, &master) || master != l->ring->master.id)
        return call_fail_as(l->call, STATUS_PRECONDITION, "MASTER_KEY",
                            "the master key is not the one that this database was sealed with");
    if (!seal_open(l->call, &l->ring->master, &place, cols[2].s, &key) || key.n != SEAL_KEY_BYTES)
        return call_fail_as(l->call, STATUS_DATA_LOSS, "TENANT_KEY", "a tenant's key is damaged");
    if (purpose == PURPOSE_DATA) {
        if (l->keys->n_data == DATA_KEYS_MAX)
            return call_fail_as(l->call, STATUS_EXHAUSTED, "TENANT_KEYS",
                                "too many live data keys");
        to = &l->keys->data[l->keys->n_data++];
    } else if (purpose == PURPOSE_INDEX) {
        l->has_index = true;
    } else {
        return STATUS_OK; /* of a later version of this program */
    }
    to->id = (uint32_t)cols[1].i;
    memcpy(to->bytes, key.p, SEAL_KEY_BYTES);
    seal_wipe((void *)key.p, key.n);
    return STATUS_OK;
}

enum status keyring_load(struct keyring *k, struct call *c, struct sql_conn *conn,
                         int64_t tenant_id, const struct tenant_keys **out)
{
    const struct sql_statement q = {"SELECT purpose, key_id, wrapped FROM tenant_key "
                                    "WHERE tenant_id = $1 ORDER BY purpose, key_id",
                                    (struct sql_value[]){sql_int(tenant_id)}, 1};
    struct load l = {.ring = k, .call = c, .keys = calloc(1, sizeof *l.keys)};
    enum status s;

    *out = NULL;
    if (!l.keys)
        return call_nomem(c);
    l.keys->tenant_id = tenant_id;
    s = sql_query(conn, c, &q, load_row, &l);
    if (s != STATUS_OK || !l.has_index || !l.keys->n_data) {
        seal_wipe(l.keys, sizeof *l.keys);
        free(l.keys);
        return s;
    }
    if ((*out = add(k, l.keys)) == NULL)
        return call_nomem(c);
    return STATUS_OK;
}

static enum status create_one(struct keyring *k, struct call *c, struct sql_conn *conn,
                              const struct seal_place *place)
{
    unsigned char key[SEAL_KEY_BYTES], wrapped[SEAL_KEY_BYTES + SEAL_EXTRA_BYTES];
    enum status s;

    c->clock->random(c->clock, key, sizeof key);
    s = seal_into(c, &k->master, place, (str){(char *)key, sizeof key}, wrapped);
    seal_wipe(key, sizeof key);
    if (s != STATUS_OK)
        return s;
    return sql_exec(
        conn, c,
        &(struct sql_statement){
            "INSERT INTO tenant_key(tenant_id, purpose, key_id, wrapped, create_time) "
            "VALUES($1, $2, $3, $4, $5)",
            (struct sql_value[]){sql_int(place->tenant_id), sql_int(place->id.b[0]),
                                 sql_int(place->version), sql_bytes(wrapped, sizeof wrapped),
                                 sql_int(call_now_us(c))},
            5});
}

enum status keyring_create(struct keyring *k, struct call *c, struct sql_conn *conn,
                           int64_t tenant_id)
{
    struct seal_place index = place_of(tenant_id, PURPOSE_INDEX, 1),
                      data = place_of(tenant_id, PURPOSE_DATA, 1);

    TRY(create_one(k, c, conn, &index));
    return create_one(k, c, conn, &data);
}

const struct seal_key *tenant_keys_find(const struct tenant_keys *k, uint32_t id)
{
    for (size_t i = 0; i < k->n_data; i++)
        if (k->data[i].id == id)
            return &k->data[i];
    return NULL;
}
