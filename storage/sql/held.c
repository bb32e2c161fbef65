/* The keys that a unit works with beside its own: held until it ends, whatever becomes of the ring.
 */
#include <assert.h>

#include "sql/tx.h"
#include "store/outside.h"

/* In the call's arena; a list, because most units hold none and the others a few. */
struct held_keys {
    struct tenant_keys *keys;
    struct held_keys *next;
};

/* Takes over a reference, also when there is no memory. */
static enum status hold(struct tx *tx, struct tenant_keys *keys)
{
    struct tx *root = tx_owner(tx);
    struct held_keys *h = NEW(&tx->call->arena, struct held_keys, 1);

    if (!h) {
        tenant_keys_put(keys);
        return call_nomem(tx->call);
    }
    *h = (struct held_keys){keys, root->held};
    root->held = h;
    return STATUS_OK;
}

void tx_keys_release(struct tx *tx)
{
    for (; tx->held; tx->held = tx->held->next)
        tenant_keys_put(tx->held->keys);
}

static enum status load(struct tx *tx, int64_t tenant_id, struct tenant_keys **out)
{
    TRY(tx_enter(tx));
    TRY(keyring_load(tx->store->keyring, tx->call, tx->conn, tenant_id, out));
    return *out ? hold(tx, *out) : STATUS_OK;
}

enum status tx_keys(struct tx *tx, int64_t tenant_id, struct tenant_keys **out)
{
    *out = tenant_id == tx->tenant_id ? tx->keys : NULL;
    assert(tenant_id == tx->tenant_id || tx->tenant_id == 0);
    for (struct held_keys *h = tx_owner(tx)->held; h && !*out; h = h->next)
        if (h->keys->tenant_id == tenant_id)
            *out = h->keys;
    if (*out)
        return STATUS_OK;
    *out = keyring_take(tx->store->keyring, tx->call, tenant_id);
    return *out ? hold(tx, *out) : load(tx, tenant_id, out);
}

static enum status find_key(struct tx *tx, int64_t tenant_id, uint32_t id,
                            const struct seal_key **out)
{
    struct tenant_keys *keys;

    TRY(tx_keys(tx, tenant_id, &keys));
    if (keys)
        *out = tenant_keys_find(keys, id);
    if (*out)
        return STATUS_OK;
    TRY(load(tx, tenant_id, &keys)); /* another server may have started a key since */
    if (keys)
        *out = tenant_keys_find(keys, id);
    return STATUS_OK;
}

/* A system unit deals with all tenants: one whose keys are damaged must not stop it for the others.
 */
enum status tx_key_of(struct tx *tx, int64_t tenant_id, str sealed, const struct seal_key **out)
{
    enum status s;
    uint32_t id;

    *out = NULL;
    if (!seal_key_id(sealed, &id))
        return STATUS_OK;
    s = find_key(tx, tenant_id, id, out);
    if (s != STATUS_DATA_LOSS || tx->tenant_id == tenant_id)
        return s;
    call_clear(tx->call);
    return STATUS_OK;
}

/* Bytes outside of the store: keys without a unit. Seals are counted with those of the tenant's
 * next unit that writes. */

static enum status take_keys(struct store *s, struct call *c, const struct seal_place *place,
                             struct tenant_keys **out)
{
    *out = NULL;
    if (c->principal.tenant_id <= 0 || place->tenant_id != c->principal.tenant_id)
        return call_fail(c, STATUS_INTERNAL, "bytes outside of the store belong to no tenant");
    return store_keys_take(s, c, place->tenant_id, out);
}

enum status store_seal(struct store *s, struct call *c, const struct seal_place *place, str plain,
                       str *out)
{
    struct tenant_keys *keys;
    enum status status;

    *out = (str){0};
    TRY(take_keys(s, c, place, &keys));
    assert(keys);
    status = seal(c, tenant_keys_current(keys), place, plain, out);
    tenant_keys_put(keys);
    return status;
}

enum status store_open(struct store *s, struct call *c, const struct seal_place *place, str sealed,
                       str *out)
{
    const struct seal_key *key = NULL;
    struct tenant_keys *keys;
    uint32_t id;

    *out = (str){0};
    if (!seal_key_id(sealed, &id))
        return STATUS_OK;
    TRY(take_keys(s, c, place, &keys));
    assert(keys);
    key = tenant_keys_find(keys, id);
    if (!key || !seal_open(c, key, place, sealed, out))
        *out = (str){0};
    tenant_keys_put(keys);
    return c->fault.status;
}
