/* The unit behind every list. */
#include "agent/list.h"

#include "agent/policy.h"
#include "domain/compliance.h"

struct list {
    enum record_kind kind;
    const struct list_query *query;
    struct list_page *page;
};

static enum status list_unit(struct call *c, struct tx *tx, void *arg)
{
    struct list *k = arg;

    (void)c;
    return tx_list(tx, k->kind, k->query, k->page);
}

enum status list_run(struct call *c, struct store *s, enum record_kind kind,
                     const struct list_query *q, struct list_page *out)
{
    struct list k = {kind, q, out};

    return store_run(s, c, STORE_READ_ONE, list_unit, &k);
}

enum status list_people_size(struct call *c, struct agents *a, int32_t asked, int32_t *out)
{
    const TenantPolicy *policy;
    int64_t most;

    TRY(policy_get(c, a->policies, &policy));
    most = compliance_max(policy, COMPLIANCE_MAX_EXPORT_PAGE);
    *out = policy->hipaa_mode && asked > most ? (int32_t)most : asked;
    return STATUS_OK;
}
