/* A table of pointers under a read-write lock; a snapshot is swapped for a newer one and freed by
 * its last user. */
#include "sql/keyring.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/kill_point.h"
#include "sql/master_ring.h"

enum { SLOTS_FIRST = 64, TENANTS_MAX = 1 << 20 };

struct keyring {
    struct master_ring *masters; /* owned */
    pthread_rwlock_t lock;       /* guards all that follows */
    struct tenant_keys **slots;
    uint64_t n_loaded;
    size_t n, cap; /* cap is a power of two, more than half of it free */
};

enum status keyring_open(struct call *c, const struct sql_options *options, struct keyring **out)
{
    struct keyring *k = calloc(1, sizeof *k);
    enum status s;

    *out = NULL;
    if (!k)
        return call_nomem(c);
    pthread_rwlock_init(&k->lock, NULL);
    k->cap = SLOTS_FIRST;
    k->slots = calloc(k->cap, sizeof(struct tenant_keys *));
    s = k->slots ? master_ring_open(c, options, &k->masters) : call_nomem(c);
    if (s != STATUS_OK) {
        keyring_close(k);
        return s;
    }
    *out = k;
    return STATUS_OK;
}

struct master_ring *keyring_masters(struct keyring *k)
{
    return k->masters;
}

void tenant_keys_put(struct tenant_keys *keys)
{
    if (!keys || atomic_fetch_sub_explicit(&keys->refs, 1, memory_order_acq_rel) != 1)
        return;
    seal_wipe(keys, sizeof *keys);
    free(keys);
}

void keyring_close(struct keyring *k)
{
    if (!k)
        return;
    for (size_t i = 0; k->slots && i < k->cap; i++)
        tenant_keys_put(k->slots[i]);
    free(k->slots);
    master_ring_close(k->masters);
    pthread_rwlock_destroy(&k->lock);
    free(k);
}

/* Snapshots. */

/* The slot that holds the tenant, or the free one where it belongs. */
static size_t slot_of(struct tenant_keys *const *slots, size_t cap, int64_t tenant_id)
{
    size_t i = (size_t)((uint64_t)tenant_id * 0x9E3779B97F4A7C15u >> 32) & (cap - 1);

    while (slots[i] && slots[i]->tenant_id != tenant_id)
        i = (i + 1) & (cap - 1);
    return i;
}

struct tenant_keys *keyring_take(struct keyring *k, const struct call *c, int64_t tenant_id)
{
    struct tenant_keys *found;

    pthread_rwlock_rdlock(&k->lock);
    found = k->slots[slot_of(k->slots, k->cap, tenant_id)];
    if (found && call_monotonic_ns(c) - found->loaded_ns > (int64_t)KEYS_TTL_MS * 1000000)
        found = NULL;
    if (found)
        atomic_fetch_add_explicit(&found->refs, 1, memory_order_relaxed);
    pthread_rwlock_unlock(&k->lock);
    return found;
}

void keyring_forget(struct keyring *k, int64_t tenant_id)
{
    struct tenant_keys *found;

    pthread_rwlock_wrlock(&k->lock);
    found = k->slots[slot_of(k->slots, k->cap, tenant_id)];
    if (found)
        found->loaded_ns = INT64_MIN / 2;
    pthread_rwlock_unlock(&k->lock);
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

/* Makes *keys the tenant's snapshot; the caller keeps a reference of its own. What was sealed and
 * not counted goes on being not counted. False: no memory, or too many tenants. */
static bool publish(struct keyring *k, struct tenant_keys *keys)
{
    struct tenant_keys *old = NULL;
    bool ok;
    size_t i;

    pthread_rwlock_wrlock(&k->lock);
    ok = make_room(k);
    keys->serial = ++k->n_loaded;
    if (ok) {
        i = slot_of(k->slots, k->cap, keys->tenant_id);
        old = k->slots[i];
        k->slots[i] = keys;
        k->n += !old;
        atomic_fetch_add(&keys->refs, 1);
        if (old && old->data[old->n_data - 1].id == keys->data[keys->n_data - 1].id)
            atomic_fetch_add(&keys->seals, atomic_exchange(&old->seals, 0));
    }
    pthread_rwlock_unlock(&k->lock);
    tenant_keys_put(old);
    return ok;
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
    struct key_name name = {l->keys->tenant_id, cols[0].i, cols[1].i};
    struct seal_key *to = &l->keys->index;
    str key;

    assert(n == 3);
    if (cols[0].i == KEY_DATA) {
        if (l->keys->n_data == DATA_KEYS_MAX)
            return call_fail_as(l->call, STATUS_EXHAUSTED, "TENANT_KEYS",
                                "too many live data keys");
        to = &l->keys->data[l->keys->n_data++];
    } else if (cols[0].i == KEY_INDEX) {
        l->has_index = true;
    } else {
        return STATUS_OK; /* of another part of this program */
    }
    TRY(master_ring_unwrap(l->ring->masters, l->call, &name, cols[2].s, &key));
    to->id = (uint32_t)cols[1].i;
    memcpy(to->bytes, key.p, SEAL_KEY_BYTES);
    seal_wipe((void *)key.p, key.n);
    return STATUS_OK;
}

enum status keyring_load(struct keyring *k, struct call *c, struct sql_conn *conn,
                         int64_t tenant_id, struct tenant_keys **out)
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
    l.keys->loaded_ns = call_monotonic_ns(c); /* before the query: not younger than it is */
    atomic_init(&l.keys->refs, 1);
    s = sql_query(conn, c, &q, load_row, &l);
    if (s != STATUS_OK || !l.has_index || !l.keys->n_data) {
        tenant_keys_put(l.keys);
        return s;
    }
    if (!publish(k, l.keys)) {
        tenant_keys_put(l.keys);
        return call_nomem(c);
    }
    *out = l.keys;
    return STATUS_OK;
}

