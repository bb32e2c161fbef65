/* list: one page of records as one read unit. */
#ifndef AGENT_LIST_H
#define AGENT_LIST_H

#include "agent/context.h"

MUST_CHECK enum status list_run(struct call *c, struct store *s, enum record_kind kind,
                                const struct list_query *q, struct list_page *out);

/* As many records of people as were asked for, and as one page may hold in the tenant's mode; 0
 * asks for as many as the store thinks good. */
MUST_CHECK enum status list_people_size(struct call *c, struct agents *a, int32_t asked,
                                        int32_t *out);

#endif
