/* The keys that units use, without a unit. Seals are counted with those of the tenant's next unit
 * that writes. */
#include "store/outside.h"

#include <assert.h>

#include "sql/tx.h"

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
