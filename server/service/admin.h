/* admin: the Admin service, over the agents. `self` of the handlers is a struct agents. */
#ifndef SERVICE_ADMIN_H
#define SERVICE_ADMIN_H

#include "agent/context.h"
#include "sales/v1/admin.service.h"

/* RPCs of later versions are empty slots: they answer UNIMPLEMENTED. */
extern const struct admin_handlers admin_handlers;

#endif
