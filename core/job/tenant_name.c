/* Names never change; tenants come, and are suspended. */
#include "job/tenant_name.h"

#include <stdio.h>

#include "obs/log.h"
#include "store/tenant.h"

static enum status look_up(struct tx *tx, int64_t tenant_id, struct tenant_name *out)
{
    enum status s;
    TenantRecord *t;

    s = tx_tenant_of(tx, tenant_id, &t);
    if (s == STATUS_DATA_LOSS) { /* its jobs wait, those of others do not */
        log_error(tx_call(tx), LOG_EVENT_TENANT_DAMAGED, F_INT("number", tenant_id));
        call_clear(tx_call(tx));
        out->name[0] = '\0';
        out->is_suspended = true;
        return STATUS_OK;
    }
    if (s != STATUS_OK)
        return s;
    out->name[0] = '\0';
    out->is_suspended = false;
    if (t) {
        snprintf(out->name, sizeof out->name, "%s", t->tenant ? t->tenant->key : "");
        out->is_suspended = t->tenant && t->tenant->state == TENANT_STATE_SUSPENDED;
    }
    return STATUS_OK;
}

enum status tenant_names_get(struct tenant_names *names, struct tx *tx, int64_t tenant_id,
                             const struct tenant_name **out)
{
    static const struct tenant_name service = {0};
    struct tenant_name *slot = &names->slots[(uint64_t)tenant_id % TENANT_NAMES];
    int64_t now_us = call_now_us(tx_call(tx));

    *out = &service;
    if (tenant_id == 0)
        return STATUS_OK;
    if (slot->tenant_id != tenant_id || now_us >= slot->until_us) {
        slot->tenant_id = 0;
        TRY(look_up(tx, tenant_id, slot));
        slot->tenant_id = tenant_id;
        slot->until_us = now_us + (int64_t)TENANT_NAME_TTL_S * 1000000;
    }
    *out = slot;
    return STATUS_OK;
}
