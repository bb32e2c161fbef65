/* A table with one place per number: numbers count up, so neighbours never meet. */
#include "event/tenant_ids.h"

#include <stdio.h>

#include "store/tenant.h"

static const char nil[] = "00000000-0000-0000-0000-000000000000";

struct look_up {
    int64_t number;
    const char *id;
};

static enum status look_up_unit(struct call *c, struct tx *tx, void *arg)
{
    struct look_up *k = arg;
    TenantRecord *record;

    (void)c;
    k->id = nil;
    TRY(tx_tenant_of(tx, k->number, &record));
    if (record && record->tenant && strlen(record->tenant->id) == UUID_TEXT_BYTES)
        k->id = record->tenant->id;
    return STATUS_OK;
}

enum status tenant_ids_get(struct tenant_ids *t, struct call *c, int64_t number, str *out)
{
    struct tenant_id *name = &t->names[(uint64_t)number % TENANT_IDS_MAX];

    *out = (str){0};
    if (name->number != number) {
        struct look_up k = {.number = number};

        TRY(store_run_system(t->store, c, STORE_READ, look_up_unit, &k));
        snprintf(name->id, sizeof name->id, "%s", k.id);
        name->number = number;
    }
    *out = arena_str(&c->arena, str_of(name->id));
    return out->p ? STATUS_OK : call_nomem(c);
}