enum status keyring_add(struct keyring *k, struct call *c, struct sql_conn *conn,
                        const struct key_name *name)
{
    unsigned char key[SEAL_KEY_BYTES], wrapped[WRAPPED_KEY_BYTES];
    enum status s;

    c->clock->random(c->clock, key, sizeof key);
    s = master_ring_wrap(k->masters, c, name, key, wrapped);
    seal_wipe(key, sizeof key);
    if (s != STATUS_OK)
        return s;
    return sql_exec(conn, c,
                    &(struct sql_statement){
                        "INSERT INTO tenant_key(tenant_id, purpose, key_id, wrapped, create_time) "
                        "VALUES($1, $2, $3, $4, $5)",
                        (struct sql_value[]){sql_int(name->tenant_id), sql_int(name->purpose),
                                             sql_int(name->id), sql_bytes(wrapped, sizeof wrapped),
                                             sql_int(call_now_us(c))},
                        5});
}

enum status keyring_create(struct keyring *k, struct call *c, struct sql_conn *conn,
                           int64_t tenant_id)
{
    TRY(keyring_add(k, c, conn, &(struct key_name){tenant_id, KEY_INDEX, 1}));
    kill_here(KILL_KEY_CREATE);
    return keyring_add(k, c, conn, &(struct key_name){tenant_id, KEY_DATA, 1});
}

struct wrapped_key {
    struct key_name name;
    str wrapped;
};

struct rewrap {
    struct call *call;
    struct wrapped_key *keys; /* [limit] */
    size_t n, limit;
};

/* tenant_id, purpose, key_id, wrapped */
static enum status rewrap_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct rewrap *r = arg;

    assert(n == 4 && r->n < r->limit);
    r->keys[r->n] = (struct wrapped_key){{cols[0].i, cols[1].i, cols[2].i},
                                         arena_str(&r->call->arena, cols[3].s)};
    return r->keys[r->n++].wrapped.p ? STATUS_OK : call_nomem(r->call);
}

/* The old bytes are part of the condition: another server may have been faster. */
static enum status rewrap_one(struct keyring *k, struct call *c, struct sql_conn *conn,
                              const struct wrapped_key *key)
{
    unsigned char wrapped[WRAPPED_KEY_BYTES];
    enum status s;
    str plain;

    TRY(master_ring_unwrap(k->masters, c, &key->name, key->wrapped, &plain));
    s = master_ring_wrap(k->masters, c, &key->name, (const unsigned char *)plain.p, wrapped);
    seal_wipe((void *)plain.p, plain.n);
    if (s != STATUS_OK)
        return s;
    return sql_exec(
        conn, c,
        &(struct sql_statement){
            "UPDATE tenant_key SET wrapped = $4 WHERE tenant_id = $1 AND purpose = $2 "
            "AND key_id = $3 AND wrapped = $5",
            (struct sql_value[]){sql_int(key->name.tenant_id), sql_int(key->name.purpose),
                                 sql_int(key->name.id), sql_bytes(wrapped, sizeof wrapped),
                                 sql_bytes(key->wrapped.p, key->wrapped.n)},
            5});
}

enum status keyring_rewrap(struct keyring *k, struct call *c, struct sql_conn *conn, size_t limit,
                           size_t *n_out)
{
    struct rewrap r = {c, NEW(&c->arena, struct wrapped_key, limit), 0, limit};
    unsigned char id[4];

    *n_out = 0;
    if (!r.keys)
        return call_nomem(c);
    if (!master_ring_current(k->masters, id))
        return call_fail(c, STATUS_INTERNAL, "no master key has been read");
    TRY(sql_query(conn, c,
                  &(struct sql_statement){
                      "SELECT tenant_id, purpose, key_id, wrapped FROM tenant_key "
                      "WHERE substr(wrapped, 2, 4) <> $1 ORDER BY tenant_id, purpose, key_id "
                      "LIMIT $2",
                      (struct sql_value[]){sql_bytes(id, sizeof id), sql_int((int64_t)limit)}, 2},
                  rewrap_row, &r));
    for (size_t i = 0; i < r.n; i++)
        TRY(rewrap_one(k, c, conn, &r.keys[i]));
    *n_out = r.n;
    return STATUS_OK;
}

const struct seal_key *tenant_keys_find(const struct tenant_keys *k, uint32_t id)
{
    for (size_t i = 0; i < k->n_data; i++)
        if (k->data[i].id == id)
            return &k->data[i];
    return NULL;
}
