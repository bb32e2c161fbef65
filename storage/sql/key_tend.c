/* When a key is due to be replaced, and how the files of the engine forget what was deleted. */
#include <assert.h>

#include "sql/data_keys.h"
#include "store/key.h"

static const char due_name[] = "key.shred";

enum status tx_key_shred(struct tx *tx)
{
    int64_t n;

    return tx_counter_next(tx, due_name, &n);
}

static enum status due_row(void *arg, const struct sql_value *cols, size_t n)
{
    assert(n == 1);
    *(bool *)arg = cols[0].i > 0;
    return STATUS_OK;
}

/* Something was erased since the newest key was made. */
static enum status is_due(struct tx *tx, bool *out)
{
    *out = false;
    return tx_query(tx,
                    &(struct sql_statement){
                        "SELECT value FROM counter WHERE tenant_id = $1 AND name = $2",
                        (struct sql_value[]){sql_int(tx->tenant_id), sql_text(str_of(due_name))},
                        2},
                    due_row, out);
}

static enum status clear_due(struct tx *tx)
{
    return tx_exec(tx, &(struct sql_statement){
                           "DELETE FROM counter WHERE tenant_id = $1 AND name = $2",
                           (struct sql_value[]){sql_int(tx->tenant_id), sql_text(str_of(due_name))},
                           2});
}

/* Whether the tenant's only key has served its time. */
static enum status wants_another(struct tx *tx, int64_t age_s, int64_t shred_s, bool *out)
{
    bool due;

    TRY(is_due(tx, &due));
    *out = (due && age_s >= shred_s) || age_s >= (int64_t)KEY_AGE_DAYS * 86400;
    return STATUS_OK;
}

static enum status replace(struct tx *tx, struct key_state *out)
{
    uint32_t version;

    TRY(clear_due(tx));
    TRY(tx_key_rotate(tx, &version));
    out->n_live++;
    out->has_rotated = true;
    return STATUS_OK;
}

enum status tx_key_tend(struct tx *tx, int64_t shred_s, struct key_state *out)
{
    unsigned long counted = 0;
    struct data_keys keys;
    bool wants;

    *out = (struct key_state){0};
    TRY(tx_writable(tx));
    TRY(key_seals_count(tx, 1, &counted));
    TRY(data_keys_read(tx, &keys));
    if (keys.n == 0)
        return STATUS_OK; /* of a tenant that never stored anything */
    out->n_live = keys.n;
    if (keys.n > 1)
        return STATUS_OK; /* one rotation at a time */
    TRY(wants_another(tx, (call_now_us(tx->call) - keys.created_us[0]) / 1000000, shred_s, &wants));
    return wants ? replace(tx, out) : STATUS_OK;
}

enum status store_scrub(struct store *s, struct call *c)
{
    return s->driver->ops->scrub ? s->driver->ops->scrub(s->driver, c) : STATUS_OK;
}
