/* The unit behind every list. */
#include "agent/list.h"

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
