/* One row per service; the order is that of the documentation. */
#include "server/services.h"

#include <assert.h>

#include "grpc/health/v1/health.service.h"
#include "grpc/reflection/v1/reflection.service.h"
#include "sales/v1/admin.service.h"
#include "sales/v1/coaching.service.h"
#include "sales/v1/forecast.service.h"
#include "sales/v1/outreach.service.h"
#include "service/admin.h"
#include "service/forecast.h"
#include "service/sales_agent.h"

/* Its header repeats the short names of v1. */
extern const struct service grpc__reflection__v1alpha__server_reflection__service;

const struct service *const services_all[SERVICES_ALL] = {
    &sales__v1__sales_agent__service,
    &sales__v1__outreach__service,
    &sales__v1__coaching__service,
    &sales__v1__forecast__service,
    &sales__v1__admin__service,
    &grpc__health__v1__health__service,
    &grpc__reflection__v1__server_reflection__service,
    &grpc__reflection__v1alpha__server_reflection__service,
};

void services_bind(struct agents *agents, struct service_binding out[SERVICES_OURS])
{
    static const struct outreach_handlers outreach;
    static const struct coaching_handlers coaching;
    const void *const handlers[SERVICES_OURS] = {&sales_agent_handlers, &outreach, &coaching,
                                                 &forecast_handlers, &admin_handlers};

    for (int i = 0; i < SERVICES_OURS; i++)
        out[i] = (struct service_binding){services_all[i], handlers[i], agents};
}

size_t services_methods(const struct service_binding bindings[SERVICES_OURS],
                        const char *out[SERVICES_METHODS_MAX])
{
    size_t n = 0;

    for (int i = 0; i < SERVICES_OURS; i++)
        for (size_t k = 0; k < bindings[i].service->n_methods; k++) {
            const struct method *m = &bindings[i].service->methods[k];

            assert(n < SERVICES_METHODS_MAX);
            if (method_is_served(m, bindings[i].handlers))
                out[n++] = m->path + 1; /* without the slash */
        }
    return n;
}
