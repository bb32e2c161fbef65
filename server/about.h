/* about: what this process is, gathered from configuration and services. */
#ifndef SERVER_ABOUT_H
#define SERVER_ABOUT_H

#include "agent/server_info.h"
#include "server/config.h"
#include "server/services.h"

/* What the build says of itself. */
struct build {
    const char *version, *commit; /* static; commit "": unknown */
};

struct about {
    struct server_info info; /* points into the rest */
    const char *parts[CONFIG_N_ROLES], *methods[SERVICES_METHODS_MAX];
};

/* Everything is borrowed; *out must stay where it is. */
void about_init(struct about *out, const struct config *config, const struct build *build,
                const struct service_binding bindings[SERVICES_OURS], int64_t start_us);

#endif
