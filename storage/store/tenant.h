/* tenant: the record of a tenant by the number that its rows carry. */
#ifndef STORE_TENANT_H
#define STORE_TENANT_H

#include "store/records.h"

/* tx: a system unit, or a view of tx_service. *out is NULL when no tenant has the number. */
MUST_CHECK static inline enum status tx_tenant_of(struct tx *tx, int64_t number, TenantRecord **out)
{
    const struct list_where where = {.column = TENANT_BY_number, .number = number};
    const struct list_query q = {.page_size = 1, .where = &where, .n_where = 1};
    struct list_page page;

    *out = NULL;
    TRY(tx_list(tx, RECORD_TENANT, &q, &page));
    if (page.n_items)
        *out = (TenantRecord *)page.items[0];
    return STATUS_OK;
}

#endif
