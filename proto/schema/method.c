/* method: look-ups in the generated tables. */
#include "schema/method.h"

#include <string.h>

#include "base/banned.h"

const struct method *service_find(const struct service *s, const char *path)
{
    for (size_t i = 0; i < s->n_methods; i++)
        if (strcmp(s->methods[i].path, path) == 0)
            return &s->methods[i];
    return NULL;
}

bool method_is_served(const struct method *m, const void *handlers)
{
    void (*handler)(void);

    memcpy(&handler, (const char *)handlers + m->handler, sizeof handler);
    return handler != NULL;
}
