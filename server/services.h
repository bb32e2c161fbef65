/* services: which services this process serves, and by whom. */
#ifndef SERVER_SERVICES_H
#define SERVER_SERVICES_H

#include "rpc/server.h"

enum { SERVICES_OURS = 5, SERVICES_ALL = 8, SERVICES_METHODS_MAX = 200 };

struct agents;

/* Ours: SalesAgent, Outreach, Coaching, Forecast, Admin, over the agents. RPCs without a handler
 * answer UNIMPLEMENTED. */
void services_bind(struct agents *agents, struct service_binding out[SERVICES_OURS]);

/* The names of the methods that have a handler ("sales.v1.SalesAgent/GetLead"). Returns how many.
 */
size_t services_methods(const struct service_binding bindings[SERVICES_OURS],
                        const char *out[SERVICES_METHODS_MAX]);

/* All that clients can call, with health and reflection: what metrics start from zero for. */
extern const struct service *const services_all[SERVICES_ALL];

#endif
