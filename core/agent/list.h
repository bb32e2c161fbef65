/* list: one page of records as one read unit. */
#ifndef AGENT_LIST_H
#define AGENT_LIST_H

#include "store/store.h"

MUST_CHECK enum status list_run(struct call *c, struct store *s, enum record_kind kind,
                                const struct list_query *q, struct list_page *out);

#endif
